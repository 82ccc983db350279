//! What a module in WebAssembly may be.

use std::collections::BTreeMap;

use sostenuto_modules::own::{OWN_MEMORY_BYTES, Own, OwnError, own};
use thiserror::Error;
use wasm_encoder::{ExportKind, ExportSection, MemorySection, RawSection, SectionId};
use wasmparser::{
    ConstExpr, Export, ExternalKind, FuncType, FunctionBody, Global, MemoryType, Operator, Parser,
    Payload, TypeRef, ValType, Validator, WasmFeatures,
};

use crate::facts::FACTS;

/// Bytes of the longest module.
pub const LONGEST: usize = 256 << 10;

/// Where its functions come from that are ours.
pub const OURS: &str = "sostenuto";

/// What such a module may ask of us: each takes and gives a 32-bit float.
pub const FUNCTIONS: [&str; 2] = ["exp2", "sine"];

/// What its mutable globals are exported as, with their numbers behind it.
pub(crate) const GLOBAL: &str = "sostenuto global ";

const PAGE: u64 = 64 << 10;

/// What a global may be that changes.
const NUMBERS: [ValType; 4] = [ValType::I32, ValType::I64, ValType::F32, ValType::F64];

/// Why a module is refused.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[expect(missing_docs, reason = "every variant says its sentence, and its fields are in it")]
pub enum WasmError {
    #[error("The module is too long: it has {0} bytes of at most {LONGEST}.")]
    TooLong(usize),
    #[error("It is no WebAssembly that this program plays: {0}.")]
    Invalid(String),
    #[error("It has no facts: a custom section `{FACTS}`, as docs/sdk.md shows.")]
    NoFacts,
    #[error("Its facts cannot be read: {0}.")]
    Facts(#[from] OwnError),
    #[error("It does not export the function `{0}` as docs/sdk.md shows it.")]
    NoFunction(&'static str),
    #[error(
        "It needs `{0}`, which this program does not have. A module may ask for `exp2` and `sine` \
         of `{OURS}`, and for nothing else."
    )]
    Import(String),
    #[error(
        "Its memory is {0} bytes, where it has to be one page of {OWN_MEMORY_BYTES}, exported as \
         `memory`. For C, `-Wl,-z,stack-size=8192` leaves room for more than the stack."
    )]
    Memory(u64),
    #[error("It changes {0} while it plays, where nothing can be kept over a crash.")]
    Unkept(&'static str),
    #[error("It has {0} numbers of its own beside its memory, of at most {most}.", most = sostenuto_modules::own::GLOBALS)]
    Globals(usize),
    #[error("It keeps `{0}`, but does not export it, or not all of it lies in its memory.")]
    NotKept(String),
    #[error("It cannot be compiled: {0}.")]
    Compile(String),
    #[error("It was tried with silence for a moment, and stopped: {0}.")]
    Trial(String),
}

/// A module that keeps the contract.
#[derive(Debug)]
pub struct Checked {
    /// Its facts, as they stand in it.
    pub facts: String,
    /// What these say.
    pub own: &'static Own,
    /// Where everything lies that it keeps, in the order of its facts.
    pub places: Vec<u32>,
    /// How much of its memory it uses.
    pub used_bytes: u32,
    /// The same module, without what is not played, and with its mutable globals exported:
    /// for the compiler.
    #[cfg_attr(not(feature = "compiler"), expect(dead_code, reason = "nobody compiles it"))]
    pub(crate) wasm: Vec<u8>,
    #[cfg_attr(not(feature = "compiler"), expect(dead_code, reason = "nobody compiles it"))]
    pub(crate) globals: usize,
}

/// Reads a module.
///
/// # Errors
/// What in it is not as the contract says.
pub fn check(wasm: &[u8]) -> Result<Checked, WasmError> {
    if wasm.len() > LONGEST {
        return Err(WasmError::TooLong(wasm.len()));
    }
    let invalid = |error: wasmparser::BinaryReaderError| WasmError::Invalid(error.to_string());
    Validator::new_with_features(features()).validate_all(wasm).map_err(invalid)?;
    let mut found = Found::default();
    for payload in Parser::new(0).parse_all(wasm) {
        found.take(payload.map_err(invalid)?, wasm).map_err(|error| match error {
            Stop::Refused(error) => error,
            Stop::Broken(error) => invalid(error),
        })?;
    }
    found.end()
}

/// What of WebAssembly every machine computes alike, and a committed state can hold.
pub(crate) fn features() -> WasmFeatures {
    WasmFeatures::MUTABLE_GLOBAL
        | WasmFeatures::SATURATING_FLOAT_TO_INT
        | WasmFeatures::SIGN_EXTENSION
        | WasmFeatures::MULTI_VALUE
        | WasmFeatures::BULK_MEMORY
        | WasmFeatures::SIMD
        | WasmFeatures::FLOATS
}

enum Stop {
    Refused(WasmError),
    Broken(wasmparser::BinaryReaderError),
}

impl From<WasmError> for Stop {
    fn from(error: WasmError) -> Stop {
        Stop::Refused(error)
    }
}

impl From<wasmparser::BinaryReaderError> for Stop {
    fn from(error: wasmparser::BinaryReaderError) -> Stop {
        Stop::Broken(error)
    }
}

/// What was found of a module up to here.
#[derive(Default)]
struct Found {
    module: wasm_encoder::Module,
    facts: Option<String>,
    types: Vec<FuncType>,
    /// The type of each function, imported ones first.
    functions: Vec<u32>,
    memory: Option<MemoryType>,
    /// The value of each global; `None` where it may change.
    globals: Vec<Option<u32>>,
    exports: BTreeMap<String, (ExternalKind, u32)>,
}

impl Found {
    fn take(&mut self, payload: Payload, wasm: &[u8]) -> Result<(), Stop> {
        match &payload {
            Payload::CustomSection(section) => {
                if section.name() == FACTS {
                    // Compilers put a section together of several parts.
                    let text = String::from_utf8_lossy(section.data()).replace('\0', "");
                    self.facts.get_or_insert_default().push_str(&text);
                }
                return Ok(());
            }
            Payload::ExportSection(exports) => {
                let exports = exports.clone().into_iter().collect::<Result<Vec<_>, _>>()?;
                self.exports(&exports);
                return Ok(());
            }
            Payload::TypeSection(types) => {
                for group in types.clone() {
                    for kind in group?.into_types() {
                        if let wasmparser::CompositeInnerType::Func(kind) =
                            kind.composite_type.inner
                        {
                            self.types.push(kind);
                        } else {
                            return Err(WasmError::Unkept("references").into());
                        }
                    }
                }
            }
            Payload::ImportSection(imports) => {
                for import in imports.clone().into_imports() {
                    let import = import?;
                    self.import(import.module, import.name, import.ty)?;
                }
            }
            Payload::FunctionSection(functions) => {
                for function in functions.clone() {
                    self.functions.push(function?);
                }
            }
            Payload::MemorySection(memories) => {
                for memory in memories.clone() {
                    self.memory = Some(memory?);
                }
                // It never grows, so that where it ends need not be looked up.
                let mut section = MemorySection::new();
                section.memory(wasm_encoder::MemoryType {
                    minimum: 1,
                    maximum: Some(1),
                    memory64: false,
                    shared: false,
                    page_size_log2: None,
                });
                self.module.section(&section);
                return Ok(());
            }
            Payload::GlobalSection(globals) => {
                for global in globals.clone() {
                    let global = global?;
                    let kind = global.ty.content_type;
                    if global.ty.mutable && !NUMBERS.contains(&kind) {
                        return Err(WasmError::Unkept("a global that is no number").into());
                    }
                    self.globals.push(value(&global));
                }
            }
            Payload::CodeSectionEntry(body) => check_code(body)?,
            _ => {}
        }
        if let Some((id, range)) = payload.as_section() {
            self.module.section(&RawSection { id, data: &wasm[range] });
        }
        Ok(())
    }

    fn import(&mut self, module: &str, name: &str, kind: TypeRef) -> Result<(), Stop> {
        let is_ours = module == OURS && FUNCTIONS.contains(&name);
        match kind {
            TypeRef::Func(kind) if is_ours && self.is(kind, &[ValType::F32], &[ValType::F32]) => {
                self.functions.push(kind);
                Ok(())
            }
            _ => Err(WasmError::Import(format!("{module}.{name}")).into()),
        }
    }

    fn is(&self, kind: u32, params: &[ValType], results: &[ValType]) -> bool {
        let kind = self.types.get(kind as usize);
        kind.is_some_and(|kind| kind.params() == params && kind.results() == results)
    }

    /// The same exports, and every global that may change.
    fn exports(&mut self, exports: &[Export]) {
        let mut section = ExportSection::new();
        for export in exports {
            self.exports.insert(export.name.to_owned(), (export.kind, export.index));
            let kind = match export.kind {
                ExternalKind::Func | ExternalKind::FuncExact => ExportKind::Func,
                ExternalKind::Table => ExportKind::Table,
                ExternalKind::Memory => ExportKind::Memory,
                ExternalKind::Global => ExportKind::Global,
                ExternalKind::Tag => ExportKind::Tag,
            };
            if !export.name.starts_with(GLOBAL) {
                section.export(export.name, kind, export.index);
            }
        }
        for (number, global) in self.changing().enumerate() {
            section.export(&format!("{GLOBAL}{number}"), ExportKind::Global, global);
        }
        self.module.section(&section);
    }

    fn changing(&self) -> impl Iterator<Item = u32> {
        let globals = self.globals.iter().enumerate();
        globals.filter(|(_, value)| value.is_none()).map(|(index, _)| index as u32)
    }

    fn end(self) -> Result<Checked, WasmError> {
        let facts = self.facts.as_ref().ok_or(WasmError::NoFacts)?.clone();
        let own = own(&facts)?;
        self.check_function("io", &[], &[ValType::I32], true)?;
        self.check_function("process", &[], &[], true)?;
        self.check_function("start", &[], &[], false)?;
        self.check_function("forget", &[ValType::I32], &[], false)?;
        let bytes = self.memory.map_or(0, |memory| memory.initial * PAGE);
        let is_exported = matches!(self.exports.get("memory"), Some((ExternalKind::Memory, _)));
        if bytes != OWN_MEMORY_BYTES as u64 || !is_exported {
            return Err(WasmError::Memory(bytes));
        }
        let globals = self.changing().count();
        if globals > sostenuto_modules::own::GLOBALS {
            return Err(WasmError::Globals(globals));
        }
        let place = |name: &str, bytes: usize| {
            let &(kind, index) = self.exports.get(name)?;
            let place = *self.globals.get(index as usize)?;
            let place = place.filter(|_| kind == ExternalKind::Global)?;
            let is_inside = place as usize + bytes <= OWN_MEMORY_BYTES && place != 0;
            is_inside.then_some(place)
        };
        let places = own.kept.iter().map(|kept| {
            place(&kept.name, kept.bytes()).ok_or_else(|| WasmError::NotKept(kept.name.clone()))
        });
        let places = places.collect::<Result<_, _>>()?;
        // Where a linker has put what is behind everything else.
        let used_bytes = place("__heap_base", 0).unwrap_or(OWN_MEMORY_BYTES as u32);
        Ok(Checked { own, places, used_bytes, globals, facts, wasm: self.module.finish() })
    }

    fn check_function(
        &self,
        name: &'static str,
        params: &[ValType],
        results: &[ValType],
        is_needed: bool,
    ) -> Result<(), WasmError> {
        let is_there = match self.exports.get(name) {
            None => !is_needed,
            Some(&(ExternalKind::Func, index)) => {
                let kind = self.functions.get(index as usize);
                kind.is_some_and(|&kind| self.is(kind, params, results))
            }
            Some(_) => false,
        };
        if is_there { Ok(()) } else { Err(WasmError::NoFunction(name)) }
    }
}

/// What a global always is. `None` where it may change. One that is no number in a memory
/// is taken for 0, where nothing lies.
fn value(global: &Global) -> Option<u32> {
    if global.ty.mutable {
        return None;
    }
    let constant = |expression: &ConstExpr| match expression.get_operators_reader().read().ok()? {
        Operator::I32Const { value } => Some(value.cast_unsigned()),
        _ => None,
    };
    Some(constant(&global.init_expr).unwrap_or_default())
}

/// Refuses what changes more than memory and globals.
fn check_code(body: &FunctionBody) -> Result<(), Stop> {
    for operator in body.get_operators_reader()? {
        let what = match operator? {
            Operator::TableSet { .. }
            | Operator::TableGrow { .. }
            | Operator::TableFill { .. }
            | Operator::TableCopy { .. }
            | Operator::TableInit { .. }
            | Operator::ElemDrop { .. } => "a table",
            Operator::MemoryInit { .. } | Operator::DataDrop { .. } => "its data",
            _ => continue,
        };
        return Err(WasmError::Unkept(what).into());
    }
    Ok(())
}

/// The section's number is that of the format.
const _: () = assert!(SectionId::Export as u8 == 7);
