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
    include_str!("../../../../assets/presets/delay/comb.json"),
    include_str!("../../../../assets/presets/delay/dub-tape.json"),
    include_str!("../../../../assets/presets/delay/ping-pong-dotted.json"),
    include_str!("../../../../assets/presets/delay/slapback.json"),
    include_str!("../../../../assets/presets/fm-operator/rubber-bass.json"),
    include_str!("../../../../assets/presets/fm-operator/suitcase-piano.json"),
    include_str!("../../../../assets/presets/fm-operator/temple-bell.json"),
    include_str!("../../../../assets/presets/fm-operator/tin-brass.json"),
    include_str!("../../../../assets/presets/formant-voice/choir-ah.json"),
    include_str!("../../../../assets/presets/formant-voice/mama.json"),
    include_str!("../../../../assets/presets/formant-voice/monk.json"),
    include_str!("../../../../assets/presets/formant-voice/mouse.json"),
    include_str!("../../../../assets/presets/ladder/acid-squelch.json"),
    include_str!("../../../../assets/presets/ladder/rubber-bass.json"),
    include_str!("../../../../assets/presets/ladder/singing-sine.json"),
    include_str!("../../../../assets/presets/ladder/warm-roof.json"),
    include_str!("../../../../assets/presets/lfo/growl.json"),
    include_str!("../../../../assets/presets/lfo/slow-drift.json"),
    include_str!("../../../../assets/presets/lfo/tremolo.json"),
    include_str!("../../../../assets/presets/lfo/vibrato.json"),
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
    include_str!("../../../../assets/presets/supersaw/one-and-its-ghosts.json"),
    include_str!("../../../../assets/presets/supersaw/swarm-of-wasps.json"),
    include_str!("../../../../assets/presets/supersaw/trance-lead.json"),
    include_str!("../../../../assets/presets/supersaw/warm-wall.json"),
    include_str!("../../../../assets/presets/vco/bell-fm.json"),
    include_str!("../../../../assets/presets/vco/slow-width.json"),
    include_str!("../../../../assets/presets/vco/sub-octave.json"),
    include_str!("../../../../assets/presets/vco/thin-pulse.json"),
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
