//! Knobs.

use rosc::{OscMessage, OscType};
use sostenuto_patch::{Edit, ModuleId, Name};

use crate::address::{Count, EDIT, Form};
use crate::args::Args;
use crate::field::{Field, text};
use crate::message::addresses;
use crate::unreadable::Unreadable;

message! {
    /// Turns a knob; the sound glides there. A switch that is on and off again, also within one
    /// packet, is heard: each state lasts at least a millisecond. Over UDP, settings less than a
    /// second apart are one undo step. `/lead/gain -0.5` means the same: every knob has an address of
    /// its own, `/MODULE/PARAM`, with one argument. `/param/lead/gain -0.5` means the same, too; it is
    /// for modules whose name is the first word of another address.
    SetParam("/param/set", EDIT.over_udp(), "lead gain -0.5") {
        /// a module's name in the patch
        module: ModuleId,
        /// a param's name
        param: Name ["", "see `sostenuto modules`"],
        /// where it is set: a number, a choice's word, or a string with a unit, such as `1.5 kHz`,
        /// `A4`, `50 %` or `-6 dB`
        value: Value ["the param's", "the param's"],
        /// settings with the same number are one undo step
        gesture: i32 as Gesture,
    }
}

/// Where a param is set.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// In its unit.
    Number(f32),
    /// As a choice's word, or as it is typed.
    Word(String),
}

impl Field for Value {
    const FORM: Form = Form::Value;

    fn read(args: &mut Args) -> Result<Value, Unreadable> {
        Ok(args.number_or_text()?.map_or_else(Value::Word, Value::Number))
    }

    fn write(value: &Value, args: &mut Vec<OscType>) {
        args.push(match value {
            Value::Number(number) => OscType::Float(*number),
            Value::Word(word) => text(word),
        });
    }
}

/// A number for settings that belong together; 0 is left out.
pub(crate) struct Gesture;

impl Field<i32> for Gesture {
    const FORM: Form = Form::Int;
    const COUNT: Count = Count::Optional;
    const RANGE: &'static str = "any; 0: none";

    fn read(args: &mut Args) -> Result<i32, Unreadable> {
        Ok(Option::<i32>::read(args)?.unwrap_or(0))
    }

    fn write(value: &i32, args: &mut Vec<OscType>) {
        Option::<i32>::write(&Some(*value).filter(|&gesture| gesture != 0), args);
    }
}

impl SetParam {
    /// The change of the patch, where it is a number.
    pub fn edit(self) -> Option<Edit> {
        let SetParam { module, param, value, .. } = self;
        let Value::Number(value) = value else { return None };
        Some(Edit::SetParam { module, param, value })
    }
}

/// `/MODULE/PARAM`: where a knob stands.
pub fn knob(module: &ModuleId, param: &str, value: f32) -> OscMessage {
    OscMessage { addr: path_of_param(module.as_str(), param), args: vec![OscType::Float(value)] }
}

/// The address of a knob: `/vcf/cutoff`.
pub(crate) fn path_of_param(module: &str, param: &str) -> String {
    let long = if is_reserved(module) { "/param" } else { "" };
    format!("{long}/{module}/{param}")
}

/// Whether addresses of two words and more begin with that one: then no knob's
/// short address can.
pub(crate) fn is_reserved(word: &str) -> bool {
    let begins = |path: &str| path[1..].split_once('/').is_some_and(|(first, _)| first == word);
    ["in", "key"].contains(&word) || addresses().any(|address| begins(address.path))
}
