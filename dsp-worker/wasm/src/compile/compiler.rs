//! The compiler itself.

use std::io::{Read, Write};
use std::sync::mpsc;

use sostenuto_dsp::units::QUANTUM;
use sostenuto_modules::module::{Block, Runs};
use sostenuto_modules::own::Code;
use sostenuto_modules::rig::Rig;
use wasmtime::Module;

use crate::check::{LONGEST, WasmError, check};
use crate::clip::{self, Compiled};
use crate::engine::engine;
use crate::machine::Machine;
use crate::run::silence;

use super::{COMPILED, REFUSED};

/// Compiles a module and tries it with silence. What comes out is a clip for
/// [`Text::Code`](sostenuto_modules::clip::Text).
///
/// # Errors
/// Where it breaks the contract.
pub fn compile(wasm: &[u8]) -> Result<Vec<f32>, WasmError> {
    let checked = check(wasm)?;
    let cannot = |error: wasmtime::Error| WasmError::Compile(first_line(&error));
    let engine = engine().map_err(cannot)?;
    let module = Module::new(&engine, &checked.wasm).map_err(cannot)?;
    let clip = clip::write(&checked, &module.serialize().map_err(cannot)?);
    try_with_silence(&engine, &module, &clip)?;
    Ok(clip)
}

fn first_line(error: &wasmtime::Error) -> String {
    let text = format!("{error:#}");
    text.lines().next().unwrap_or_default().trim_end_matches('.').to_owned()
}

/// Compiled code that has not played yet may stop at once, or claim more memory than it
/// has: better heard here than in a patch.
fn try_with_silence(
    engine: &wasmtime::Engine,
    module: &Module,
    clip: &[f32],
) -> Result<(), WasmError> {
    let cannot = |error: wasmtime::Error| WasmError::Trial(first_line(&error));
    let compiled = Compiled::read(clip).ok_or_else(|| WasmError::Compile("it is empty".into()))?;
    let machine = Machine::new(engine, module, &compiled, 1).map_err(cannot)?;
    let (tell, told) = mpsc::channel();
    let mut rig = Rig::named(Code::NAME, 48_000.0);
    rig.clip(clip, 1, 0.0).runs(Box::new(Trial { machine, tell })).run(4 * QUANTUM);
    told.try_recv().map_or(Ok(()), |error| Err(WasmError::Trial(error)))
}

struct Trial {
    machine: Machine,
    tell: mpsc::Sender<String>,
}

impl Runs for Trial {
    fn run(&mut self, state: &mut [u8], block: &mut Block) {
        if let Err(error) = self.machine.run(bytemuck::from_bytes_mut(state), block) {
            let _ = self.tell.send(first_line(&error));
            silence(block);
        }
    }
}

/// The life of the process that is thrown away: a module comes in, and what was made of it
/// goes out, or a sentence.
///
/// # Errors
/// Where nobody is there who gives or takes.
pub fn serve(input: impl Read, mut output: impl Write) -> std::io::Result<()> {
    let mut wasm = Vec::new();
    input.take(LONGEST as u64 + 1).read_to_end(&mut wasm)?;
    match compile(&wasm) {
        Ok(clip) => {
            output.write_all(&[COMPILED])?;
            output.write_all(bytemuck::cast_slice(&clip))?;
        }
        Err(error) => {
            output.write_all(&[REFUSED])?;
            output.write_all(error.to_string().as_bytes())?;
        }
    }
    output.flush()
}
