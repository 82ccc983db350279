//! Bernoulli: two coins. Each gate goes one way or the other, by chance.

use std::ops::Range;

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::forget::clear;
use sostenuto_dsp::gates::Gates;
use sostenuto_dsp::lane::{LANES, Lane};
use sostenuto_dsp::mask::Mask;
use sostenuto_dsp::random::Random;
use sostenuto_dsp::signal::Signal;
use sostenuto_dsp::units::{CHANNELS, GATE_VOLTS};

use crate::Module;
use crate::module::{About, Block, Port, Tag, port};
use crate::moves::By;
use crate::param::{Param, Unit};
use crate::parts::each_group::each_group;

const IN_1: usize = 0;
const IN_2: usize = 1;
const CHANCE_IN: usize = 2;

const COINS: usize = 2;
const CHANCE: usize = 0;
const COIN: usize = 2;
const STYLE: usize = 4;

const TOGGLE: usize = 1;
const LATCH: usize = 1;

/// Two coins for each channel.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Bernoulli {
    random: Random,
    coins: [Coins; COINS],
}

/// One coin for each channel. Yes is 1 and no is 0.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Coins {
    gates: Gates,
    /// Whether it fell on the second side.
    is_second: [f32; CHANNELS],
    has_fallen: [f32; CHANNELS],
}

const fn chance_in(name: &'static str) -> Port {
    port(name, "Probability CV: each volt adds 10 % to output b").moves_own(By::TenthPerVolt)
}

const fn chance(name: &'static str) -> Param {
    let help = "The probability of output b";
    Param::linear(name, 0.0..=1.0, 0.5, Unit::Fraction, help)
}

const fn coin(name: &'static str) -> Param {
    let help =
        "Toss: each gate goes to a or b by chance. Toggle: b means the other output than last time";
    Param::choice(name, &["toss", "toggle"], 0, help)
}

const fn style(name: &'static str) -> Param {
    let help = "Gate: on while the input is on. Latch: on until a gate goes to the other output";
    Param::choice(name, &["gate", "latch"], 0, help)
}

impl Module for Bernoulli {
    const ABOUT: &'static About = &About {
        name: "bernoulli",
        title: "Bernoulli",
        summary: "Sends each gate to one of two outputs by chance: rhythms that vary",
        aliases: &["branches", "chance", "probability", "coin"],
        tags: &[Tag::Sequencing, Tag::Random, Tag::Polyphonic],
        inputs: &[
            port("in-1", "Gates for the first coin. On above 1 V"),
            port("in-2", "Gates for the second coin. Unpatched, it is a copy of in-1"),
            chance_in("chance-1"),
            chance_in("chance-2"),
        ],
        outputs: &[
            port("a-1", "Gates that the first coin sends to output a, 10 V"),
            port("b-1", "Gates that the first coin sends to output b, 10 V"),
            port("a-2", "Gates that the second coin sends to output a, 10 V"),
            port("b-2", "Gates that the second coin sends to output b, 10 V"),
        ],
        params: &[
            chance("chance-1"),
            chance("chance-2"),
            coin("coin-1"),
            coin("coin-2"),
            style("style-1"),
            style("style-2"),
        ],
        bypass: &[(IN_1, 0), (IN_2, 2)],
        keeps_time: true,
        ..About::BLANK
    };

    fn start(&mut self, seed: u64) {
        self.random = Random::new(seed);
    }

    fn forget(&mut self, channels: Range<usize>) {
        for coins in &mut self.coins {
            clear(coins, &channels);
        }
    }

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        let own = block.input(IN_2).is_patched();
        let inputs = [IN_1, if own { IN_2 } else { IN_1 }];
        let channels = inputs.map(|port| block.input(port).channels().max(1));
        for (n, channels) in channels.into_iter().enumerate() {
            block.output(2 * n).set_channels(channels);
            block.output(2 * n + 1).set_channels(channels);
        }
        for output in 0..2 * COINS {
            if !block.is_heard(output) {
                block.mute(output);
            }
        }
        // Frame by frame through all channels, so that however the frames are
        // cut chance is dealt out alike.
        for frame in block.frames() {
            for n in 0..COINS {
                let input = block.input(inputs[n]);
                each_group!(channels[n], |L, group| {
                    self.toss::<L>(block, n, input, group, frame, channels[n]);
                });
            }
        }
    }
}

impl Bernoulli {
    /// One frame of a coin.
    #[inline(always)]
    fn toss<L: Lane>(
        &mut self,
        block: &mut Block,
        n: usize,
        input: &Signal,
        group: usize,
        frame: usize,
        channels: usize,
    ) {
        let coins = &mut self.coins[n];
        let gate = coins.gates.follow(group, input.get::<L>(group, frame));
        if gate.rises.any() {
            let rises = gate.rises.keep(L::splat(1.0)).to_lanes();
            for channel in group * LANES..channels.min(group * LANES + LANES) {
                if rises[channel % LANES] != 0.0 {
                    let more = 0.1 * block.input(CHANCE_IN + n).at(channel, frame);
                    let chance = block.ramp(CHANCE + n).at(frame) + more;
                    let falls = self.random.unipolar() < chance;
                    coins.fall(channel, falls, block.choice(COIN + n) == TOGGLE);
                }
            }
        }
        let has_fallen = Mask::<L>::load(&coins.has_fallen, group);
        let is_latch = block.choice(STYLE + n) == LATCH;
        let is_on = if is_latch { has_fallen } else { has_fallen.and(gate.is_on) };
        let is_second = Mask::load(&coins.is_second, group);
        let sides = [is_on.and_not(is_second), is_on.and(is_second)];
        for side in 0..2 {
            if block.is_heard(2 * n + side) {
                let volts = sides[side].keep(L::splat(GATE_VOLTS));
                block.output(2 * n + side).put(group, frame, volts);
            }
        }
    }
}

impl Coins {
    #[inline(always)]
    fn fall(&mut self, channel: usize, falls_on_second: bool, toggles: bool) {
        let was_second = self.is_second[channel] != 0.0;
        let is_second = if toggles { was_second ^ falls_on_second } else { falls_on_second };
        self.is_second[channel] = f32::from(u8::from(is_second));
        self.has_fallen[channel] = 1.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::{Render, Rig};

    /// A gate comes every ten frames, and is on for four.
    fn rig() -> Rig {
        let mut rig = Rig::new::<Bernoulli>(1000.0);
        rig.feed("in-1", |_, frame| if frame % 10 < 4 { 10.0 } else { 0.0 });
        rig
    }

    fn heard(out: &Render, output: &str, at: usize) -> Vec<bool> {
        out.channel(output, 0).chunks(10).map(|gate| gate[at] == 10.0).collect()
    }

    #[test]
    fn every_gate_goes_one_way_and_as_often_as_its_chance() {
        let mut rig = rig();
        let out = rig.set("chance-1", 0.2).feed("chance-1", |_, _| 1.0).run(40_000);
        let (a, b) = (heard(&out, "a-1", 2), heard(&out, "b-1", 2));
        assert!(a.iter().zip(&b).all(|(a, b)| a != b));
        assert!(heard(&out, "a-1", 6).iter().all(|&is_on| !is_on));
        let count = b.iter().filter(|&&is_on| is_on).count();
        assert!((1110..1290).contains(&count), "{count} of 4000");
        // The second coin falls by itself, for the same gates.
        let both = b.iter().zip(heard(&out, "b-2", 2)).filter(|(one, two)| **one && *two).count();
        assert!((510..690).contains(&both), "{both}");
    }

    #[test]
    fn certain_chances_are_certain_and_toggling_alternates() {
        let mut rig = rig();
        let out = rig.set("chance-1", 1.0).set("chance-2", 1.0).choose("coin-2", "toggle").run(400);
        assert!(heard(&out, "b-1", 2).iter().all(|&is_on| is_on));
        let b = heard(&out, "b-2", 2);
        assert!(b[0] && b.windows(2).all(|pair| pair[0] != pair[1]));
    }

    #[test]
    fn a_latch_stays_until_the_coin_falls_the_other_way() {
        let mut rig = rig();
        let out = rig.choose("style-1", "latch").run(10_000);
        let (a, b) = (out.channel("a-1", 0), out.channel("b-1", 0));
        assert!(a.iter().zip(b).all(|(a, b)| a + b == 10.0));
        let changes: Vec<usize> = (1..a.len()).filter(|&n| a[n] != a[n - 1]).collect();
        assert!(changes.iter().all(|n| n % 10 == 0) && (400..600).contains(&changes.len()));
    }
}
