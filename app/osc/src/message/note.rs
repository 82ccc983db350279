//! Keys, values of OSC In, and what lets go of them all.

use rosc::OscType;
use sostenuto_dsp::units::GATE_VOLTS;
use sostenuto_modules::module::Event;
use sostenuto_modules::module::OSC_VALUES as VALUES;
use sostenuto_modules::param::{Param, Unit};
use sostenuto_patch::ModuleId;

use crate::address::{Count, Form, REQUEST};
use crate::args::Args;
use crate::field::Field;
use crate::message::Request;
use crate::unreadable::Unreadable;

message! {
    /// Presses a key of a module that is played. `/key/keyboard/57 0.8` means the same, for
    /// controllers that know one number to an address.
    NoteOn("/note/on", REQUEST.over_udp(), "keyboard 57 0.8") {
        /// a module's name in the patch
        module: ModuleId,
        /// which key
        key: u32 ["semitones", "0 or more; 60 is C4"],
        /// how hard; 0 lets the key go
        velocity: f32 as Velocity,
        /// its pitch; without it, that of the key
        voct: Option<f32> as Pitch ["octaves above C4", "-10 to 10"],
    }
}

message! {
    /// Lets a key go.
    NoteOff("/note/off", REQUEST.over_udp(), "keyboard 57") {
        /// a module's name in the patch
        module: ModuleId,
        /// which key
        key: u32 ["semitones", "0 or more; 60 is C4"],
    }
}

message! {
    /// Lets every key go: of one module, or of all.
    AllOff("/note/all-off", REQUEST.over_udp()) {
        /// a module's name in the patch
        module: Option<ModuleId>,
    }
}

message! {
    /// Lets go of everything and cuts what rings: every key goes up, buttons and touches go off,
    /// values of OSC In go to 0 V. The sound fades out and comes back; voices, filters, echoes and
    /// reverbs begin anew, clocks and sequencers play on.
    #[derive(Default)]
    Panic("/panic", REQUEST.over_udp()) {
        /// for buttons that send a number: at 0, as the button comes up, nothing is done
        press: Press,
    }
}

message! {
    /// Sets a value of an OSC In. A gate that is on and off again, also within one packet, is heard.
    /// It is no step of the history, and is not saved. `/in/osc-in/1 2.5` means the same, for
    /// controllers that know one number to an address.
    SetValue("/module/in", REQUEST.over_udp(), "osc-in 1 2.5") {
        /// a module's name in the patch
        module: ModuleId,
        /// which of its values
        index as "value": u32 as FromOne,
        /// to what it is set; T is 10 V, F is 0 V
        volts: f32 as Volts ["V", "-10 to 10"],
    }
}

/// What a button does: it may send a number, which is 0 as it comes up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Press {
    /// It goes down.
    #[default]
    Down,
    /// It comes up: nothing is to be done.
    Up,
}

impl Field for Press {
    const FORM: Form = Form::Number;
    const COUNT: Count = Count::Optional;
    const RANGE: &'static str = "any";

    fn read(args: &mut Args) -> Result<Press, Unreadable> {
        let is_up = !args.is_empty() && args.number()? == 0.0;
        Ok(if is_up { Press::Up } else { Press::Down })
    }

    fn write(value: &Press, args: &mut Vec<OscType>) {
        args.extend((*value == Press::Up).then_some(OscType::Float(0.0)));
    }
}

/// A value of an OSC In: counted from 0 here, and from 1 on the wire.
struct FromOne;

impl Field<u32> for FromOne {
    const FORM: Form = Form::Int;
    const RANGE: &'static str = "1 to 8";

    fn read(args: &mut Args) -> Result<u32, Unreadable> {
        let index = u32::read(args)?.checked_sub(1).filter(|&index| index < VALUES as u32);
        index.ok_or_else(|| args.out_of_range())
    }

    fn write(value: &u32, args: &mut Vec<OscType>) {
        u32::write(&(value + 1), args);
    }
}

const VELOCITY: Param = Param::linear("velocity", 0.0..=1.0, 1.0, Unit::Fraction, "How hard");
const VOCT: Param = Param::linear("voct", -10.0..=10.0, 0.0, Unit::Octaves, "The pitch of a key");
const VOLTS: Param =
    Param::linear("volts", -GATE_VOLTS..=GATE_VOLTS, 0.0, Unit::Volts, "To what it is set");

struct Velocity;

impl Field<f32> for Velocity {
    const FORM: Form = Form::Value;
    const RANGE: &'static str = "0 to 1";

    fn read(args: &mut Args) -> Result<f32, Unreadable> {
        args.amount(&VELOCITY, 1.0)
    }

    fn write(value: &f32, args: &mut Vec<OscType>) {
        f32::write(value, args);
    }
}

struct Pitch;

impl Field<Option<f32>> for Pitch {
    const FORM: Form = Form::Value;
    const COUNT: Count = Count::Optional;

    fn read(args: &mut Args) -> Result<Option<f32>, Unreadable> {
        if args.is_empty() { Ok(None) } else { args.amount(&VOCT, 1.0).map(Some) }
    }

    fn write(value: &Option<f32>, args: &mut Vec<OscType>) {
        Option::<f32>::write(value, args);
    }
}

struct Volts;

impl Field<f32> for Volts {
    const FORM: Form = Form::Value;

    fn read(args: &mut Args) -> Result<f32, Unreadable> {
        args.amount(&VOLTS, GATE_VOLTS)
    }

    fn write(value: &f32, args: &mut Vec<OscType>) {
        f32::write(value, args);
    }
}

impl NoteOn {
    /// What the module hears. At velocity 0 the key goes up, as on MIDI, where many
    /// keyboards have no other word for it.
    pub fn event(&self) -> Result<Event, Unreadable> {
        let NoteOn { key, velocity, .. } = *self;
        let voct = self.voct.unwrap_or_else(|| voct_of_key(key));
        if !VOCT.range.contains(&voct) {
            return Err(Unreadable::OutOfRange { name: "key", range: "0 to 180, without a voct" });
        }
        let is_down = velocity > 0.0;
        Ok(if is_down { Event::NoteOn { key, voct, velocity } } else { Event::NoteOff { key } })
    }
}

fn voct_of_key(key: u32) -> f32 {
    (key as f32 - 60.0) / 12.0
}

impl Request {
    /// What a module is to hear, as a request.
    pub fn event(module: ModuleId, event: Event) -> Request {
        match event {
            Event::NoteOn { key, voct, velocity } => {
                Request::NoteOn(NoteOn { module, key, velocity, voct: Some(voct) })
            }
            Event::NoteOff { key } => Request::NoteOff(NoteOff { module, key }),
            Event::AllNotesOff => Request::AllNotesOff(AllOff { module: Some(module) }),
            Event::Value { index, volts } => Request::SetValue(SetValue { module, index, volts }),
        }
    }
}
