//! The way to the sound cards, and from them: the engine's thread fills the ring,
//! the settings choose who empties it, and Audio In decides who is listened to.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use dsp_worker::thread::ask_for_real_time;
use sostenuto_dsp::units::MAX_BLOCK_FRAMES;
use sostenuto_modules::module::Role;
use sostenuto_osc::message::device::Card;
use sostenuto_osc::message::sound::{InputSetup, SoundChange, SoundSetup};
use sostenuto_patch::Patch;

use super::score::Score;
use super::{Inner, Player, lock};
use crate::control::sound::ChangeSound;
use crate::engine::outlet::Feed;
use crate::engine::tap::TapSender;
use crate::engine::{Engine, Frame};
use crate::recorder::{Recorder, Remote};
use crate::sound_card::device::{self, Output, OutputState, Setting};
use crate::sound_card::ear::{self, Input, Wanted};

impl Inner {
    /// \[rt\] Keeps the ring as full as it is to be.
    pub(super) fn play(&self, mut engine: Engine, mut feed: Feed, mut sender: TapSender) {
        if !ask_for_real_time(self.pace.block_frames(), self.pace.sample_rate_hz()) {
            tracing::info!("the engine does not run in real time: the system does not let it");
        }
        let mut room: Vec<Frame> = vec![[0.0; 2]; MAX_BLOCK_FRAMES];
        while !self.status.is_stopping.load(Relaxed) {
            feed.follow();
            let seen = feed.turns();
            self.status.xruns.fetch_add(u64::from(feed.new_xruns()), Relaxed);
            let block = &mut room[..engine.block_frames()];
            // Its own block: that of the pace may be of a plan that is to come.
            let block_frames = block.len() as u32;
            self.pace.set_card_frames(match feed.at_once_frames() {
                // Until the card has asked.
                0 => block_frames,
                frames => frames,
            });
            if feed.filled() + block.len() > self.pace.ring_frames(block_frames) {
                // The sound card wakes it.
                feed.wait(seen, Duration::from_millis(50));
                continue;
            }
            if !engine.block(block) {
                return;
            }
            // Not before: the clock may go on at another sample rate.
            let frame = self.status.frame.load(Relaxed) - block.len() as u64;
            feed.push(block);
            let nanos = self.status.block_nanos.load(Relaxed);
            sender.push(frame, engine.sample_rate_hz(), nanos, block);
        }
    }

    /// Kills the process of the sound card.
    pub(super) fn kill_card(&self) {
        if let Some(card) = &*lock(&self.card) {
            card.kill();
        }
    }

    /// How full the ring is at most: what the card takes at once, and what is
    /// computed ahead of it.
    pub(super) fn ring_frames(&self) -> usize {
        self.pace.ring_frames(self.pace.block_frames())
    }

    pub(super) fn latency_secs(&self) -> f32 {
        let frames = self.ring_frames() + self.pace.card_frames() as usize;
        frames as f32 / self.pace.sample_rate_hz() as f32
    }

    /// Opens the sound card that is wanted, at the pace that there is.
    pub(super) fn open_card(&self) {
        let (rate, frames) = (self.pace.sample_rate_hz(), self.pace.block_frames());
        if let Some(card) = &*lock(&self.card) {
            card.play(Setting {
                output: lock(&self.output).clone(),
                sample_rate_hz: rate,
                block_frames: frames,
            });
        }
    }

    /// Listens to the input where the patch that plays hears it, and else not.
    pub(super) fn sync_input(&self, score: &Score) {
        let hears = |patch: &Patch| {
            let mut modules = patch.modules.values();
            modules.any(|module| module.has_role(Role::AudioIn) && module.text.is_empty())
        };
        let input = lock(&self.input).clone();
        let is_wanted = input != Input::Nothing && score.conductor.now().is_some_and(hears);
        let wanted = is_wanted.then(|| Wanted {
            input,
            sample_rate_hz: self.pace.sample_rate_hz(),
            block_frames: self.pace.block_frames(),
        });
        if let Some((ear, told)) = &mut *lock(&self.ear)
            && *told != wanted
        {
            ear.listen(wanted.clone());
            *told = wanted;
        }
    }
}

impl ChangeSound for Player {
    fn recorder(&self) -> Option<Remote> {
        self.recorder.as_ref().map(Recorder::remote)
    }

    fn setup(&self) -> SoundSetup {
        let inner = &self.inner;
        let error = match &lock(&inner.device).0 {
            OutputState::Playing(_) => None,
            OutputState::Silent(error) => Some(error.clone()),
        };
        SoundSetup {
            device: lock(&inner.output).id().to_owned(),
            sample_rate_hz: inner.pace.sample_rate_hz(),
            block_frames: inner.pace.block_frames(),
            ahead: inner.pace.ahead(),
            latency_secs: inner.latency_secs(),
            error,
        }
    }

    fn input(&self) -> InputSetup {
        let inner = &self.inner;
        let flow = inner.input_feed.flow();
        let (card, error) = match lock(&inner.hearing).clone() {
            ear::InputState::Resting => (String::new(), None),
            ear::InputState::Listening(card) => (card, None),
            ear::InputState::Deaf(error) => (String::new(), Some(error)),
        };
        let waiting = flow.waiting_frames() + inner.pace.block_frames();
        InputSetup {
            input: lock(&inner.input).id().to_owned(),
            card,
            latency_secs: waiting as f32 / inner.pace.sample_rate_hz() as f32
                + inner.latency_secs(),
            slips: flow.slips(),
            error,
        }
    }

    fn change_setup(&mut self, change: &SoundChange) {
        let inner = &self.inner;
        if let Some(ahead) = change.ahead {
            inner.pace.set_ahead(ahead);
        }
        if let Some(device) = &change.device {
            *lock(&inner.output) = Output::of(device);
        }
        if let Some(input) = &change.input {
            self.listen_to(Input::of(input));
        }
        let mut score = lock(&inner.score);
        let now = (inner.pace.sample_rate_hz(), inner.pace.block_frames());
        // What was wanted a moment ago, and does not play yet, is wanted still.
        let (rate, frames) = score.wanted_pace.unwrap_or(now);
        let rate = change.sample_rate_hz.unwrap_or(rate);
        let frames = change.block_frames.unwrap_or(frames);
        let is_other_pace = (rate, frames) != now || score.is_going_over;
        score.wanted_pace = is_other_pace.then_some((rate, frames));
        drop(score);
        inner.changed.notify_all();
        // The planner opens it, too, where it changes the pace.
        if change.device.is_some() && !is_other_pace {
            inner.open_card();
        }
    }

    fn devices() -> (Vec<Card>, Vec<Card>) {
        device::list()
    }
}
