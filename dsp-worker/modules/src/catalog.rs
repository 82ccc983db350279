//! Every module there is. To add one: its file in `modules/`, and its line in
//! `modules.rs` and here.

use std::ops::Range;

use serde::Serialize;
use sostenuto_dsp::fnv::fnv1a;
use sostenuto_dsp::rate_change::RateChange;
use sostenuto_dsp::signal::Signal;

use crate::limits::{MAX_PARAMS, MAX_PORTS};
use crate::module::{About, Block, Module, Role, Tag};
use crate::modules as m;

/// Every module, in the order of the browser. A running patch names them by
/// index, so host and workers must be of one build; see [`fingerprint`].
pub static CATALOG: &[Entry] = &[
    Entry::of::<m::vco::Vco>(),
    Entry::of::<m::wavetable_vco::WavetableVco>(),
    Entry::of::<m::supersaw::Supersaw>(),
    Entry::of::<m::fm_operator::FmOperator>(),
    Entry::of::<m::macro_oscillator::MacroOscillator>(),
    Entry::of::<m::formant_voice::FormantVoice>(),
    Entry::of::<m::lfo::Lfo>(),
    Entry::of::<m::wavetable_lfo::WavetableLfo>(),
    Entry::of::<m::noise::Noise>(),
    Entry::of::<m::sampler::Sampler>(),
    Entry::of::<m::kick::Kick>(),
    Entry::of::<m::snare::Snare>(),
    Entry::of::<m::hi_hat::HiHat>(),
    Entry::of::<m::clap::Clap>(),
    Entry::of::<m::pluck::Pluck>(),
    Entry::of::<m::modal::Modal>(),
    Entry::of::<m::ladder::Ladder>(),
    Entry::of::<m::svf::Svf>(),
    Entry::of::<m::comb::Comb>(),
    Entry::of::<m::formant_filter::FormantFilter>(),
    Entry::of::<m::equalizer::Equalizer>(),
    Entry::of::<m::vca::Vca>(),
    Entry::of::<m::tremolo::Tremolo>(),
    Entry::of::<m::stereo_vca::StereoVca>(),
    Entry::of::<m::low_pass_gate::LowPassGate>(),
    Entry::of::<m::adsr::Adsr>(),
    Entry::of::<m::function::Function>(),
    Entry::of::<m::multi_segment::MultiSegment>(),
    Entry::of::<m::slew::Slew>(),
    Entry::of::<m::mixer::Mixer>(),
    Entry::of::<m::stereo_mixer::StereoMixer>(),
    Entry::of::<m::mutes::Mutes>(),
    Entry::of::<m::compressor::Compressor>(),
    Entry::of::<m::limiter::Limiter>(),
    Entry::of::<m::gate::Gate>(),
    Entry::of::<m::envelope_follower::EnvelopeFollower>(),
    Entry::of::<m::wavefolder::Wavefolder>(),
    Entry::of::<m::distortion::Distortion>(),
    Entry::of::<m::ring_mod::RingMod>(),
    Entry::of::<m::frequency_shifter::FrequencyShifter>(),
    Entry::of::<m::bitcrusher::Bitcrusher>(),
    Entry::of::<m::sample_hold::SampleHold>(),
    Entry::of::<m::random::Random>(),
    Entry::of::<m::gated_random::GatedRandom>(),
    Entry::of::<m::chaos::Chaos>(),
    Entry::of::<m::attenuverter::Attenuverter>(),
    Entry::of::<m::octave::Octave>(),
    Entry::of::<m::compare::Compare>(),
    Entry::of::<m::logic::Logic>(),
    Entry::of::<m::gate_tools::GateTools>(),
    Entry::of::<m::attenuverters::Attenuverters>(),
    Entry::of::<m::offset_scale::OffsetScale>(),
    Entry::of::<m::crossfade::Crossfade>(),
    Entry::of::<m::mid_side::MidSide>(),
    Entry::of::<m::mult::Mult>(),
    Entry::of::<m::split::Split>(),
    Entry::of::<m::merge::Merge>(),
    Entry::of::<m::sum::Sum>(),
    Entry::of::<m::math::Math>(),
    Entry::of::<m::clock::Clock>(),
    Entry::of::<m::sequencer::Sequencer>(),
    Entry::of::<m::piano_roll::PianoRoll>(),
    Entry::of::<m::drum_grid::DrumGrid>(),
    Entry::of::<m::divider::Divider>(),
    Entry::of::<m::swing::Swing>(),
    Entry::of::<m::euclid::Euclid>(),
    Entry::of::<m::bernoulli::Bernoulli>(),
    Entry::of::<m::arpeggiator::Arpeggiator>(),
    Entry::of::<m::quantizer::Quantizer>(),
    Entry::of::<m::chord::Chord>(),
    Entry::of::<m::shift_register::ShiftRegister>(),
    Entry::of::<m::switch_1_to_8::Switch1To8>(),
    Entry::of::<m::switch_8_to_1::Switch8To1>(),
    Entry::of::<m::keyboard::Keyboard>(),
    Entry::of::<m::osc_in::OscIn>(),
    Entry::of::<m::ribbon::Ribbon>(),
    Entry::of::<m::xy_pad::XyPad>(),
    Entry::of::<m::macros::Macros>(),
    Entry::of::<m::buttons::Buttons>(),
    Entry::of::<m::delay::Delay>(),
    Entry::of::<m::granular::Granular>(),
    Entry::of::<m::chorus::Chorus>(),
    Entry::of::<m::flanger::Flanger>(),
    Entry::of::<m::phaser::Phaser>(),
    Entry::of::<m::tape_delay::TapeDelay>(),
    Entry::of::<m::reverb::Reverb>(),
    Entry::of::<m::shimmer::Shimmer>(),
    Entry::of::<m::convolution::Convolution>(),
    Entry::of::<m::spectral_freeze::SpectralFreeze>(),
    Entry::of::<m::vocoder::Vocoder>(),
    Entry::of::<m::scope::Scope>(),
    Entry::of::<m::spectrum::Spectrum>(),
    Entry::of::<m::tuner::Tuner>(),
    Entry::of::<m::level_meter::LevelMeter>(),
    Entry::of::<m::audio_in::AudioIn>(),
    Entry::of::<m::recorder::Recorder>(),
    Entry::of::<m::osc_out::OscOut>(),
    Entry::of::<m::audio_out::AudioOut>(),
    Entry::of::<m::saboteur::Saboteur>(),
];

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
    #[cfg(any(without_avx2, test))]
    #[serde(skip)]
    process: fn(state: &mut [u8], block: &mut Block),
    #[cfg(all(with_avx2, not(test)))]
    #[serde(skip)]
    process_avx2: unsafe fn(state: &mut [u8], block: &mut Block),
}

impl Entry {
    const fn of<M: Module>() -> Entry {
        assert!(align_of::<M>() <= STATE_ALIGN, "a module's state is aligned to a cache line");
        assert!(M::ABOUT.inputs.len() <= MAX_PORTS && M::ABOUT.outputs.len() <= MAX_PORTS);
        assert!(M::ABOUT.params.len() <= MAX_PARAMS);
        Entry {
            about: M::ABOUT,
            state_bytes: size_of::<M>(),
            tapes: M::tapes,
            start: |state, seed| bytemuck::from_bytes_mut::<M>(state).start(seed),
            carries_tapes: M::CARRIES_TAPES,
            change_rate: |state, change| {
                bytemuck::from_bytes_mut::<M>(state).change_rate(change);
            },
            forget: |state, channels| bytemuck::from_bytes_mut::<M>(state).forget(channels),
            #[cfg(any(without_avx2, test))]
            process: |state, block| bytemuck::from_bytes_mut::<M>(state).process(block),
            #[cfg(all(with_avx2, not(test)))]
            process_avx2: process_avx2::<M>,
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
            return unsafe { (self.process_avx2)(state, block) };
        }
        #[cfg(any(without_avx2, test))]
        (self.process)(state, block);
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

/// The same code once more, for processors with AVX2. Without fused
/// multiply-add, so that the sound is the same to the bit. The tests in this
/// crate run the code above, so that both are tested.
#[cfg(all(with_avx2, not(test)))]
#[target_feature(enable = "avx2")]
fn process_avx2<M: Module>(state: &mut [u8], block: &mut Block) {
    bytemuck::from_bytes_mut::<M>(state).process(block);
}

#[cfg(test)]
mod heard;
#[cfg(test)]
mod tests;
