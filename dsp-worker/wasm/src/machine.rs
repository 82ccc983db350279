//! One instance of a module's code, with a memory of its own.

use sostenuto_dsp::exp2;
use sostenuto_dsp::lane::{LANES, Lane, Lanes};
use sostenuto_dsp::phase::sine;
use sostenuto_dsp::signal::{Signal, groups};
use sostenuto_dsp::units::{CHANNELS, QUANTUM};
use sostenuto_modules::module::Block;
use sostenuto_modules::own::{Code, GLOBALS, Kept, OWN_KEPT};
use wasmtime::{Engine, Extern, Func, Global, Instance, Memory, Module, Store, TypedFunc, Val};

use crate::check::GLOBAL;
use crate::clip::{Compiled, Shape};
use crate::io::{self, Io, PortFrames};

/// Instructions that a call may take for each of its frames: some thirty times as many as
/// the dearest of our own modules with sixteen voices.
const INSTRUCTIONS_PER_FRAME: u64 = 50_000;

/// … and that it may take to start, at most.
const INSTRUCTIONS_TO_START: u64 = 5_000_000;

/// An instance.
pub struct Machine {
    /// Which code it runs.
    pub name: u64,
    /// Of which module.
    pub seed: u64,
    /// Whose memory it has, as [`Code::born`] and [`Code::next`] say it; zeros: nobody's.
    mark: (u64, u64),
    store: Store<()>,
    memory: Memory,
    globals: Vec<Global>,
    io: usize,
    start: Option<TypedFunc<(), ()>>,
    forget: Option<TypedFunc<i32, ()>>,
    process: TypedFunc<(), ()>,
    shape: Shape,
    kept: [Kept; OWN_KEPT],
    kept_count: usize,
    fresh: Box<[u8]>,
    fresh_globals: [u64; GLOBALS],
}

fn sine_of_turns(turns: f32) -> f32 {
    let phase = (f64::from(turns - turns.floor()) * 4_294_967_296.0) as u64;
    sine::<f32, 1>([phase as u32 as i32])
}

impl Machine {
    /// An instance of a module that was compiled, as it is before its first frame. Takes
    /// memory; not real-time.
    ///
    /// # Errors
    /// Where the code is of another program, or does not hold what its facts say.
    pub fn new(
        engine: &Engine,
        module: &Module,
        compiled: &Compiled,
        seed: u64,
    ) -> wasmtime::Result<Machine> {
        let mut store = Store::new(engine, ());
        store.set_fuel(INSTRUCTIONS_TO_START)?;
        let imports: Vec<Extern> = module
            .imports()
            .map(|import| match import.name() {
                "exp2" => Func::wrap(&mut store, |x: f32| -> f32 { exp2(x.clamp(-120.0, 120.0)) }),
                _ => Func::wrap(&mut store, sine_of_turns),
            })
            .map(Extern::Func)
            .collect();
        let instance = Instance::new(&mut store, module, &imports)?;
        let none = || wasmtime::Error::msg("its memory is not exported");
        let memory = instance.get_memory(&mut store, "memory").ok_or_else(none)?;
        let io = instance.get_typed_func::<(), i32>(&mut store, "io")?;
        let io = io.call(&mut store, ())? as u32 as usize;
        let shape = compiled.shape;
        let does_not_fit = || {
            let bytes = io::bytes(&shape);
            let what = format!("`io` has to give a multiple of 16 with {bytes} bytes behind it");
            wasmtime::Error::msg(what)
        };
        let bytes = memory.data_mut(&mut store);
        io::at(bytes, io, &shape).ok_or_else(does_not_fit)?;
        if io + io::bytes(&shape) > shape.used_bytes as usize {
            return Err(does_not_fit());
        }
        let globals = (0..shape.globals).map(|number| format!("{GLOBAL}{number}"));
        let globals: Vec<Global> =
            globals.filter_map(|name| instance.get_global(&mut store, &name)).collect();
        let start = instance.get_typed_func(&mut store, "start").ok();
        let forget = instance.get_typed_func(&mut store, "forget").ok();
        let process = instance.get_typed_func(&mut store, "process")?;
        let mut kept = [Kept::default(); OWN_KEPT];
        let kept_count = compiled.kept.len().min(OWN_KEPT);
        kept[..kept_count].copy_from_slice(&compiled.kept[..kept_count]);
        let fresh = memory.data(&store).into();
        let mut machine = Machine {
            name: compiled.name,
            seed,
            mark: (0, 0),
            store,
            memory,
            globals,
            io,
            start,
            forget,
            process,
            shape,
            kept,
            kept_count,
            fresh,
            fresh_globals: [0; GLOBALS],
        };
        machine.fresh_globals = machine.globals();
        Ok(machine)
    }

    /// Computes the frames of a block from the committed state, and commits them at the
    /// end of a quantum. Real-time safe.
    ///
    /// # Errors
    /// Where the code stopped. Its state is to begin anew.
    pub fn run(&mut self, state: &mut Code, block: &mut Block) -> wasmtime::Result<()> {
        let result = self.try_run(state, block);
        if result.is_err() {
            self.mark = (0, 0);
            state.code = 0;
        }
        result
    }

    fn try_run(&mut self, state: &mut Code, block: &mut Block) -> wasmtime::Result<()> {
        if state.code != self.name {
            self.begin(state, block)?;
        } else if state.next == 0 || self.mark != (state.born, state.next) {
            self.recall(state);
        }
        let gone = std::mem::take(&mut state.forgotten);
        if let (1.., Some(forget)) = (gone, &self.forget) {
            self.store.set_fuel(INSTRUCTIONS_TO_START)?;
            forget.call(&mut self.store, gone.cast_signed())?;
        }
        let frames = block.frames();
        let channels = self.write_inputs(state.seed, block);
        self.store.set_fuel(frames.len() as u64 * INSTRUCTIONS_PER_FRAME)?;
        self.process.call(&mut self.store, ())?;
        self.read_outputs(channels, block);
        state.next = block.frame + frames.end as u64;
        self.mark = (state.born, state.next);
        if frames.end == QUANTUM {
            self.commit(state);
        }
        Ok(())
    }

    /// Begins anew, with what is to outlive the code that was there.
    fn begin(&mut self, state: &mut Code, block: &mut Block) -> wasmtime::Result<()> {
        let has_code_changed = state.code != 0;
        self.memory.data_mut(&mut self.store).copy_from_slice(&self.fresh);
        self.set_globals(&self.fresh_globals.clone());
        if let Some(start) = &self.start {
            if let Some(io) = io::at(self.memory.data_mut(&mut self.store), self.io, &self.shape) {
                io.head.sample_rate_hz = block.sample_rate_hz;
                io.head.seed = state.seed;
            }
            self.store.set_fuel(INSTRUCTIONS_TO_START)?;
            start.call(&mut self.store, ())?;
        }
        if has_code_changed {
            let old: &[u8] = bytemuck::cast_slice(&state.memory);
            let memory = self.memory.data_mut(&mut self.store);
            let were = &state.kept[..(state.kept_count as usize).min(OWN_KEPT)];
            for now in &self.kept[..self.kept_count] {
                let is_it = |was: &&Kept| (was.key, was.bytes) == (now.key, now.bytes);
                let range = |kept: &Kept| kept.offset as usize..(kept.offset + kept.bytes) as usize;
                let was = were.iter().find(is_it).and_then(|was| old.get(range(was)));
                if let (Some(was), Some(now)) = (was, memory.get_mut(range(now))) {
                    now.copy_from_slice(was);
                }
            }
            block.begin_anew();
        }
        state.code = self.name;
        state.born = block.frame + block.frames().start as u64;
        state.kept = self.kept;
        state.kept_count = self.kept_count as u32;
        Ok(())
    }

    /// Takes the memory that was committed.
    fn recall(&mut self, state: &Code) {
        let used = self.shape.used_bytes as usize;
        let memory = self.memory.data_mut(&mut self.store);
        memory[..used].copy_from_slice(&bytemuck::cast_slice(&state.memory)[..used]);
        self.set_globals(&state.globals);
    }

    fn commit(&mut self, state: &mut Code) {
        let used = self.shape.used_bytes as usize;
        let memory: &mut [u8] = bytemuck::cast_slice_mut(&mut state.memory);
        memory[..used].copy_from_slice(&self.memory.data(&self.store)[..used]);
        state.globals = self.globals();
    }

    fn globals(&mut self) -> [u64; GLOBALS] {
        let mut numbers = [0; GLOBALS];
        for (number, global) in numbers.iter_mut().zip(&self.globals) {
            *number = match global.get(&mut self.store) {
                Val::I32(value) => u64::from(value.cast_unsigned()),
                Val::I64(value) => value.cast_unsigned(),
                Val::F32(bits) => u64::from(bits),
                Val::F64(bits) => bits,
                _ => 0,
            };
        }
        numbers
    }

    fn set_globals(&mut self, numbers: &[u64; GLOBALS]) {
        for (&number, global) in numbers.iter().zip(&self.globals) {
            let value = match global.get(&mut self.store) {
                Val::I32(_) => Val::I32((number as u32).cast_signed()),
                Val::I64(_) => Val::I64(number.cast_signed()),
                Val::F32(_) => Val::F32(number as u32),
                _ => Val::F64(number),
            };
            // It was exported because it is mutable, and is of that type.
            let _ = global.set(&mut self.store, value);
        }
    }

    fn write_inputs(&mut self, seed: u64, block: &mut Block) -> usize {
        let shape = self.shape;
        let signals = |port: u32| block.input(port as usize);
        let channels = (0..shape.inputs).map(|port| signals(port).channels()).find(|&n| n > 0);
        let channels = channels.unwrap_or(1);
        let memory = self.memory.data_mut(&mut self.store);
        // It was there when the machine was made.
        let Some(Io { head, params, inputs, .. }) = io::at(memory, self.io, &shape) else {
            return channels;
        };
        head.sample_rate_hz = block.sample_rate_hz;
        head.first = block.frames().start as u32;
        head.end = block.frames().end as u32;
        head.channels = channels as u32;
        head.out_channels = channels as u32;
        head.frame = block.frame;
        head.seed = seed;
        head.heard = (0..shape.outputs).map(|o| u32::from(block.is_heard(o as usize)) << o).sum();
        for (port, frames) in inputs.iter_mut().enumerate() {
            let signal = block.input(port);
            head.in_channels[port] = signal.channels() as u32;
            write_port(signal, block.frames(), frames);
        }
        for (index, frames) in params.iter_mut().enumerate() {
            let goal = block.goal(index);
            head.goals[index] = goal;
            if shape.jumps >> index & 1 != 0 {
                *frames = [goal; QUANTUM];
            } else {
                let ramp = block.ramp(index);
                *frames = std::array::from_fn(|frame| ramp.at(frame));
            }
        }
        channels
    }

    fn read_outputs(&mut self, channels: usize, block: &mut Block) {
        let memory = self.memory.data_mut(&mut self.store);
        let Some(Io { head, outputs, .. }) = io::at(memory, self.io, &self.shape) else { return };
        let most = CHANNELS as u32;
        let channels = if head.out_channels == 0 { channels as u32 } else { head.out_channels };
        block.set_channels(channels.clamp(1, most) as usize);
        for (port, frames) in outputs.iter().enumerate() {
            let range = block.frames();
            read_port(block.output(port), range, frames);
        }
        for port in outputs.len()..sostenuto_modules::own::OWN_PORTS {
            block.mute(port);
        }
    }
}

/// One channel is copied to all; where nothing is patched there is 0 V.
fn write_port(signal: &Signal, frames: std::ops::Range<usize>, port: &mut PortFrames) {
    if signal.channels() <= 1 {
        for frame in frames {
            port[frame] = [signal.at(0, frame); CHANNELS];
        }
        return;
    }
    for frame in frames {
        for (group, lanes) in port[frame].as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
            *lanes = signal.get::<Lanes>(group, frame).to_lanes();
        }
    }
}

fn read_port(signal: &mut Signal, frames: std::ops::Range<usize>, port: &PortFrames) {
    let channels = signal.channels();
    for frame in frames {
        if channels == 1 {
            signal.put::<f32>(0, frame, port[frame][0]);
            continue;
        }
        let lanes = port[frame].as_chunks::<LANES>().0.iter();
        for (group, lanes) in lanes.take(groups(channels)).enumerate() {
            signal.put::<Lanes>(group, frame, Lanes::from_lanes(*lanes));
        }
    }
}
