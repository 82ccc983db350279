//! Sound cards: to play through, and to hear.

use rosc::OscType;

use crate::address::{Address, Arg, Form, REPLY, REQUEST};
use crate::args::Args;
use crate::field::{Field, Following};
use crate::message::Message;
use crate::unreadable::Unreadable;

message! {
    /// Asks which sound cards there are: `/devices`, then a `/device` for each; `/inputs`, then an
    /// `/input/device` for each. It may take a second.
    QueryDevices("/query/devices", REQUEST) {}
}

message! {
    /// The sound cards that there are.
    Devices("/devices", REPLY, "2") {
        /// how many `/device` messages follow
        devices: Vec<Card> as Following,
    }
}

message! {
    /// The sound cards that can be heard.
    Inputs("/inputs", REPLY, "1") {
        /// how many `/input/device` messages follow
        inputs: Vec<Card> as Following,
    }
}

/// A sound card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card {
    /// What settings take.
    pub id: String,
    /// What a musician calls it.
    pub name: String,
    /// Whether it is the system's choice.
    pub is_default: bool,
}

impl Card {
    /// What is declared of its arguments.
    const fn args(id: &'static str) -> [Arg; 3] {
        [
            Arg::new("id", Form::Text, "", "", id),
            Arg::new("name", Form::Text, "", "", "what it says on it"),
            Arg::new("is_default", Form::Flag, "", "", "whether it is the system's choice"),
        ]
    }

    fn read(args: &mut Args) -> Result<Card, Unreadable> {
        let (id, name) = (String::read(args)?, String::read(args)?);
        Ok(Card { id, name, is_default: bool::read(args)? })
    }

    fn write(&self, args: &mut Vec<OscType>) {
        String::write(&self.id, args);
        String::write(&self.name, args);
        bool::write(&self.is_default, args);
    }
}

/// A sound card that can play.
#[derive(Clone, Debug, PartialEq)]
pub struct Device(pub Card);

impl Message for Device {
    const ADDRESS: Address = Address {
        path: "/device",
        args: &Card::args("what `/sound/set` takes"),
        example: "/device alsa:hw:0 \"Built-in Audio\" true",
        help: "A sound card. Follows `/devices`.",
        ..REPLY
    };

    fn read(args: &mut Args) -> Result<Device, Unreadable> {
        Card::read(args).map(Device)
    }

    fn write(&self, args: &mut Vec<OscType>) {
        self.0.write(args);
    }
}

/// A sound card that can be heard.
#[derive(Clone, Debug, PartialEq)]
pub struct InputDevice(pub Card);

impl Message for InputDevice {
    const ADDRESS: Address = Address {
        path: "/input/device",
        args: &Card::args("what `/sound/set` takes as `input`"),
        example: "/input/device alsa:hw:0 \"Built-in Audio\" true",
        help: "A sound card that can be heard. Follows `/inputs`.",
        ..REPLY
    };

    fn read(args: &mut Args) -> Result<InputDevice, Unreadable> {
        Card::read(args).map(InputDevice)
    }

    fn write(&self, args: &mut Vec<OscType>) {
        self.0.write(args);
    }
}
