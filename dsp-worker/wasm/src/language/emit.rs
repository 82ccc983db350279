//! From a program to WebAssembly.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use sostenuto_dsp::units::{CHANNELS, QUANTUM};
use sostenuto_modules::module::About;
use sostenuto_modules::own::{OWN_KEPT, OWN_MEMORY_BYTES, OwnError};
use wasm_encoder::{
    BlockType, CodeSection, ConstExpr, DataSection, EntityType, ExportKind, ExportSection,
    Function, FunctionSection, GlobalSection, GlobalType, ImportSection, Instruction as I, MemArg,
    MemorySection, MemoryType, Module, TypeSection, ValType,
};

use super::parse::{Operator, Program, Statement, Value};
use crate::check::OURS;
use crate::clip::Shape;
use crate::io;

/// Where `io` lies: not at 0, so that every place is one.
const IO: u32 = 16;
/// Bytes of a number for each channel.
const ROW: u32 = 4 * CHANNELS as u32;
/// Where the params begin, and how long each is.
const PARAMS: u32 = IO + 144;
const PARAM: u32 = 4 * QUANTUM as u32;
const PORT: u32 = QUANTUM as u32 * ROW;

/// Functions by their numbers: two of ours, then those of the module.
const EXP2: u32 = 0;
const SINE: u32 = 1;

/// Locals of `process`: whole numbers, then the program's own.
const FRAME: u32 = 0;
const CHANNEL: u32 = 1;
/// Where this frame of this channel lies in a port.
const AT: u32 = 2;
/// Where this channel lies in a row.
const LANE: u32 = 3;
const INDEX: u32 = 4;
const WHOLE_LOCALS: u32 = 5;
/// Numbers that are needed for a moment.
const HELD: u32 = 5;
const HELD_TOO: u32 = 6;
const FIRST_OWN: u32 = 7;

/// The loudest that goes out, in volts.
const MOST_VOLTS: f32 = 100.0;

/// What a name stands for.
#[derive(Clone, Copy)]
enum Meaning {
    Input(u32),
    Output(u32),
    Param(u32),
    State(u32),
    Table(u32, u32),
    Local(u32),
    /// A number of a loop, which the program may not set.
    Counter(u32),
}

/// WebAssembly for a program, and lines of facts that say what is kept.
pub fn emit(program: &Program, about: &About) -> Result<(Vec<u8>, String), OwnError> {
    let mut writer = Writer::new(about);
    writer.chance = writer.take(1, 1)?;
    for state in &program.states {
        let place = writer.take(1, state.line)?;
        writer.starts.push((place, state.start));
        writer.name(&state.name, Meaning::State(place), state.line)?;
        writer.kept.push((state.name.clone(), place, CHANNELS as u32));
    }
    for table in &program.tables {
        let place = writer.take(table.length, table.line)?;
        writer.name(&table.name, Meaning::Table(place, table.length), table.line)?;
        writer.kept.push((table.name.clone(), place, CHANNELS as u32 * table.length));
    }
    let frames = writer.process(&program.body)?;
    Ok(writer.module(frames))
}

fn error(line: usize, what: impl Into<String>) -> OwnError {
    OwnError { line, what: what.into() }
}

/// Where a number lies that a place and an offset say.
fn memory(offset: u32) -> MemArg {
    MemArg { offset: u64::from(offset), align: 2, memory_index: 0 }
}

struct Writer {
    names: BTreeMap<String, Meaning>,
    shape: Shape,
    /// The first byte that nothing lies at.
    end: u32,
    /// Where states begin, and at what.
    starts: Vec<(u32, f32)>,
    kept: Vec<(String, u32, u32)>,
    /// Where what is drawn by chance is remembered.
    chance: u32,
    /// Local numbers that the program has.
    locals: u32,
    code: Vec<I<'static>>,
}

impl Writer {
    fn new(about: &About) -> Writer {
        let count = |count: usize| count as u32;
        let shape = Shape {
            inputs: count(about.inputs.len()),
            outputs: count(about.outputs.len()),
            params: count(about.params.len()),
            ..Shape::default()
        };
        // A program has no dashes in its names.
        let spoken = |name: &str| name.replace('-', "_");
        let mut names = BTreeMap::new();
        let params = about.params.iter().zip(0..);
        names.extend(params.map(|(param, n)| (spoken(param.name), Meaning::Param(n))));
        let inputs = about.inputs.iter().zip(0..);
        names.extend(inputs.map(|(port, n)| (spoken(port.name), Meaning::Input(n))));
        let outputs = about.outputs.iter().zip(0..);
        names.extend(outputs.map(|(port, n)| (spoken(port.name), Meaning::Output(n))));
        let end = (IO + io::bytes(&shape) as u32).next_multiple_of(16);
        Writer {
            names,
            shape,
            end,
            starts: Vec::new(),
            kept: Vec::new(),
            chance: 0,
            locals: 0,
            code: Vec::new(),
        }
    }

    /// Room for so many numbers of each channel.
    fn take(&mut self, numbers: u32, line: usize) -> Result<u32, OwnError> {
        let place = self.end;
        self.end += numbers * ROW;
        if self.end as usize > OWN_MEMORY_BYTES {
            return Err(error(line, "this and what stands above need more than 64 KiB of memory"));
        }
        Ok(place)
    }

    fn name(&mut self, name: &str, meaning: Meaning, line: usize) -> Result<(), OwnError> {
        let is_ours = CONSTANTS.iter().any(|(constant, _)| *constant == name);
        if is_ours || OWN_WORDS.contains(&name) || self.names.contains_key(name) {
            return Err(error(line, format!("`{name}` is the name of something else")));
        }
        self.names.insert(name.to_owned(), meaning);
        Ok(())
    }

    fn local(&mut self) -> u32 {
        self.locals += 1;
        FIRST_OWN + self.locals - 1
    }

    fn push(&mut self, instructions: impl IntoIterator<Item = I<'static>>) {
        self.code.extend(instructions);
    }

    /// The whole function: for each frame, for each channel, the program.
    fn process(&mut self, body: &[Statement]) -> Result<Vec<I<'static>>, OwnError> {
        self.statements(body)?;
        let body = std::mem::take(&mut self.code);
        self.push([
            I::I32Const(0),
            I::I32Load(memory(IO + 4)),
            I::LocalSet(FRAME),
            I::Loop(BlockType::Empty),
            I::I32Const(0),
            I::LocalSet(CHANNEL),
            I::Loop(BlockType::Empty),
            I::LocalGet(CHANNEL),
            I::I32Const(2),
            I::I32Shl,
            I::LocalTee(LANE),
            I::LocalGet(FRAME),
            I::I32Const(ROW as i32),
            I::I32Mul,
            I::I32Add,
            I::LocalSet(AT),
        ]);
        self.push(body);
        self.next(CHANNEL, 12);
        self.next(FRAME, 8);
        self.push([I::End]);
        Ok(std::mem::take(&mut self.code))
    }

    /// The end of a loop that goes on below the number that lies there.
    fn next(&mut self, local: u32, end: u32) {
        self.push([
            I::LocalGet(local),
            I::I32Const(1),
            I::I32Add,
            I::LocalTee(local),
            I::I32Const(0),
            I::I32Load(memory(IO + end)),
            I::I32LtU,
            I::BrIf(0),
            I::End,
        ]);
    }

    fn statements(&mut self, statements: &[Statement]) -> Result<(), OwnError> {
        // What a block names, it forgets.
        let before = self.names.clone();
        for statement in statements {
            self.statement(statement)?;
        }
        self.names = before;
        Ok(())
    }

    fn statement(&mut self, statement: &Statement) -> Result<(), OwnError> {
        match statement {
            Statement::Let { name, value, line } => {
                self.value(value)?;
                let local = self.local();
                self.name(name, Meaning::Local(local), *line)?;
                self.push([I::LocalSet(local)]);
            }
            Statement::Set { name, index, value, line } => {
                self.set(name, index.as_ref(), value, *line)?;
            }
            Statement::If { condition, then, otherwise } => {
                self.truth(condition)?;
                self.push([I::If(BlockType::Empty)]);
                self.statements(then)?;
                if !otherwise.is_empty() {
                    self.push([I::Else]);
                    self.statements(otherwise)?;
                }
                self.push([I::End]);
            }
            Statement::For { name, from, to, body, line } if from < to => {
                let counter = self.local();
                let before = self.names.clone();
                self.name(name, Meaning::Counter(counter), *line)?;
                let f32 = |number: u32| I::F32Const((number as f32).into());
                self.push([f32(*from), I::LocalSet(counter), I::Loop(BlockType::Empty)]);
                self.statements(body)?;
                self.names = before;
                self.push([I::LocalGet(counter), f32(1), I::F32Add, I::LocalTee(counter)]);
                self.push([f32(*to), I::F32Lt, I::BrIf(0), I::End]);
            }
            Statement::For { .. } => {}
        }
        Ok(())
    }

    fn set(
        &mut self,
        name: &str,
        index: Option<&Value>,
        value: &Value,
        line: usize,
    ) -> Result<(), OwnError> {
        match (self.meaning(name, line)?, index) {
            (Meaning::Local(local), None) => {
                self.value(value)?;
                self.push([I::LocalSet(local)]);
            }
            (Meaning::State(place), None) => {
                self.push([I::LocalGet(LANE)]);
                self.value(value)?;
                self.push([I::F32Store(memory(place))]);
            }
            (Meaning::Output(port), None) => {
                self.push([I::LocalGet(AT)]);
                self.value(value)?;
                let most = |volts: f32| I::F32Const(volts.into());
                self.push([most(MOST_VOLTS), I::F32Min, most(-MOST_VOLTS), I::F32Max]);
                let place = self.output(port);
                self.push([I::F32Store(memory(place))]);
            }
            (Meaning::Table(place, length), Some(index)) => {
                self.element(index, length)?;
                self.value(value)?;
                self.push([I::F32Store(memory(place))]);
            }
            (Meaning::Table(..), None) => {
                return Err(error(line, format!("`{name}` is a table: `{name}[0] = …` sets one")));
            }
            (_, Some(_)) => return Err(error(line, format!("`{name}` is no table"))),
            _ => return Err(error(line, format!("`{name}` comes in, and cannot be set"))),
        }
        Ok(())
    }

    fn meaning(&self, name: &str, line: usize) -> Result<Meaning, OwnError> {
        let unknown = || {
            let what = "no input, output, knob, `state`, `table` or `let` is called that";
            error(line, format!("`{name}`: {what}"))
        };
        self.names.get(name).copied().ok_or_else(unknown)
    }

    fn output(&self, port: u32) -> u32 {
        self.input(self.shape.inputs + port)
    }

    fn input(&self, port: u32) -> u32 {
        PARAMS + self.shape.params * PARAM + port * PORT
    }

    /// Where an element of a table lies, from the table's place on. Indices go round.
    fn element(&mut self, index: &Value, length: u32) -> Result<(), OwnError> {
        self.value(index)?;
        let length = length as i32;
        self.push([
            I::F32Floor,
            I::I32TruncSatF32S,
            I::I32Const(length),
            I::I32RemS,
            I::LocalTee(INDEX),
            I::LocalGet(INDEX),
            I::I32Const(31),
            I::I32ShrS,
            I::I32Const(length),
            I::I32And,
            I::I32Add,
            I::I32Const(ROW as i32),
            I::I32Mul,
            I::LocalGet(LANE),
            I::I32Add,
        ]);
        Ok(())
    }

    /// Whether a value is not 0, as a whole number.
    fn truth(&mut self, value: &Value) -> Result<(), OwnError> {
        self.value(value)?;
        self.push([I::F32Const(0.0.into()), I::F32Ne]);
        Ok(())
    }

    fn value(&mut self, value: &Value) -> Result<(), OwnError> {
        match value {
            Value::Number(number) => self.push([I::F32Const((*number).into())]),
            Value::Name(name, line) => self.read(name, *line)?,
            Value::Element(name, index, line) => {
                let Meaning::Table(place, length) = self.meaning(name, *line)? else {
                    return Err(error(*line, format!("`{name}` is no table")));
                };
                self.element(index, length)?;
                self.push([I::F32Load(memory(place))]);
            }
            Value::Call(name, values, line) => self.call(name, values, *line)?,
            Value::Not(value) => {
                self.truth(value)?;
                self.push([I::I32Eqz, I::F32ConvertI32U]);
            }
            Value::Negative(value) => {
                self.value(value)?;
                self.push([I::F32Neg]);
            }
            Value::Pair(operator, first, second) => self.pair(*operator, first, second)?,
        }
        Ok(())
    }

    fn read(&mut self, name: &str, line: usize) -> Result<(), OwnError> {
        let constant = CONSTANTS.iter().find(|(constant, _)| *constant == name);
        match (constant, name) {
            (Some((_, number)), _) => self.push([I::F32Const((*number).into())]),
            (_, "sample_rate") => self.push([I::I32Const(0), I::F32Load(memory(IO))]),
            (_, "channel") => self.push([I::LocalGet(CHANNEL), I::F32ConvertI32U]),
            _ => match self.meaning(name, line)? {
                Meaning::Input(port) => {
                    self.push([I::LocalGet(AT), I::F32Load(memory(self.input(port)))]);
                }
                Meaning::Output(port) => {
                    self.push([I::LocalGet(AT), I::F32Load(memory(self.output(port)))]);
                }
                Meaning::Param(param) => self.push([
                    I::LocalGet(FRAME),
                    I::I32Const(2),
                    I::I32Shl,
                    I::F32Load(memory(PARAMS + param * PARAM)),
                ]),
                Meaning::State(place) => self.push([I::LocalGet(LANE), I::F32Load(memory(place))]),
                Meaning::Local(local) | Meaning::Counter(local) => self.push([I::LocalGet(local)]),
                Meaning::Table(..) => {
                    return Err(error(line, format!("`{name}` is a table: `{name}[0]` is one")));
                }
            },
        }
        Ok(())
    }

    fn pair(&mut self, operator: Operator, first: &Value, second: &Value) -> Result<(), OwnError> {
        if let Operator::And | Operator::Or = operator {
            self.truth(first)?;
            self.truth(second)?;
            let joined = if operator == Operator::And { I::I32And } else { I::I32Or };
            self.push([joined, I::F32ConvertI32U]);
            return Ok(());
        }
        self.value(first)?;
        self.value(second)?;
        match operator {
            Operator::Less => self.push([I::F32Lt, I::F32ConvertI32U]),
            Operator::AtMost => self.push([I::F32Le, I::F32ConvertI32U]),
            Operator::More => self.push([I::F32Gt, I::F32ConvertI32U]),
            Operator::AtLeast => self.push([I::F32Ge, I::F32ConvertI32U]),
            Operator::Equal => self.push([I::F32Eq, I::F32ConvertI32U]),
            Operator::Unequal => self.push([I::F32Ne, I::F32ConvertI32U]),
            Operator::Add => self.push([I::F32Add]),
            Operator::Subtract => self.push([I::F32Sub]),
            Operator::Multiply => self.push([I::F32Mul]),
            Operator::Divide => self.push([I::F32Div]),
            Operator::And | Operator::Or => {}
            // Always from 0 up to the second.
            Operator::Remainder => self.push([
                I::LocalSet(HELD_TOO),
                I::LocalTee(HELD),
                I::LocalGet(HELD),
                I::LocalGet(HELD_TOO),
                I::F32Div,
                I::F32Floor,
                I::LocalGet(HELD_TOO),
                I::F32Mul,
                I::F32Sub,
            ]),
        }
        Ok(())
    }

    fn call(&mut self, name: &str, values: &[Value], line: usize) -> Result<(), OwnError> {
        let wanted = FUNCTIONS.iter().find(|(function, _)| *function == name);
        let Some(&(_, wanted)) = wanted else {
            let all: Vec<&str> = FUNCTIONS.iter().map(|(function, _)| *function).collect();
            return Err(error(line, format!("there is no `{name}()`, but {}", all.join(", "))));
        };
        if wanted != values.len() {
            let what = format!("`{name}()` takes {wanted} values, and not {}", values.len());
            return Err(error(line, what));
        }
        match name {
            "random" => self.random(),
            "z" | "rises" => self.before(name, &values[0], line)?,
            "if" => {
                self.value(&values[1])?;
                self.value(&values[2])?;
                self.truth(&values[0])?;
                self.push([I::Select]);
            }
            _ => {
                for value in values {
                    self.value(value)?;
                }
                self.reckon(name);
            }
        }
        Ok(())
    }

    /// What a value was one sample ago; or whether it has risen above 1 V since then.
    fn before(&mut self, name: &str, value: &Value, line: usize) -> Result<(), OwnError> {
        let place = self.take(1, line)?;
        let now = self.local();
        self.value(value)?;
        self.push([I::LocalSet(now), I::LocalGet(LANE), I::F32Load(memory(place))]);
        if name == "rises" {
            let one = I::F32Const(1.0.into());
            self.push([one.clone(), I::F32Lt, I::LocalGet(now), one, I::F32Ge]);
            self.push([I::I32And, I::F32ConvertI32U]);
        }
        self.push([I::LocalGet(LANE), I::LocalGet(now), I::F32Store(memory(place))]);
        Ok(())
    }

    /// From 0 up to 1, without it: the upper bits of the well-known sequence of Numerical
    /// Recipes, one for each channel.
    fn random(&mut self) {
        let place = memory(self.chance);
        self.push([
            I::LocalGet(LANE),
            I::LocalGet(LANE),
            I::I32Load(place),
            I::I32Const(1_664_525),
            I::I32Mul,
            I::I32Const(1_013_904_223),
            I::I32Add,
            I::LocalTee(INDEX),
            I::I32Store(place),
            I::LocalGet(INDEX),
            I::I32Const(8),
            I::I32ShrU,
            I::F32ConvertI32U,
            I::F32Const((1.0 / 16_777_216.0).into()),
            I::F32Mul,
        ]);
    }

    /// Of values that lie there.
    fn reckon(&mut self, name: &str) {
        let f32 = |number: f32| I::F32Const(number.into());
        match name {
            "abs" => self.push([I::F32Abs]),
            "sqrt" => self.push([I::F32Sqrt]),
            "floor" => self.push([I::F32Floor]),
            "round" => self.push([I::F32Nearest]),
            "min" => self.push([I::F32Min]),
            "max" => self.push([I::F32Max]),
            "clamp" => self.push([I::LocalSet(HELD), I::F32Max, I::LocalGet(HELD), I::F32Min]),
            "exp2" => self.push([I::Call(EXP2)]),
            "exp" => self.push([f32(std::f32::consts::LOG2_E), I::F32Mul, I::Call(EXP2)]),
            "pitch" => self.push([
                // Beyond that nothing is a pitch, and a frequency would be no number.
                f32(20.0),
                I::F32Min,
                f32(-20.0),
                I::F32Max,
                I::Call(EXP2),
                f32(261.625_57),
                I::F32Mul,
            ]),
            "sine" => self.push([I::Call(SINE)]),
            "saw" => self.push([
                I::LocalTee(HELD),
                I::LocalGet(HELD),
                I::F32Floor,
                I::F32Sub,
                f32(2.0),
                I::F32Mul,
                f32(1.0),
                I::F32Sub,
            ]),
            // 1 - 2 / (e^2x + 1), which is odd where its argument is taken without its sign.
            _ => self.push([
                I::LocalTee(HELD),
                I::F32Abs,
                f32(2.0 * std::f32::consts::LOG2_E),
                I::F32Mul,
                f32(60.0),
                I::F32Min,
                I::Call(EXP2),
                f32(1.0),
                I::F32Add,
                I::LocalSet(HELD_TOO),
                f32(1.0),
                f32(2.0),
                I::LocalGet(HELD_TOO),
                I::F32Div,
                I::F32Sub,
                I::LocalGet(HELD),
                I::F32Copysign,
            ]),
        }
    }

    /// The module, with that for `process`.
    fn module(self, process: Vec<I<'static>>) -> (Vec<u8>, String) {
        let mut types = TypeSection::new();
        types.ty().function([ValType::F32], [ValType::F32]);
        types.ty().function([], [ValType::I32]);
        types.ty().function([], []);
        types.ty().function([ValType::I32], []);
        let mut imports = ImportSection::new();
        imports.import(OURS, "exp2", EntityType::Function(0));
        imports.import(OURS, "sine", EntityType::Function(0));
        let mut functions = FunctionSection::new();
        for kind in [1, 2, 2, 3] {
            functions.function(kind);
        }
        let mut memories = MemorySection::new();
        memories.memory(MemoryType {
            minimum: 1,
            maximum: Some(1),
            memory64: false,
            shared: false,
            page_size_log2: None,
        });
        let mut exports = ExportSection::new();
        exports.export("memory", ExportKind::Memory, 0);
        for (name, index) in [("io", 2), ("process", 3), ("start", 4), ("forget", 5)] {
            exports.export(name, ExportKind::Func, index);
        }
        let mut globals = GlobalSection::new();
        let mut kept = String::new();
        let constant = |place: u32| ConstExpr::i32_const(place.cast_signed());
        let kind = GlobalType { val_type: ValType::I32, mutable: false, shared: false };
        globals.global(kind, &constant(self.end));
        exports.export("__heap_base", ExportKind::Global, 0);
        for (index, (name, place, count)) in self.kept.iter().take(OWN_KEPT).enumerate() {
            globals.global(kind, &constant(*place));
            exports.export(name, ExportKind::Global, index as u32 + 1);
            // Writing to a text does not fail.
            let _ = writeln!(kept, "keep {name} f32 {count}");
        }
        let mut code = CodeSection::new();
        code.function(&function([], [I::I32Const(IO.cast_signed()), I::End]));
        let locals = [(WHOLE_LOCALS, ValType::I32), (2 + self.locals, ValType::F32)];
        code.function(&function(locals, process));
        code.function(&function([(2, ValType::I32)], self.start()));
        code.function(&function([(1, ValType::I32)], self.forget()));
        let mut data = DataSection::new();
        for &(place, start) in self.starts.iter().filter(|(_, start)| *start != 0.0) {
            let row = start.to_le_bytes().repeat(CHANNELS);
            data.active(0, &constant(place), row);
        }
        let mut module = Module::new();
        module.section(&types).section(&imports).section(&functions).section(&memories);
        module.section(&globals).section(&exports).section(&code).section(&data);
        (module.finish(), kept)
    }

    /// Another beginning of chance for each module and channel.
    fn start(&self) -> Vec<I<'static>> {
        let (lane, seed) = (0, 1);
        let place = memory(self.chance);
        vec![
            I::I32Const(0),
            I::I32Load(memory(IO + 24)),
            I::LocalSet(seed),
            I::Loop(BlockType::Empty),
            I::LocalGet(lane),
            I::LocalGet(seed),
            I::I32Store(place),
            I::LocalGet(seed),
            I::I32Const(0x9e37_79b9_u32.cast_signed()),
            I::I32Add,
            I::LocalSet(seed),
            I::LocalGet(lane),
            I::I32Const(4),
            I::I32Add,
            I::LocalTee(lane),
            I::I32Const(ROW.cast_signed()),
            I::I32LtU,
            I::BrIf(0),
            I::End,
            I::End,
        ]
    }

    /// Channels that are gone begin as they did at first.
    fn forget(&self) -> Vec<I<'static>> {
        let (gone, lane) = (0, 1);
        let mut code = vec![
            I::Loop(BlockType::Empty),
            I::LocalGet(gone),
            I::I32Const(1),
            I::I32And,
            I::If(BlockType::Empty),
        ];
        // All that is remembered lies behind what is drawn by chance, and is 0 at first.
        let first = self.chance + ROW;
        code.extend([I::LocalGet(lane), I::I32Const(first.cast_signed()), I::I32Add]);
        code.extend([I::LocalSet(lane), I::Loop(BlockType::Empty)]);
        code.extend([I::LocalGet(lane), I::F32Const(0.0.into()), I::F32Store(memory(0))]);
        code.extend([I::LocalGet(lane), I::I32Const(ROW.cast_signed()), I::I32Add]);
        code.extend([I::LocalTee(lane), I::I32Const(self.end.cast_signed())]);
        code.extend([I::I32LtU, I::BrIf(0), I::End]);
        code.extend([I::LocalGet(lane), I::I32Const(self.end.cast_signed()), I::I32Sub]);
        code.extend([I::LocalSet(lane)]);
        for &(place, start) in self.starts.iter().filter(|(_, start)| *start != 0.0) {
            let start = I::F32Const(start.into());
            code.extend([I::LocalGet(lane), start, I::F32Store(memory(place))]);
        }
        code.extend([
            I::End,
            I::LocalGet(lane),
            I::I32Const(4),
            I::I32Add,
            I::LocalSet(lane),
            I::LocalGet(gone),
            I::I32Const(1),
            I::I32ShrU,
            I::LocalTee(gone),
            I::BrIf(0),
            I::End,
            I::End,
        ]);
        code
    }
}

fn function(
    locals: impl IntoIterator<Item = (u32, ValType), IntoIter: ExactSizeIterator>,
    code: impl IntoIterator<Item = I<'static>>,
) -> Function {
    let mut function = Function::new(locals);
    for instruction in code {
        function.instruction(&instruction);
    }
    function
}

/// Numbers with names.
const CONSTANTS: [(&str, f32); 2] = [("pi", std::f32::consts::PI), ("tau", std::f32::consts::TAU)];

/// Words of the language.
const OWN_WORDS: [&str; 11] =
    ["state", "table", "let", "if", "else", "for", "and", "or", "not", "sample_rate", "channel"];

/// Functions, and how many values each takes.
pub const FUNCTIONS: [(&str, usize); 17] = [
    ("abs", 1),
    ("clamp", 3),
    ("exp", 1),
    ("exp2", 1),
    ("floor", 1),
    ("if", 3),
    ("max", 2),
    ("min", 2),
    ("pitch", 1),
    ("random", 0),
    ("rises", 1),
    ("round", 1),
    ("saw", 1),
    ("sine", 1),
    ("sqrt", 1),
    ("tanh", 1),
    ("z", 1),
];
