//! What a module makes for one cable does not depend on its other outputs.

use super::well_behaved;
use crate::rig::Rig;

const RATE_HZ: f32 = 48_000.0;

#[test]
fn every_output_alone_is_the_same_as_among_others() {
    for entry in well_behaved() {
        let about = entry.about;
        for channels in [1, 3] {
            let all = Rig::at_work(about.name, RATE_HZ, channels).run(2400);
            for port in about.outputs {
                let alone =
                    Rig::at_work(about.name, RATE_HZ, channels).hear(&[port.name]).run(2400);
                for channel in 0..all.channels(port.name) {
                    let is_same =
                        all.channel(port.name, channel) == alone.channel(port.name, channel);
                    assert!(is_same, "{} {}", about.name, port.name);
                }
            }
        }
    }
}

#[test]
fn without_any_cable_every_module_keeps_its_channels() {
    for entry in well_behaved() {
        let about = entry.about;
        let all = Rig::at_work(about.name, RATE_HZ, 3).run(320);
        let none = Rig::at_work(about.name, RATE_HZ, 3).hear(&[]).run(320);
        for port in about.outputs {
            assert_eq!(all.channels(port.name), none.channels(port.name), "{}", about.name);
        }
    }
}
