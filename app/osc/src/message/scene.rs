//! Scenes: where knobs stand, kept under a number.

use rosc::OscType;
use sostenuto_patch::scene::Kept;
use sostenuto_patch::{Edit, ModuleId, Name};

use crate::address::{Address, Arg, EDIT, Form, REQUEST};
use crate::args::Args;
use crate::field::{Field, Small};
use crate::message::module::MODULE;
use crate::message::note::Press;
use crate::message::{EditMessage, Message};
use crate::unreadable::Unreadable;

message! {
    /// Makes a scene, or calls the one of that number something else. Nothing is heard.
    Set("/scene/set", EDIT, "3 \"Chorus\"") {
        /// its number
        number as "scene": u8 as Number,
        /// what it is called
        title: String ["", "at most 64 KiB"],
    }
}

message! {
    /// Takes a scene away. Modules that are kept in it must be taken out first.
    Remove("/scene/remove", EDIT, "3") {
        /// its number
        number as "scene": u8 as Number,
    }
}

/// Keeps where params of a module stand in a scene; without params, the module is not in it
/// any more.
#[derive(Clone, Debug, PartialEq)]
pub struct Keep {
    /// Which scene.
    pub number: u8,
    /// Whose.
    pub module: ModuleId,
    /// Where they stand.
    pub values: Kept,
}

impl Message for Keep {
    const ADDRESS: Address = Address {
        path: "/scene/keep",
        args: &[
            Arg::new("scene", Form::Int, "", Number::RANGE, "its number"),
            MODULE,
            Arg::new("param", Form::Text, "", "see `sostenuto modules`", "a param's name")
                .repeated(),
            Arg::new(
                "value",
                Form::Number,
                "the param's",
                "the param's",
                "where it stands in the scene",
            )
            .repeated(),
        ],
        example: "/scene/keep 3 lead gain -0.5 offset 1.0",
        help: "Keeps where params of a module stand in a scene; without params, the module is not in it any more. Nothing is heard.",
        ..EDIT
    };

    fn read(args: &mut Args) -> Result<Keep, Unreadable> {
        let (number, module) = (Number::read(args)?, ModuleId::read(args)?);
        let pair = |args: &mut Args| Ok((Name::read(args)?, f32::read(args)?));
        let values = if args.is_empty() { Vec::new() } else { args.groups(pair)? };
        Ok(Keep { number, module, values: values.into_iter().collect() })
    }

    fn write(&self, args: &mut Vec<OscType>) {
        Number::write(&self.number, args);
        ModuleId::write(&self.module, args);
        for (name, value) in &self.values {
            Name::write(name, args);
            f32::write(value, args);
        }
    }
}

impl EditMessage for Keep {
    fn edit(self) -> Result<Edit, Unreadable> {
        let Keep { number, module, values } = self;
        let values = (!values.is_empty()).then_some(values);
        Ok(Edit::KeepInScene { module, number, values })
    }
}

message! {
    /// Puts the knobs of a scene where they stood; the sound glides there. It is one undo step.
    Recall("/scene/recall", REQUEST.over_udp(), "3") {
        /// its number
        number as "scene": u8 as Number,
        /// for buttons that send a number: at 0, as the button comes up, nothing is done
        press: Press,
    }
}

message! {
    /// Moves the knobs of a scene to where they stood, over some seconds, each on its own scale; a
    /// choice changes in the middle. A knob that a hand turns meanwhile stays with the hand. It is one
    /// undo step.
    Glide("/scene/glide", REQUEST.over_udp(), "3 2.5") {
        /// its number
        number as "scene": u8 as Number,
        /// how long it takes
        secs: f32 ["seconds", "0 to 3600"],
        /// for buttons that send a number: at 0, as the button comes up, nothing is done
        press: Press,
    }
}

message! {
    /// Puts the knobs that are in both scenes between where they stand in the one and in the other,
    /// each on its own scale; a choice changes in the middle. Over UDP, morphs less than a second
    /// apart are one undo step.
    Morph("/scene/morph", REQUEST.over_udp(), "3 4 0.25") {
        /// the scene at 0
        from: u8 as Number,
        /// the scene at 1
        to: u8 as Number,
        /// how far from the one to the other
        amount: f32 ["", "0 to 1"],
        /// morphs with the same number are one undo step
        gesture: i32 as crate::message::param::Gesture,
    }
}

/// The number of a scene.
pub(crate) struct Number;

impl Number {
    const RANGE: &'static str = "1 to 64";
}

impl Field<u8> for Number {
    const FORM: Form = Small::FORM;
    const RANGE: &'static str = Number::RANGE;

    fn read(args: &mut Args) -> Result<u8, Unreadable> {
        Small::read(args)
    }

    fn write(value: &u8, args: &mut Vec<OscType>) {
        Small::write(value, args);
    }
}

edits! {
    Set { number, title } => Edit::SetScene { number, title: Some(title) };
    Remove { number } => Edit::SetScene { number, title: None };
}
