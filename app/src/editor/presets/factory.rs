//! The presets that come with the program.

/// Their texts, in the order of the folder `assets/presets`.
pub const FACTORY: &[&str] = &[
    include_str!("../../../../assets/presets/adsr/drum-hit.json"),
    include_str!("../../../../assets/presets/adsr/organ.json"),
    include_str!("../../../../assets/presets/adsr/pluck.json"),
    include_str!("../../../../assets/presets/adsr/slow-pad.json"),
    include_str!("../../../../assets/presets/chord/hymn.json"),
    include_str!("../../../../assets/presets/chord/late-night-ninths.json"),
    include_str!("../../../../assets/presets/chord/sevenths-of-the-key.json"),
    include_str!("../../../../assets/presets/chord/stacked-fourths.json"),
    include_str!("../../../../assets/presets/bitcrusher/first-sampler.json"),
    include_str!("../../../../assets/presets/bitcrusher/gravel.json"),
    include_str!("../../../../assets/presets/bitcrusher/handheld.json"),
    include_str!("../../../../assets/presets/comb/hollow-tube.json"),
    include_str!("../../../../assets/presets/comb/nylon-string.json"),
    include_str!("../../../../assets/presets/comb/robot-in-a-pipe.json"),
    include_str!("../../../../assets/presets/comb/steel-wire.json"),
    include_str!("../../../../assets/presets/compressor/bus-glue.json"),
    include_str!("../../../../assets/presets/compressor/drum-punch.json"),
    include_str!("../../../../assets/presets/compressor/kick-ducker.json"),
    include_str!("../../../../assets/presets/compressor/parallel-crush.json"),
    include_str!("../../../../assets/presets/clap/concert-hall.json"),
    include_str!("../../../../assets/presets/clap/finger-snap.json"),
    include_str!("../../../../assets/presets/clap/four-hands.json"),
    include_str!("../../../../assets/presets/arpeggiator/chip-chord.json"),
    include_str!("../../../../assets/presets/arpeggiator/night-drive.json"),
    include_str!("../../../../assets/presets/arpeggiator/rain-on-glass.json"),
    include_str!("../../../../assets/presets/arpeggiator/stutter.json"),
    include_str!("../../../../assets/presets/bernoulli/call-and-answer.json"),
    include_str!("../../../../assets/presets/bernoulli/now-and-then.json"),
    include_str!("../../../../assets/presets/bernoulli/slow-switch.json"),
    include_str!("../../../../assets/presets/chaos/butterfly.json"),
    include_str!("../../../../assets/presets/chaos/edge-of-order.json"),
    include_str!("../../../../assets/presets/chaos/slow-flare.json"),
    include_str!("../../../../assets/presets/chaos/torn-circuit.json"),
    include_str!("../../../../assets/presets/delay/comb.json"),
    include_str!("../../../../assets/presets/delay/dub-tape.json"),
    include_str!("../../../../assets/presets/delay/ping-pong-dotted.json"),
    include_str!("../../../../assets/presets/delay/slapback.json"),
    include_str!("../../../../assets/presets/distortion/brick-through-glass.json"),
    include_str!("../../../../assets/presets/distortion/dying-battery.json"),
    include_str!("../../../../assets/presets/distortion/edge-of-breakup.json"),
    include_str!("../../../../assets/presets/distortion/warm-desk.json"),
    include_str!("../../../../assets/presets/envelope-follower/auto-wah.json"),
    include_str!("../../../../assets/presets/envelope-follower/slow-breath.json"),
    include_str!("../../../../assets/presets/equalizer/air-and-weight.json"),
    include_str!("../../../../assets/presets/equalizer/mud-out.json"),
    include_str!("../../../../assets/presets/equalizer/telephone.json"),
    include_str!("../../../../assets/presets/formant-filter/choir-of-wires.json"),
    include_str!("../../../../assets/presets/formant-filter/open-throat.json"),
    include_str!("../../../../assets/presets/formant-filter/whispering-giant.json"),
    include_str!("../../../../assets/presets/frequency-shifter/barber-pole.json"),
    include_str!("../../../../assets/presets/frequency-shifter/bent-bell.json"),
    include_str!("../../../../assets/presets/frequency-shifter/mirror-world.json"),
    include_str!("../../../../assets/presets/gate/chopped-chord.json"),
    include_str!("../../../../assets/presets/gate/quiet-room.json"),
    include_str!("../../../../assets/presets/granular/frozen-breath.json"),
    include_str!("../../../../assets/presets/granular/octave-halo.json"),
    include_str!("../../../../assets/presets/granular/rain-of-pieces.json"),
    include_str!("../../../../assets/presets/hi-hat/eighths.json"),
    include_str!("../../../../assets/presets/hi-hat/silver-dust.json"),
    include_str!("../../../../assets/presets/hi-hat/trash-lid.json"),
    include_str!("../../../../assets/presets/kick/hard-nine.json"),
    include_str!("../../../../assets/presets/kick/long-boom.json"),
    include_str!("../../../../assets/presets/kick/round-eight.json"),
    include_str!("../../../../assets/presets/kick/warehouse.json"),
    include_str!("../../../../assets/presets/fm-operator/rubber-bass.json"),
    include_str!("../../../../assets/presets/fm-operator/suitcase-piano.json"),
    include_str!("../../../../assets/presets/fm-operator/temple-bell.json"),
    include_str!("../../../../assets/presets/fm-operator/tin-brass.json"),
    include_str!("../../../../assets/presets/formant-voice/choir-ah.json"),
    include_str!("../../../../assets/presets/formant-voice/mama.json"),
    include_str!("../../../../assets/presets/formant-voice/monk.json"),
    include_str!("../../../../assets/presets/formant-voice/mouse.json"),
    include_str!("../../../../assets/presets/divider/fast-and-short.json"),
    include_str!("../../../../assets/presets/divider/polymetre.json"),
    include_str!("../../../../assets/presets/divider/powers-of-two.json"),
    include_str!("../../../../assets/presets/euclid/bembe.json"),
    include_str!("../../../../assets/presets/euclid/cinquillo.json"),
    include_str!("../../../../assets/presets/euclid/long-walk.json"),
    include_str!("../../../../assets/presets/euclid/tresillo.json"),
    include_str!("../../../../assets/presets/function/late-trigger.json"),
    include_str!("../../../../assets/presets/function/ping.json"),
    include_str!("../../../../assets/presets/function/tide.json"),
    include_str!("../../../../assets/presets/function/wobble.json"),
    include_str!("../../../../assets/presets/gated-random/locked-groove.json"),
    include_str!("../../../../assets/presets/gated-random/music-box.json"),
    include_str!("../../../../assets/presets/gated-random/open-water.json"),
    include_str!("../../../../assets/presets/gated-random/two-bells.json"),
    include_str!("../../../../assets/presets/ladder/acid-squelch.json"),
    include_str!("../../../../assets/presets/ladder/rubber-bass.json"),
    include_str!("../../../../assets/presets/ladder/singing-sine.json"),
    include_str!("../../../../assets/presets/ladder/warm-roof.json"),
    include_str!("../../../../assets/presets/lfo/growl.json"),
    include_str!("../../../../assets/presets/lfo/slow-drift.json"),
    include_str!("../../../../assets/presets/lfo/tremolo.json"),
    include_str!("../../../../assets/presets/lfo/vibrato.json"),
    include_str!("../../../../assets/presets/limiter/loud-and-close.json"),
    include_str!("../../../../assets/presets/limiter/safety-net.json"),
    include_str!("../../../../assets/presets/low-pass-gate/bongo.json"),
    include_str!("../../../../assets/presets/low-pass-gate/slow-lamp.json"),
    include_str!("../../../../assets/presets/low-pass-gate/west-coast-pluck.json"),
    include_str!("../../../../assets/presets/modal/church-bell.json"),
    include_str!("../../../../assets/presets/modal/frame-drum.json"),
    include_str!("../../../../assets/presets/modal/marimba.json"),
    include_str!("../../../../assets/presets/modal/rubbed-glass.json"),
    include_str!("../../../../assets/presets/pluck/harp-of-glass.json"),
    include_str!("../../../../assets/presets/pluck/muted-bass.json"),
    include_str!("../../../../assets/presets/pluck/nylon.json"),
    include_str!("../../../../assets/presets/pluck/steel-twelve.json"),
    include_str!("../../../../assets/presets/multi-segment/brass-swell.json"),
    include_str!("../../../../assets/presets/multi-segment/breathing.json"),
    include_str!("../../../../assets/presets/multi-segment/double-strike.json"),
    include_str!("../../../../assets/presets/multi-segment/eight-towers.json"),
    include_str!("../../../../assets/presets/random/fireflies.json"),
    include_str!("../../../../assets/presets/random/nervous.json"),
    include_str!("../../../../assets/presets/random/sixteen-strangers.json"),
    include_str!("../../../../assets/presets/random/weather.json"),
    include_str!("../../../../assets/presets/macro-oscillator/bees.json"),
    include_str!("../../../../assets/presets/macro-oscillator/glass-harp.json"),
    include_str!("../../../../assets/presets/macro-oscillator/minor-nine.json"),
    include_str!("../../../../assets/presets/macro-oscillator/nylon.json"),
    include_str!("../../../../assets/presets/macro-oscillator/rain-on-tin.json"),
    include_str!("../../../../assets/presets/macro-oscillator/robot-choir.json"),
    include_str!("../../../../assets/presets/reverb/cathedral.json"),
    include_str!("../../../../assets/presets/reverb/endless-haze.json"),
    include_str!("../../../../assets/presets/reverb/plate.json"),
    include_str!("../../../../assets/presets/reverb/small-room.json"),
    include_str!("../../../../assets/presets/shift-register/eight-step-memory.json"),
    include_str!("../../../../assets/presets/shift-register/rungler.json"),
    include_str!("../../../../assets/presets/ring-mod/clean-sidebands.json"),
    include_str!("../../../../assets/presets/ring-mod/half-human.json"),
    include_str!("../../../../assets/presets/ring-mod/rusty-ring.json"),
    include_str!("../../../../assets/presets/snare/big-room-crack.json"),
    include_str!("../../../../assets/presets/snare/brush.json"),
    include_str!("../../../../assets/presets/snare/rim-tick.json"),
    include_str!("../../../../assets/presets/snare/tight-backbeat.json"),
    include_str!("../../../../assets/presets/supersaw/one-and-its-ghosts.json"),
    include_str!("../../../../assets/presets/supersaw/swarm-of-wasps.json"),
    include_str!("../../../../assets/presets/supersaw/trance-lead.json"),
    include_str!("../../../../assets/presets/supersaw/warm-wall.json"),
    include_str!("../../../../assets/presets/slew/falling-leaf.json"),
    include_str!("../../../../assets/presets/slew/portamento.json"),
    include_str!("../../../../assets/presets/slew/soft-gate.json"),
    include_str!("../../../../assets/presets/slew/vactrol.json"),
    include_str!("../../../../assets/presets/swing/drunk-drummer.json"),
    include_str!("../../../../assets/presets/swing/lazy-sixteenths.json"),
    include_str!("../../../../assets/presets/swing/shuffle.json"),
    include_str!("../../../../assets/presets/vco/bell-fm.json"),
    include_str!("../../../../assets/presets/vco/slow-width.json"),
    include_str!("../../../../assets/presets/vco/sub-octave.json"),
    include_str!("../../../../assets/presets/vco/thin-pulse.json"),
    include_str!("../../../../assets/presets/wavefolder/first-light.json"),
    include_str!("../../../../assets/presets/wavefolder/glass-harmonics.json"),
    include_str!("../../../../assets/presets/wavefolder/octave-bloom.json"),
    include_str!("../../../../assets/presets/wavefolder/torn-paper.json"),
    include_str!("../../../../assets/presets/wavetable-lfo/heartbeat.json"),
    include_str!("../../../../assets/presets/wavetable-lfo/sidechain.json"),
    include_str!("../../../../assets/presets/wavetable-lfo/staircase.json"),
    include_str!("../../../../assets/presets/wavetable-lfo/turning-lamp.json"),
    include_str!("../../../../assets/presets/wavetable-vco/climbing-whistle.json"),
    include_str!("../../../../assets/presets/wavetable-vco/drawn-out.json"),
    include_str!("../../../../assets/presets/wavetable-vco/sine-to-square.json"),
    include_str!("../../../../assets/presets/wavetable-vco/talking-wire.json"),
];

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::editor::presets::Preset;

    #[test]
    fn every_file_of_the_folder_is_here_and_says_what_it_says() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../assets/presets");
        let mut count = 0;
        for kind in std::fs::read_dir(folder).unwrap() {
            for file in std::fs::read_dir(kind.unwrap().path()).unwrap() {
                let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
                assert!(FACTORY.contains(&text.as_str()), "{text}");
                count += 1;
            }
        }
        assert_eq!(count, FACTORY.len());
    }

    #[test]
    fn every_one_can_be_read_whole() {
        for text in FACTORY {
            let preset = Preset::read(text.as_bytes()).expect(text);
            let json: serde_json::Value = serde_json::from_str(text).unwrap();
            let about = crate::patch::find_kind(&preset.kind).unwrap();
            for (name, value) in json["params"].as_object().unwrap() {
                let param = &about.params[about.param(name).expect(text)];
                let said = match value.as_str() {
                    Some(word) => param.parse(word).expect(text),
                    None => value.as_f64().unwrap() as f32,
                };
                assert_eq!(preset.settings[&**name], said, "{text}");
            }
        }
    }
}
