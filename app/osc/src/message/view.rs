//! Where modules lie in the host's memory: what a client needs to look at the
//! sound there.

use rosc::{OscMessage, OscType};
use sostenuto_patch::{ModuleId, Name};

use crate::address::{Address, Arg, Form, REPORT};
use crate::args::Args;
use crate::field::Field;
use crate::message::{Message, Report};
use crate::unreadable::Unreadable;

/// Where modules lie in the host's memory.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct View {
    /// The name of the region with the clock.
    pub control: String,
    /// The name of the region with the modules.
    pub arena: String,
    /// Of the sound.
    pub sample_rate_hz: f32,
    /// Computed in one go.
    pub block_frames: u32,
    /// Every module that is computed, those that are leaving, too. Each follows in a
    /// message of its own.
    pub modules: Vec<Seen>,
}

impl Message for View {
    const ADDRESS: Address = Address {
        path: "/view",
        args: &[
            Arg::new("control", Form::Text, "", "", "the name of the memory with the clock"),
            Arg::new("arena", Form::Text, "", "", "the name of the memory with the modules"),
            Arg::new("sample_rate", Form::Number, "Hz", "", "of the sound"),
            Arg::new("block", Form::Int, "frames", "32 to 2048", "computed in one go"),
        ],
        example: "/view /sostenuto-4711-0a1b2c3d4e5f /sostenuto-4711-f5e4d3c2b1a0 48000.0 256",
        help: "Where signals can be read, in this machine's shared memory. Reported with `view`, at once and whenever modules or their places change. A `/view/module` for each module follows.",
        ..REPORT
    };

    fn read(args: &mut Args) -> Result<View, Unreadable> {
        Ok(View {
            control: String::read(args)?,
            arena: String::read(args)?,
            sample_rate_hz: f32::read(args)?,
            block_frames: u32::read(args)?,
            modules: Vec::new(),
        })
    }

    fn write(&self, args: &mut Vec<OscType>) {
        String::write(&self.control, args);
        String::write(&self.arena, args);
        f32::write(&self.sample_rate_hz, args);
        u32::write(&self.block_frames, args);
    }
}

message! {
    /// Where one module lies. Follows `/view`.
    Seen("/view/module", REPORT, "lead attenuverter 1589248h 0") {
        /// a module's name in the patch
        id as "module": ModuleId,
        /// its name in the catalogue
        kind: Name ["", "see `sostenuto modules`"],
        /// where it lies, from the start of the arena
        memory: u64 ["bytes", ""],
        /// which share of the patch it belongs to
        slot: u32,
    }
}

message! {
    /// All modules have been named. Follows the last `/view/module`.
    End("/view/end", REPORT, "12") {
        /// how many there were
        modules: u32,
    }
}

impl View {
    /// `/view`, and what follows it.
    pub fn messages(&self) -> Vec<OscMessage> {
        let modules = self.modules.iter().map(Message::encode);
        let end = End { modules: self.modules.len() as u32 };
        std::iter::once(self.encode()).chain(modules).chain([end.encode()]).collect()
    }
}

/// Puts a view together from reports.
#[derive(Debug, Default)]
pub struct ViewHearer {
    coming: Option<View>,
}

impl ViewHearer {
    /// Hears what the host says; returns a view once it is whole.
    pub fn hear(&mut self, report: &Report) -> Option<View> {
        match report {
            Report::View(view) => self.coming = Some(view.clone()),
            Report::Seen(seen) => self.coming.as_mut()?.modules.push(seen.clone()),
            Report::ViewEnd(End { modules }) => {
                let is_whole = |view: &View| *modules as usize == view.modules.len();
                return self.coming.take().filter(is_whole);
            }
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view() -> View {
        let seen = |id: &str, memory| Seen {
            id: id.parse().unwrap(),
            kind: "vco".into(),
            memory,
            slot: 2,
        };
        View {
            control: "/a".into(),
            arena: "/b".into(),
            sample_rate_hz: 48_000.0,
            block_frames: 256,
            modules: vec![seen("lead", 1 << 21), seen("bass", 1 << 22)],
        }
    }

    #[test]
    fn a_view_is_heard_as_it_was_said_and_not_before_its_end() {
        let mut hearer = ViewHearer::default();
        let mut hear = |message: &OscMessage| hearer.hear(&Report::read(message.clone()).unwrap());
        let said = view().messages();
        let heard: Vec<_> = said.iter().map(&mut hear).collect();
        assert_eq!(heard, [None, None, None, Some(view())]);
        // One that was cut short is none.
        let cut = said[..2].iter().chain(&said[3..]);
        cut.for_each(|message| assert_eq!(hear(message), None));
    }
}
