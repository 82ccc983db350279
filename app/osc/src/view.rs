//! Where modules lie in the host's memory: what a client needs to look at the
//! sound there.

use rosc::{OscMessage, OscType};
use sostenuto_patch::{ModuleId, Name};

/// Where modules lie in the host's memory, as `/view` says it.
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
    /// Every module that is computed: those that are leaving, too.
    pub modules: Vec<Seen>,
}

/// Where one module lies.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// Its name in the patch.
    pub id: ModuleId,
    /// Its name in the catalogue.
    pub kind: Name,
    /// Its place in the arena, in bytes.
    pub memory: u64,
    /// The share of the patch that it belongs to.
    pub slot: u32,
}

/// Puts a view together from messages.
#[derive(Debug, Default)]
pub struct ViewHearer {
    coming: Option<View>,
}

impl ViewHearer {
    /// Hears what the host says; returns a view once it is whole.
    pub fn hear(&mut self, message: &OscMessage) -> Option<View> {
        match (message.addr.as_str(), &message.args[..]) {
            ("/view", [control, arena, OscType::Float(rate), OscType::Int(frames)]) => {
                self.coming = Some(View {
                    control: control.clone().string()?,
                    arena: arena.clone().string()?,
                    sample_rate_hz: *rate,
                    block_frames: u32::try_from(*frames).ok()?,
                    modules: Vec::new(),
                });
                None
            }
            ("/view/module", args) => {
                let modules = &mut self.coming.as_mut()?.modules;
                modules.extend(seen(args));
                None
            }
            ("/view/end", [OscType::Int(count)]) => {
                let is_whole = |view: &View| usize::try_from(*count) == Ok(view.modules.len());
                self.coming.take().filter(is_whole)
            }
            _ => None,
        }
    }
}

fn seen(args: &[OscType]) -> Option<Seen> {
    let [OscType::String(id), OscType::String(kind), OscType::Long(memory), OscType::Int(slot)] =
        args
    else {
        return None;
    };
    Some(Seen {
        id: id.parse().ok()?,
        kind: kind.as_str().into(),
        memory: u64::try_from(*memory).ok()?,
        slot: u32::try_from(*slot).ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reply;

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
        let said = reply::view(&view());
        let heard: Vec<_> = said.iter().map(|message| hearer.hear(message)).collect();
        assert_eq!(heard, [None, None, None, Some(view())]);
        // One that was cut short is none.
        said[..2]
            .iter()
            .chain(&said[3..])
            .for_each(|message| assert_eq!(hearer.hear(message), None));
    }
}
