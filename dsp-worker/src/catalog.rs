//! Every module there is. To add one: its file in `modules/`, its line here.

use serde::Serialize;

use crate::clip::Text;
use crate::module::{About, Block, Module, Tag};
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
    Entry::of::<m::noise::Noise>(),
    Entry::of::<m::ladder::Ladder>(),
    Entry::of::<m::svf::Svf>(),
    Entry::of::<m::vca::Vca>(),
    Entry::of::<m::adsr::Adsr>(),
    Entry::of::<m::mixer::Mixer>(),
    Entry::of::<m::stereo_mixer::StereoMixer>(),
    Entry::of::<m::mutes::Mutes>(),
    Entry::of::<m::sample_hold::SampleHold>(),
    Entry::of::<m::attenuverter::Attenuverter>(),
    Entry::of::<m::octave::Octave>(),
    Entry::of::<m::compare::Compare>(),
    Entry::of::<m::logic::Logic>(),
    Entry::of::<m::gate_tools::GateTools>(),
    Entry::of::<m::clock::Clock>(),
    Entry::of::<m::sequencer::Sequencer>(),
    Entry::of::<m::drum_grid::DrumGrid>(),
    Entry::of::<m::quantizer::Quantizer>(),
    Entry::of::<m::chord::Chord>(),
    Entry::of::<m::shift_register::ShiftRegister>(),
    Entry::of::<m::switch_1_to_8::Switch1To8>(),
    Entry::of::<m::switch_8_to_1::Switch8To1>(),
    Entry::of::<m::keyboard::Keyboard>(),
    Entry::of::<m::ribbon::Ribbon>(),
    Entry::of::<m::xy_pad::XyPad>(),
    Entry::of::<m::macros::Macros>(),
    Entry::of::<m::buttons::Buttons>(),
    Entry::of::<m::delay::Delay>(),
    Entry::of::<m::reverb::Reverb>(),
    Entry::of::<m::scope::Scope>(),
    Entry::of::<m::spectrum::Spectrum>(),
    Entry::of::<m::tuner::Tuner>(),
    Entry::of::<m::level_meter::LevelMeter>(),
    Entry::of::<m::audio_out::AudioOut>(),
    Entry::of::<m::saboteur::Saboteur>(),
];

/// The module called that, and its index.
pub fn find(name: &str) -> Option<(usize, &'static Entry)> {
    CATALOG.iter().enumerate().find(|(_, entry)| entry.about.name == name)
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
    // FNV-1a: no secret, no collision attack, and the same on every machine.
    text.join(";").bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// A module's code, without its type.
#[derive(Serialize)]
pub struct Entry {
    /// Its facts.
    #[serde(flatten)]
    pub about: &'static About,
    /// [`Module::TEXT`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<Text>,
    /// The size of its plain data.
    #[serde(skip)]
    pub state_bytes: usize,
    /// [`Module::tapes`].
    #[serde(skip)]
    pub tapes: fn(sample_rate_hz: f32) -> Vec<usize>,
    /// [`Module::start`].
    #[serde(skip)]
    pub start: fn(state: &mut [u8], seed: u64),
    #[serde(skip)]
    process: fn(state: &mut [u8], block: &mut Block),
    #[cfg(target_arch = "x86_64")]
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
            text: M::TEXT,
            state_bytes: size_of::<M>(),
            tapes: M::tapes,
            start: |state, seed| bytemuck::from_bytes_mut::<M>(state).start(seed),
            process: |state, block| bytemuck::from_bytes_mut::<M>(state).process(block),
            #[cfg(target_arch = "x86_64")]
            process_avx2: process_avx2::<M>,
        }
    }

    /// [`Module::process`], compiled for this machine. Real-time safe.
    #[inline]
    #[allow(unsafe_code, reason = "the only place where the processor is asked what it can do")]
    pub(crate) fn process(&self, state: &mut [u8], block: &mut Block) {
        #[cfg(target_arch = "x86_64")]
        if std::is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has just said that it has AVX2, the only
            // feature that `process_avx2` needs.
            return unsafe { (self.process_avx2)(state, block) };
        }
        (self.process)(state, block);
    }
}

/// Alignment of a module's state in shared memory, in bytes.
pub(crate) const STATE_ALIGN: usize = 64;
/// Inputs, and outputs, that one module may have.
pub const MAX_PORTS: usize = 32;
/// Params that one module may have.
pub const MAX_PARAMS: usize = 64;

/// The same code once more, for processors with AVX2. Without fused
/// multiply-add, so that the sound is the same to the bit.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn process_avx2<M: Module>(state: &mut [u8], block: &mut Block) {
    bytemuck::from_bytes_mut::<M>(state).process(block);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsp::random::Random;
    use crate::param::Taper;
    use crate::rig::Rig;

    #[test]
    fn every_name_is_once_in_the_catalogue_and_fit_for_a_file() {
        for (index, entry) in CATALOG.iter().enumerate() {
            let about = entry.about;
            assert_eq!(find(about.name).unwrap().0, index, "{}", about.name);
            let names = about.inputs.iter().map(|port| port.name);
            let names = names.chain(about.params.iter().map(|param| param.name));
            for name in names.chain(about.outputs.iter().map(|port| port.name)).chain([about.name])
            {
                let fit = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
                assert!(!name.is_empty() && name.chars().all(fit), "{}: {name}", about.name);
            }
            for port in about.inputs.iter().chain(about.outputs) {
                assert!(!port.help.is_empty(), "{}.{}", about.name, port.name);
            }
            assert!(!about.summary.is_empty() && !about.tags.is_empty(), "{}", about.name);
        }
    }

    #[test]
    fn every_param_starts_where_it_may_be() {
        for entry in CATALOG {
            for param in entry.about.params {
                let name = format!("{}.{}", entry.about.name, param.name);
                assert_eq!(param.legal(param.default), param.default, "{name}");
                assert!(param.range.start() < param.range.end(), "{name}");
                assert!(!param.help.is_empty(), "{name}");
                assert!(param.taper != Taper::Log || *param.range.start() > 0.0, "{name}");
            }
        }
    }

    #[test]
    fn a_well_behaved_module_makes_finite_volts_wherever_its_params_stand() {
        let mut random = Random::new(1);
        for entry in well_behaved() {
            for _ in 0..4 {
                let mut rig = Rig::named(entry.about.name, 48_000.0);
                for param in entry.about.params {
                    let (low, high) = (param.range.start(), param.range.end());
                    rig.set(param.name, param.legal(low + (high - low) * random.unipolar()));
                }
                for port in entry.about.inputs {
                    let mut noise = Random::new(u64::from(random.bits()));
                    rig.feed_channels(port.name, 3, move |_, _| 10.0 * noise.bipolar());
                }
                rig.run(4800);
                assert_eq!(rig.not_finite(), 0, "{}", entry.about.name);
            }
        }
    }

    /// Bipolar noise and gates, the same for the same frame however it is cut.
    fn volts(port: usize, channel: usize, frame: u64) -> f32 {
        let seed = port as u64 * 1000 + channel as u64;
        let step = if port.is_multiple_of(2) { frame } else { frame / 97 };
        5.0 * Random::new(seed << 32 | step).bipolar() + 2.0
    }

    #[test]
    fn any_cut_gives_the_same_samples() {
        for entry in well_behaved() {
            let render = |is_cut: bool| {
                let mut random = Random::new(3);
                let mut rig = Rig::named(entry.about.name, 48_000.0);
                if is_cut {
                    rig.frame_by_frame();
                }
                for (index, port) in entry.about.inputs.iter().enumerate() {
                    rig.feed_channels(port.name, 2, move |c, frame| volts(index, c, frame));
                }
                let mut samples = Vec::new();
                for _ in 0..4 {
                    for param in entry.about.params {
                        let (low, high) = (param.range.start(), param.range.end());
                        rig.set(param.name, param.legal(low + (high - low) * random.unipolar()));
                    }
                    let out = rig.run(640);
                    for port in entry.about.outputs {
                        (0..out.channels(port.name))
                            .for_each(|c| samples.extend_from_slice(out.channel(port.name, c)));
                    }
                }
                samples
            };
            assert!(render(false) == render(true), "{}", entry.about.name);
        }
    }

    #[test]
    fn every_bypass_route_leads_from_an_input_to_an_output() {
        for entry in CATALOG {
            for &(input, output) in entry.about.bypass {
                assert!(input < entry.about.inputs.len(), "{}", entry.about.name);
                assert!(output < entry.about.outputs.len(), "{}", entry.about.name);
            }
        }
    }
}
