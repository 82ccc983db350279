//! What is said of a module: the one page that everybody else reads.

use serde::Serialize;

use crate::clip::Text;
use crate::face::Part;
use crate::moves::{By, Moves};
use crate::param::Param;

/// The facts of a module: the only place where host, editor, OSC and manual
/// learn of it. What most modules lack is left to [`About::BLANK`].
#[derive(Debug, Serialize)]
pub struct About {
    /// As written in patch files and OSC: `vco`.
    pub name: &'static str,
    /// As written on the panel: `VCO`.
    pub title: &'static str,
    /// What it says from afar, where there is no room for its title; else empty.
    #[serde(skip)]
    pub short: &'static str,
    /// One line for the browser: what a musician uses it for.
    pub summary: &'static str,
    /// Other words that the browser finds it by: what it is called elsewhere.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub aliases: &'static [&'static str],
    /// Where the browser shows it.
    pub tags: &'static [Tag],
    /// From top to bottom. The first is the main input.
    pub inputs: &'static [Port],
    /// From top to bottom. The first is the main output.
    pub outputs: &'static [Port],
    /// From top to bottom.
    pub params: &'static [Param],
    /// Pairs of input and output: while the module is bypassed, the output
    /// carries what comes in there. Other outputs are silent.
    pub bypass: &'static [(usize, usize)],
    /// How many numbers it shows to editors; see
    /// [`Block::show`](crate::module::Block::show).
    pub display: usize,
    /// What its face draws from these numbers, or lets a hand draw on.
    #[serde(skip)]
    pub screen: Option<Screen>,
    /// What stands on its face, from top to bottom. Params that it does not name
    /// follow in rows, and below them ports on both sides: all of them where it is empty.
    #[serde(skip)]
    pub face: &'static [Part],
    /// What its text is, where a musician gives it one: the path of a sound, a
    /// formula. [`Block::clip`](crate::module::Block::clip) is what its host has
    /// made of it. Its face has a field for it, unless [`About::screen`] shows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<Text>,
    /// What the program uses it for, beyond its ports.
    #[serde(skip)]
    pub role: Option<Role>,
    /// Whether it plays on where everything else is let go and silenced: what it
    /// remembers is a place in time, and neither sounds nor is held. It has no tapes.
    #[serde(skip)]
    pub keeps_time: bool,
}

/// An input or an output.
#[derive(Debug, Serialize)]
pub struct Port {
    /// As written in patch files: `voct`.
    pub name: &'static str,
    /// One sentence: what it does and in which volts.
    pub help: &'static str,
    /// What its face calls it, where there is no room for its name; else empty.
    #[serde(skip)]
    pub label: &'static str,
    /// Which knob an input turns, where there is one for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub moves: Option<Moves>,
    /// Whether an output of what makes or treats sound carries a control
    /// voltage; see [`About::is_audio`].
    #[serde(skip)]
    pub is_control: bool,
}

/// A port, in a line of [`About`].
pub const fn port(name: &'static str, help: &'static str) -> Port {
    Port { name, help, label: "", moves: None, is_control: false }
}

impl Port {
    /// The same input, which moves a param, as far as `amount` says.
    #[must_use]
    pub const fn moves(self, param: &'static str, amount: Option<&'static str>, by: By) -> Port {
        Port { moves: Some(Moves { param, amount, by }), ..self }
    }

    /// The same input, which moves the param of its own name by all of its voltage.
    #[must_use]
    pub const fn moves_own(self, by: By) -> Port {
        let param = self.name;
        self.moves(param, None, by)
    }

    /// The same port, with a shorter name for its face.
    #[must_use]
    pub const fn labelled(self, label: &'static str) -> Port {
        Port { label, ..self }
    }

    /// The same output, which carries a control voltage though its module makes
    /// or treats sound: an envelope, a gate, a pitch.
    #[must_use]
    pub const fn control(self) -> Port {
        Port { is_control: true, ..self }
    }
}

/// What a module's face shows above its knobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Screen {
    /// Two signals over time.
    Scope(Sweep),
    /// The level of each frequency bin, in dB.
    Spectrum,
    /// How far the nearest note is.
    Tuner,
    /// The peaks of left and right, in volts.
    Peaks,
    /// The peaks of left and right, then their means, both in volts, then whether
    /// each has clipped.
    Levels,
    /// A curve that params bend, with handles that turn them.
    Curve(Curve),
    /// One octave of keys: the params `note-c` to `note-b`, `scale` and `root`. Shows the
    /// note that it holds, in semitones above C4.
    Octave,
    /// Eight steps, drawn with the mouse: the params `step-N`, `gate-N`, `chance-N`
    /// and `ratchet-N`. Shows the step that plays.
    Steps,
    /// Eight tracks of sixteen steps: the params `track-N` and `accents`. Its text has
    /// the names of the tracks, with commas between. Shows the step that plays.
    DrumGrid,
    /// A field for a finger: the params `x`, `y` and `touch`.
    XyPad,
    /// A strip for a finger: the params `position` and `touch`.
    Ribbon,
    /// Keys, which play the module's notes. Shows the gates of its voices, then
    /// their pitches, both in volts.
    Keys,
    /// Keys that light up. Shows how many notes there are, then their pitches, in volts.
    Notes,
    /// The notes of its text. Shows the beat that plays.
    Roll,
    /// The lanes of its text, over its param `length`. Shows the beat that plays, below 0
    /// where none does.
    Automation,
    /// Scenes of the patch: shows which one it is at, the one it morphs to, and how far,
    /// 0 to 1.
    Scene,
}

/// Which curve a [`Screen::Curve`] shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Curve {
    /// The response of six bands: `low-…`, `peak-1-…` to `peak-4-…` and `high-…`.
    Bands,
    /// The response of a ladder, by `cutoff` and `resonance`.
    Ladder,
    /// The four responses of a state-variable filter, by `cutoff` and `resonance`.
    StateVariable,
    /// `attack`, `decay`, `sustain` and `release`. Shows which of three stages it is
    /// in, and how much of that has gone: attack, then decay and sustain, then release.
    Adsr,
    /// A `rise` and a `fall`. Shows how high it is, 0 to 1, and whether it falls.
    RiseAndFall,
    /// Segments with `time-N`, `level-N` and `curve-N`. Shows the one that it is in,
    /// from 0, or -1; and how much of that has gone.
    Segments,
    /// How loud it makes what: `threshold`, `ratio`, `knee` and `makeup`. Shows the
    /// reduction and the level that it hears, in dB.
    Compressor,
    /// The same, by `gain` and `ceiling`. Shows the reduction, in dB.
    Limiter,
    /// The same, by `threshold`, `hysteresis` and `floor`. Shows the reduction and the
    /// level that it hears, in dB.
    Gate,
    /// One cycle of the four waves of an LFO, by `phase` and `pulse-width`. Shows how
    /// much of the cycle has gone.
    Cycle,
    /// A wave as it shows it, by `position` where there is such a param.
    Wave,
    /// The peaks of a sound in as many parts as it shows after its place, between
    /// `start` and `stop`, with `loop-start`.
    Sound,
    /// Echoes over time, by `time`, `feedback` and `ping-pong`. Shows the time that it
    /// stands at, in seconds.
    Echoes,
    /// How loud each band of a voice is, moved by `formant`. Shows the levels, in volts.
    Voice,
    /// The peaks of a response, by `decay`. Shows its length in seconds, then the peaks.
    Response,
    /// What grains are taken from, by `position` and `scatter`. Shows the peaks of the
    /// tape, the newest first, then where each of as many grains reads it, or -1.
    Grains,
}

/// How a scope shows its sweep: `header` numbers, then four rows of `points` in
/// volts, which are the lowest of a in the time of each point, the highest of a,
/// the lowest of b, the highest of b.
///
/// The header says, in this order: sweeps finished so far, seconds from one point
/// to the next, points drawn of the sweep that is under way, and whether a trigger
/// began it (1) or not (0). Points past those drawn are still of the sweep before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sweep {
    /// Numbers in front of the points.
    pub header: usize,
    /// Points of one sweep across the screen.
    pub points: usize,
}

/// What the program uses one module of the catalogue for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Its outputs go to the sound card.
    AudioOut,
    /// It hears the sound card.
    AudioIn,
    /// Its first two outputs are recorded while the third is on, or its param
    /// `record` is.
    Recorder,
    /// It takes [`OSC_VALUES`] over OSC.
    OscIn,
    /// It shows [`OSC_VALUES`] to be sent over OSC, in volts; then how often each
    /// has risen, as a gate; then each as a gate, in volts; then how often to send,
    /// in Hz.
    OscOut,
    /// The window's transport starts and stops it and sets its tempo, by the
    /// params `run` and `bpm`. Shows the part of the bar that has passed.
    Clock,
    /// The computer's keys play it, before others that take notes. Its output
    /// `gate` opens new envelopes.
    Keyboard,
    /// Plays a sound that is dropped on the canvas.
    Sampler,
    /// Takes a tuning that is dropped there, where nothing else takes one.
    Quantizer,
    /// Its first output is patched where a musician asks for an LFO.
    Lfo,
    /// The same for an envelope, which the input `gate` starts.
    Envelope,
    /// The same for a macro knob: the first of its outputs that is free.
    Macros,
    /// Voices of a group get their channels from it: one at each output, of one input.
    Split,
    /// The other way round: one at each input, to one output.
    Merge,
    /// Knobs follow the scenes that it says. Its first output is the number of a scene,
    /// its second that of the one it morphs to, both times [`SCENE_VOLTS`]; its third how far,
    /// 0 to 10 V. They take the seconds of its param `glide` to a new scene.
    Scenes,
    /// Knobs follow its text, beat by beat. Its first output is where it is in its param
    /// `length`, 0 to 10 V, its second is on while it plays. Shows the beat. While its param
    /// `record` is on, what hands do is kept, on the grid of its param `quantise`.
    Automation,
    /// Fails on command, for drills.
    Saboteur,
}

/// What a scene's number is multiplied by, as a voltage.
pub const SCENE_VOLTS: f32 = 0.1;

/// How many values OSC In takes, and OSC Out sends.
pub const OSC_VALUES: usize = 8;

impl Role {
    /// Every role; exactly one module of the catalogue has each.
    pub const ALL: [Role; 17] = [
        Role::AudioOut,
        Role::AudioIn,
        Role::Recorder,
        Role::OscIn,
        Role::OscOut,
        Role::Clock,
        Role::Keyboard,
        Role::Sampler,
        Role::Quantizer,
        Role::Lfo,
        Role::Envelope,
        Role::Macros,
        Role::Split,
        Role::Merge,
        Role::Scenes,
        Role::Automation,
        Role::Saboteur,
    ];
}

/// A shelf of the module browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "each is its own word")]
pub enum Tag {
    Source,
    Filter,
    Dynamics,
    Modulator,
    Effect,
    Sequencing,
    Utility,
    Display,
    Play,
    /// Takes notes: see [`Event`](crate::module::Event).
    Notes,
    Output,
    Polyphonic,
    Random,
    Test,
}

impl About {
    /// No module: for the facts that a module leaves out.
    pub const BLANK: About = About {
        name: "",
        title: "",
        short: "",
        summary: "",
        aliases: &[],
        tags: &[],
        inputs: &[],
        outputs: &[],
        params: &[],
        bypass: &[],
        display: 0,
        screen: None,
        face: &[],
        text: None,
        role: None,
        keeps_time: false,
    };

    /// The index of the input called that.
    pub fn input(&self, name: &str) -> Option<usize> {
        self.inputs.iter().position(|port| port.name == name)
    }

    /// The index of the output called that.
    pub fn output(&self, name: &str) -> Option<usize> {
        self.outputs.iter().position(|port| port.name == name)
    }

    /// The index of the param called that.
    pub fn param(&self, name: &str) -> Option<usize> {
        self.params.iter().position(|param| param.name == name)
    }

    /// Whether an output promises sound: volts around 0 V, without a constant
    /// part. By the tags: what makes or treats sound has such outputs, but for
    /// those that are declared [`Port::control`].
    pub fn is_audio(&self, output: usize) -> bool {
        use Tag::{Dynamics, Effect, Filter, Modulator, Play, Sequencing, Source};
        let is_tagged = |tags: &[Tag]| self.tags.iter().any(|tag| tags.contains(tag));
        is_tagged(&[Source, Filter, Dynamics, Effect])
            && !is_tagged(&[Play, Sequencing, Modulator])
            && !self.outputs[output].is_control
    }

    /// Whether the module goes on while it is bypassed, without being heard:
    /// hands and clocks do not wait.
    pub fn goes_on_bypassed(&self) -> bool {
        let own = [Tag::Play, Tag::Notes, Tag::Sequencing];
        self.tags.iter().any(|tag| own.contains(tag))
    }

    /// Whether the module plays by itself, or only treats what it is given:
    /// then it is silent some time after its inputs are.
    pub fn sounds_by_itself(&self) -> bool {
        use Tag::{Modulator, Play, Random, Sequencing, Source, Test};
        let own = [Source, Modulator, Play, Random, Sequencing, Test];
        self.bypass.is_empty() || self.tags.iter().any(|tag| own.contains(tag))
    }
}
