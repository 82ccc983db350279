//! What the window shows, as plain data: filled by the session between two
//! frames, read by every panel.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use sostenuto_modules::clip::Text;
use sostenuto_osc::message::Request;
use sostenuto_osc::message::device::Card;
use sostenuto_osc::message::history::History;
use sostenuto_osc::message::param::{SetParam, Value};
use sostenuto_osc::message::patch::PatchFile;
use sostenuto_osc::message::record::{Recorded, RecorderStatus};
use sostenuto_osc::message::sound::{InputSetup, SoundSetup};
use sostenuto_osc::message::status::{Killed, Status};
use sostenuto_osc::mirror::Mirror;
use sostenuto_patch::{Edit, ModuleId, Name, OutputRef, Patch};

/// All that is known of the host and its patch.
#[derive(Debug, Default)]
pub struct Model {
    /// Whether there is a host to speak to.
    pub connection: Connection,
    /// Its patch.
    pub mirror: Mirror,
    /// How its sound is doing.
    pub status: Status,
    /// How far undo and redo reach.
    pub history: History,
    /// What every step did, oldest first, as far as it was asked for.
    pub steps: Vec<String>,
    /// Where its patch is saved.
    pub file: PatchFile,
    /// What its patch wants to do outside it, and is not allowed; empty for nothing.
    pub wants: String,
    /// What it had to say, oldest first.
    pub notices: Vec<Notice>,
    /// What is being recorded.
    pub recorder: RecorderStatus,
    /// The last recording that is done.
    pub recorded: Option<Recorded>,
    /// Through what it plays.
    pub sound: SoundSetup,
    /// Every sound card, once asked for.
    pub cards: Vec<Card>,
    /// How the patch hears the world.
    pub input: InputSetup,
    /// The sound cards that can be heard.
    pub inputs: Vec<Card>,
    /// The last worker that was killed by the drill button.
    pub drill: Option<Killed>,
    /// What flows, as of this frame.
    pub signals: Signals,
    /// Where knobs that follow others are led, as of this frame.
    pub led: Led,
}

impl Model {
    /// The host's patch, as far as it was heard.
    pub fn patch(&self) -> &Patch {
        self.mirror.patch()
    }
}

/// Whether there is a host.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Connection {
    /// Not yet.
    #[default]
    Starting,
    /// It answers.
    Connected {
        /// Its process.
        pid: u32,
    },
    /// It does not. Why, in a sentence.
    Lost(String),
}

/// A sentence from the host.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    /// Whether something went wrong.
    pub is_trouble: bool,
    /// What happened, what is heard now, what can be done.
    pub sentence: String,
    /// When it was heard last, in seconds of the window's clock.
    pub at_secs: f64,
    /// How often.
    pub times: u32,
}

impl Notice {
    /// Takes in a notice: one that was said before is counted, not said again.
    pub fn add(notices: &mut Vec<Notice>, is_trouble: bool, sentence: String, at_secs: f64) {
        let known = notices.iter().position(|notice| notice.sentence == sentence);
        let times = known.map_or(0, |at| notices.remove(at).times);
        notices.push(Notice { is_trouble, sentence, at_secs, times: times + 1 });
    }

    /// The sentence, and how often it was said.
    pub fn text(&self) -> String {
        match self.times {
            0 | 1 => self.sentence.clone(),
            times => format!("{} ({times} times)", self.sentence),
        }
    }
}

/// What flows through the modules that are looked at.
#[derive(Clone, Debug, Default)]
pub struct Signals {
    /// By module, as far as it was read for this frame.
    pub modules: BTreeMap<ModuleId, ModuleSignals>,
}

/// What a module shows and sends.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ModuleSignals {
    /// The numbers for its face.
    pub display: Vec<f32>,
    /// By output, in the catalogue's order.
    pub outputs: Vec<Level>,
    /// Share of a block's time that it takes.
    pub load: f32,
    /// The slot that computes it.
    pub slot: u32,
}

/// What an output carries.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Level {
    /// Channels of its cables; 0 where nothing is known.
    pub channels: u32,
    /// The newest sample of the first channel.
    pub volts: f32,
    /// The least over the last block, in volts.
    pub min_volts: f32,
    /// The most over the last block, in volts.
    pub max_volts: f32,
}

impl Signals {
    /// What an output carries, if that is known.
    pub fn level(&self, patch: &Patch, output: &OutputRef) -> Option<Level> {
        let about = patch.modules.get(&output.module)?.about().ok()?;
        let index = about.output(&output.port)?;
        self.modules.get(&output.module)?.outputs.get(index).copied()
    }

    /// The numbers for a module's face; none where they are not known.
    pub fn display(&self, module: &ModuleId) -> &[f32] {
        self.modules.get(module).map_or(&[], |signals| &signals.display)
    }
}

/// What modules lead: knobs of others.
#[derive(Debug, Default)]
pub struct Led {
    /// The scenes that are recalled.
    pub scenes: BTreeSet<u8>,
    /// Where knobs are led, by module and param.
    pub knobs: BTreeMap<ModuleId, BTreeMap<Name, f32>>,
}

impl Led {
    /// Where a knob is led, if it is.
    pub fn knob(&self, module: &ModuleId, param: &str) -> Option<f32> {
        self.knobs.get(module)?.get(param).copied()
    }
}

/// What the musician has asked for in this frame, in order.
#[derive(Debug, Default)]
pub struct Asks {
    /// For the host.
    pub requests: Vec<Request>,
    /// For the system's dialog: a module that wants a file, and what its text is.
    pub file_for: Option<(ModuleId, Text)>,
    /// A module of one's own that is to be built from its file, and watched from now on.
    pub build: Option<(ModuleId, PathBuf)>,
    /// The same for a file that its text names.
    pub build_again: Option<(ModuleId, PathBuf)>,
    /// The module whose program is to be written.
    pub program: Option<ModuleId>,
    /// The module for which a project is to be made.
    pub new_module: Option<ModuleId>,
    gestures: i32,
}

impl Asks {
    /// A number for a new gesture: everything set with it is one undo step.
    pub fn begin_gesture(&mut self) -> i32 {
        self.gestures = self.gestures.wrapping_add(1).max(1);
        self.gestures
    }

    /// Asks for a change that is one undo step.
    pub fn edit(&mut self, edit: Edit) {
        self.requests.push(Request::Edit(edit));
    }

    /// Gives a module another text, as one step.
    pub fn set_text(&mut self, module: &ModuleId, text: &str) {
        self.edit(Edit::SetText { module: module.clone(), text: text.into() });
    }

    /// Turns a knob, as part of a gesture.
    pub fn set_param(&mut self, module: &ModuleId, param: &str, value: f32, gesture: i32) {
        self.requests.push(Request::SetParam(SetParam {
            module: module.clone(),
            param: Name::from(param),
            value: Value::Number(value),
            gesture,
        }));
    }
}
