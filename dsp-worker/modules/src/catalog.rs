//! Every module there is. To add one: its file in `modules/`, and its line in
//! `modules.rs` and here, where the browser is to show it.

use std::ops::Range;

use serde::Serialize;
use sostenuto_dsp::fnv::fnv1a;
use sostenuto_dsp::rate_change::RateChange;
use sostenuto_dsp::signal::Signal;

use crate::limits::{MAX_PARAMS, MAX_PORTS};
use crate::module::{About, Block, Module, Role, Tag};

/// The catalogue, and the code of every module in a Rust module of its own: by these the
/// compiler shares out its work. In one, all would be compiled one after the other.
macro_rules! catalog {
    ($($file:ident::$module:ident,)*) => {
        /// Every module, in the order of the browser. A running patch names them by
        /// index, so host and workers must be of one build; see [`fingerprint`].
        pub static CATALOG: &[Entry] =
            &[$(Entry::of::<crate::modules::$file::$module>(code::$file::CODE)),*];

        mod code {$(
            pub mod $file {
                use crate::module::{Block, Module};
                use crate::modules::$file::$module;

                pub const CODE: crate::catalog::Code = crate::catalog::Code {
                    #[cfg(any(without_avx2, test))]
                    process,
                    #[cfg(all(with_avx2, not(test)))]
                    process_avx2,
                };

                #[cfg(any(without_avx2, test))]
                fn process(state: &mut [u8], block: &mut Block) {
                    bytemuck::from_bytes_mut::<$module>(state).process(block);
                }

                #[cfg(all(with_avx2, not(test)))]
                #[target_feature(enable = "avx2")]
                fn process_avx2(state: &mut [u8], block: &mut Block) {
                    bytemuck::from_bytes_mut::<$module>(state).process(block);
                }
            }
        )*}
    };
}

catalog! {
    vco::Vco,
    wavetable_vco::WavetableVco,
    supersaw::Supersaw,
    fm_operator::FmOperator,
    macro_oscillator::MacroOscillator,
    formant_voice::FormantVoice,
    lfo::Lfo,
    wavetable_lfo::WavetableLfo,
    noise::Noise,
    sampler::Sampler,
    kick::Kick,
    snare::Snare,
    hi_hat::HiHat,
    clap::Clap,
    pluck::Pluck,
    modal::Modal,
    ladder::Ladder,
    svf::Svf,
    comb::Comb,
    formant_filter::FormantFilter,
    equalizer::Equalizer,
    vca::Vca,
    tremolo::Tremolo,
    stereo_vca::StereoVca,
    low_pass_gate::LowPassGate,
    adsr::Adsr,
    function::Function,
    multi_segment::MultiSegment,
    slew::Slew,
    mixer::Mixer,
    stereo_mixer::StereoMixer,
    mutes::Mutes,
    compressor::Compressor,
    limiter::Limiter,
    gate::Gate,
    envelope_follower::EnvelopeFollower,
    wavefolder::Wavefolder,
    distortion::Distortion,
    ring_mod::RingMod,
    frequency_shifter::FrequencyShifter,
    bitcrusher::Bitcrusher,
    sample_hold::SampleHold,
    random::Random,
    gated_random::GatedRandom,
    chaos::Chaos,
    attenuverter::Attenuverter,
    octave::Octave,
    compare::Compare,
    logic::Logic,
    gate_tools::GateTools,
    attenuverters::Attenuverters,
    offset_scale::OffsetScale,
    crossfade::Crossfade,
    mid_side::MidSide,
    mult::Mult,
    split::Split,
    merge::Merge,
    sum::Sum,
    math::Math,
    code::Code,
    clock::Clock,
    sequencer::Sequencer,
    piano_roll::PianoRoll,
    drum_grid::DrumGrid,
    divider::Divider,
    swing::Swing,
    euclid::Euclid,
    bernoulli::Bernoulli,
    arpeggiator::Arpeggiator,
    quantizer::Quantizer,
    chord::Chord,
    shift_register::ShiftRegister,
    switch_1_to_8::Switch1To8,
    switch_8_to_1::Switch8To1,
    scenes::Scenes,
    automation::Automation,
    keyboard::Keyboard,
    osc_in::OscIn,
    ribbon::Ribbon,
    xy_pad::XyPad,
    macros::Macros,
    buttons::Buttons,
    delay::Delay,
    granular::Granular,
    chorus::Chorus,
    flanger::Flanger,
    phaser::Phaser,
    tape_delay::TapeDelay,
    reverb::Reverb,
    shimmer::Shimmer,
    convolution::Convolution,
    spectral_freeze::SpectralFreeze,
    vocoder::Vocoder,
    scope::Scope,
    spectrum::Spectrum,
    tuner::Tuner,
    level_meter::LevelMeter,
    audio_in::AudioIn,
    recorder::Recorder,
    osc_out::OscOut,
    audio_out::AudioOut,
    saboteur::Saboteur,
}

/// The module called that, and its index.
pub fn find(name: &str) -> Option<(usize, &'static Entry)> {
    CATALOG.iter().enumerate().find(|(_, entry)| entry.about.name == name)
}

/// The module that has that role, and its index.
///
/// # Panics
/// Never: a test asks that one has each.
pub fn with_role(role: Role) -> (usize, &'static Entry) {
    let mut all = CATALOG.iter().enumerate();
    all.find(|(_, entry)| entry.about.role == Some(role)).expect("a module has each role")
}

/// Every module but those that break on purpose: for tests that take modules and
/// params as they come.
pub fn well_behaved() -> impl Iterator<Item = &'static Entry> {
    CATALOG.iter().filter(|entry| !entry.about.tags.contains(&Tag::Test))
}

/// A number that is the same in two programs where their catalogues agree on
/// every name, in order, and on every size.
pub fn fingerprint() -> u64 {
    let names = |entry: &Entry| {
        let about = entry.about;
        let ports = about.inputs.iter().chain(about.outputs).map(|port| port.name);
        let params = about.params.iter().map(|param| param.name);
        std::iter::once(about.name).chain(ports).chain(params).collect::<Vec<_>>().join(",")
    };
    let text: Vec<String> =
        CATALOG.iter().map(|entry| format!("{}:{}", names(entry), entry.state_bytes)).collect();
    fnv1a(text.join(";").bytes())
}

/// A module's code, without its type.
#[derive(Serialize)]
pub struct Entry {
    /// Its facts.
    #[serde(flatten)]
    pub about: &'static About,
    /// The ports and params that there is room for: [`Module::ROOM`].
    #[serde(skip)]
    pub room: &'static About,
    /// The size of its plain data.
    #[serde(skip)]
    pub state_bytes: usize,
    /// [`Module::tapes`].
    #[serde(skip)]
    pub tapes: fn(sample_rate_hz: f32) -> Vec<usize>,
    /// [`Module::start`].
    #[serde(skip)]
    pub start: fn(state: &mut [u8], seed: u64),
    /// [`Module::CARRIES_TAPES`].
    #[serde(skip)]
    pub carries_tapes: bool,
    /// [`Module::change_rate`].
    #[serde(skip)]
    pub change_rate: fn(state: &mut [u8], change: &RateChange),
    /// [`Module::forget`].
    #[serde(skip)]
    pub forget: fn(state: &mut [u8], channels: Range<usize>),
    #[serde(skip)]
    code: Code,
}

/// [`Module::process`]. Once more for processors with AVX2, without fused
/// multiply-add, so that the sound is the same to the bit. The tests in this
/// crate run the code without, so that both are tested.
#[derive(Clone, Copy)]
struct Code {
    #[cfg(any(without_avx2, test))]
    process: fn(state: &mut [u8], block: &mut Block),
    #[cfg(all(with_avx2, not(test)))]
    process_avx2: unsafe fn(state: &mut [u8], block: &mut Block),
}

impl Entry {
    const fn of<M: Module>(code: Code) -> Entry {
        assert!(align_of::<M>() <= STATE_ALIGN, "a module's state is aligned to a cache line");
        assert!(M::ROOM.inputs.len() <= MAX_PORTS && M::ROOM.outputs.len() <= MAX_PORTS);
        assert!(M::ROOM.params.len() <= MAX_PARAMS);
        Entry {
            about: M::ABOUT,
            room: M::ROOM,
            state_bytes: size_of::<M>(),
            tapes: M::tapes,
            start: |state, seed| bytemuck::from_bytes_mut::<M>(state).start(seed),
            carries_tapes: M::CARRIES_TAPES,
            change_rate: |state, change| {
                bytemuck::from_bytes_mut::<M>(state).change_rate(change);
            },
            forget: |state, channels| bytemuck::from_bytes_mut::<M>(state).forget(channels),
            code,
        }
    }

    /// [`Module::process`], compiled for this machine. Real-time safe.
    #[inline]
    #[allow(unsafe_code, reason = "the only place where the processor is asked what it can do")]
    #[allow(clippy::needless_return, reason = "releases have code behind it")]
    pub fn process(&self, state: &mut [u8], block: &mut Block) {
        #[cfg(all(with_avx2, not(test)))]
        if cfg!(not(without_avx2)) || std::is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has just said that it has AVX2, the only
            // feature that `process_avx2` needs; or said so when this was built
            // for it alone.
            return unsafe { (self.code.process_avx2)(state, block) };
        }
        #[cfg(any(without_avx2, test))]
        (self.code.process)(state, block);
    }
}

/// [`Signal::clean`] all outputs but the `muted`, bit by bit, compiled for this
/// machine. Returns how many samples were not finite. Real-time safe.
#[inline]
#[allow(unsafe_code, reason = "as in `Entry::process`")]
pub(crate) fn clean(outputs: &mut [Signal], muted: u32, frames: Range<usize>) -> u32 {
    #[cfg(all(with_avx2, not(test)))]
    if std::is_x86_feature_detected!("avx2") {
        // SAFETY: as in `Entry::process`.
        return unsafe { clean_avx2(outputs, muted, frames) };
    }
    clean_all(outputs, muted, frames)
}

#[inline(always)]
fn clean_all(outputs: &mut [Signal], muted: u32, frames: Range<usize>) -> u32 {
    let mut broken = 0;
    for (port, output) in outputs.iter_mut().enumerate() {
        if muted >> port & 1 == 0 {
            broken += output.clean(frames.clone());
        }
    }
    broken
}

#[cfg(all(with_avx2, not(test)))]
#[target_feature(enable = "avx2")]
fn clean_avx2(outputs: &mut [Signal], muted: u32, frames: Range<usize>) -> u32 {
    clean_all(outputs, muted, frames)
}

/// Alignment of a module's state in shared memory, in bytes.
pub const STATE_ALIGN: usize = 64;

#[cfg(test)]
mod heard;
#[cfg(test)]
mod tests;
