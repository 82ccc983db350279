//! The planner's thread: makes plans of edits, and goes over to them.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::{MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sostenuto_patch::Patch;

use super::score::Score;
use super::{Inner, lock};
use crate::conductor::{PlanError, Preparation};
use crate::notice::Notice;
use crate::pool::watchdog::Patience;

/// How long an edit waits for the disk, before it is played without.
const DISK_PATIENCE: Duration = Duration::from_secs(1);

/// How long a fade before another sample rate is waited for.
const FADE_PATIENCE: Duration = Duration::from_secs(2);

/// How long a sound card may take to open before the sound comes back in any
/// case.
const CARD_PATIENCE: Duration = Duration::from_secs(5);

/// The part of a block's time that a patch may take if another is to play beside
/// it for a moment.
const MOST_LOAD: f64 = 0.5;

/// Between two looks at what the engine has done.
const LOOK: Duration = Duration::from_millis(2);

impl Inner {
    /// Makes plans of edits until the end.
    pub(super) fn follow_edits(&self, tell: &dyn Fn(Notice)) {
        let mut score = lock(&self.score);
        loop {
            score = self.wait_until_taken_up(score);
            if score.is_closing {
                return;
            }
            score.conductor.settle();
            if let Some(journal) = &self.journal {
                journal.taken_up(score.conductor.patch());
            }
            if !score.conductor.is_passing()
                && let Some(pace) = score.wanted_pace.take()
            {
                score = self.change_pace(score, pace, tell);
                continue;
            }
            if !score.conductor.is_passing() && std::mem::take(&mut score.wants_rest) {
                score = self.come_to_rest(score, tell);
                continue;
            }
            if !score.conductor.is_passing() && score.wanted.is_none() && !score.has_new_clips {
                let is_idle = |score: &Score| {
                    score.wanted.is_none()
                        && score.wanted_pace.is_none()
                        && !score.has_new_clips
                        && !score.wants_rest
                };
                let idle = |score: &mut Score| is_idle(score) && !score.is_closing;
                score =
                    self.changed.wait_while(score, idle).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            score = self.wait_until_kept(score);
            score.has_new_clips = false;
            if score.waiting.as_ref().is_some_and(|wanted| wanted.is_another) {
                score = self.go_over(score, tell);
            } else {
                let waiting = score.waiting.take().map(|wanted| wanted.patch);
                let next = waiting.or_else(|| score.conductor.patch()).unwrap_or_default();
                match score.conductor.begin(&next) {
                    // Meanwhile knobs are turned.
                    Ok(preparation) => score = self.commit(score, preparation),
                    Err(error) => tell(refused(&error)),
                }
            }
            score.play_early();
            self.sync_input(&score);
            let complaints = score.conductor.clips().take_complaints();
            complaints.into_iter().for_each(|complaint| tell(Notice::Clip(complaint)));
            let unread = score.conductor.clips().take_unread();
            if !unread.is_empty() {
                score.unread.extend(unread);
                self.changed.notify_all();
            }
        }
    }

    /// Goes over to the other patch that waits. Both play for a moment, and cross;
    /// where they do not fit side by side, one after the other.
    fn go_over<'a>(
        &'a self,
        mut score: MutexGuard<'a, Score>,
        tell: &dyn Fn(Notice),
    ) -> MutexGuard<'a, Score> {
        // What happens to modules of the new patch has to wait for it.
        score.is_going_over = true;
        let block_nanos = self.status.block_nanos.load(Relaxed);
        let is_busy = f64::from(block_nanos) * 1e-9 > MOST_LOAD * self.pace.block().as_secs_f64();
        let both = score.waiting.take_if(|_| !is_busy).and_then(|wanted| {
            let begun = score.conductor.begin_other(&wanted.patch);
            begun.map_err(|_| score.waiting = Some(wanted)).ok()
        });
        score = match both {
            Some(preparation) => self.commit(score, preparation),
            None => self.go_over_in_silence(score, tell),
        };
        score.is_going_over = false;
        score
    }

    /// Fades out, gives back all memory, and fades in with the patch that waits.
    fn go_over_in_silence<'a>(
        &'a self,
        mut score: MutexGuard<'a, Score>,
        tell: &dyn Fn(Notice),
    ) -> MutexGuard<'a, Score> {
        let before = score.conductor.patch().unwrap_or_default();
        score = self.fade_out(score);
        // First the way to nothing, then nothing.
        for _ in 0..2 {
            if score.is_closing {
                return score;
            }
            match score.conductor.begin(&Patch::default()) {
                Ok(preparation) => score = self.commit(score, preparation),
                Err(error) => tell(refused(&error)),
            }
            score = self.wait_until_taken_up(score);
            score.conductor.settle();
        }
        let next = score.waiting.take().map_or_else(|| before.clone(), |wanted| wanted.patch);
        let begun = score.conductor.begin(&next).or_else(|error| {
            tell(refused(&error));
            score.conductor.begin(&before)
        });
        if let Ok(preparation) = begun {
            score = self.commit(score, preparation);
        }
        score.conductor.mute(false);
        score
    }

    /// Goes over to another block, which nobody hears, or to another sample rate,
    /// which takes a short silence.
    fn change_pace<'a>(
        &'a self,
        mut score: MutexGuard<'a, Score>,
        (rate, frames): (u32, u32),
        tell: &dyn Fn(Notice),
    ) -> MutexGuard<'a, Score> {
        let is_other_rate = rate != self.pace.sample_rate_hz();
        if is_other_rate {
            score.is_going_over = true;
            score = self.fade_out(score);
        }
        let begun = score.conductor.set_block_frames(frames).and_then(|()| {
            if is_other_rate {
                return score.conductor.begin_at_rate(rate);
            }
            let patch = score.conductor.patch().unwrap_or_default();
            score.conductor.begin(&patch)
        });
        match begun {
            Ok(preparation) => {
                score = self.commit(score, preparation);
                self.pace.set(rate, frames);
                self.pool.set_patience(Patience::live(self.pace.block()));
                let said = lock(&self.device).1;
                self.open_card();
                self.sync_input(&score);
                if is_other_rate && lock(&self.card).is_some() {
                    let is_open = || lock(&self.device).1 != said;
                    (score, _) = self.wait_until(score, CARD_PATIENCE, is_open);
                }
            }
            Err(error) => {
                // Less memory than there was is always there.
                let _ = score.conductor.set_block_frames(self.pace.block_frames());
                tell(Notice::SoundSettingsRefused { error: error.to_string() });
            }
        }
        if is_other_rate {
            score.is_going_over = false;
            score.conductor.mute(false);
        }
        score.play_early();
        score
    }

    /// Fades out, has begin anew what rings or is held, and fades in.
    fn come_to_rest<'a>(
        &'a self,
        mut score: MutexGuard<'a, Score>,
        tell: &dyn Fn(Notice),
    ) -> MutexGuard<'a, Score> {
        score.conductor.mute(true);
        score.is_going_over = true;
        let is_silent = || self.status.silent_from.load(Relaxed) != 0;
        (score, _) = self.wait_until(score, FADE_PATIENCE, is_silent);
        match score.conductor.begin_at_rest() {
            Ok(preparation) => score = self.commit(score, preparation),
            Err(error) => tell(Notice::PanicRefused { error: error.to_string() }),
        }
        score.is_going_over = false;
        score.conductor.mute(false);
        score.play_early();
        score
    }

    /// Fades out, and waits until what was computed before the silence has been
    /// played.
    fn fade_out<'a>(&'a self, mut score: MutexGuard<'a, Score>) -> MutexGuard<'a, Score> {
        score.conductor.mute(true);
        let is_over = || {
            let silent_from = self.status.silent_from.load(Relaxed);
            let frame = self.status.frame.load(Relaxed);
            silent_from != 0 && frame >= silent_from + self.ring_frames() as u64
        };
        self.wait_until(score, FADE_PATIENCE, is_over).0
    }

    /// Has workers make themselves ready, with the score unlocked, and goes over to
    /// the plan that was begun.
    fn commit<'a>(
        &'a self,
        score: MutexGuard<'a, Score>,
        preparation: Preparation,
    ) -> MutexGuard<'a, Score> {
        drop(score);
        preparation.wait();
        let mut score = lock(&self.score);
        score.conductor.commit();
        score
    }

    /// Waits, with the score unlocked, until something is so. False where it was
    /// not in time.
    fn wait_until<'a>(
        &'a self,
        mut score: MutexGuard<'a, Score>,
        timeout: Duration,
        is_so: impl Fn() -> bool,
    ) -> (MutexGuard<'a, Score>, bool) {
        let end = Instant::now() + timeout;
        while !score.is_closing && !is_so() {
            if Instant::now() > end {
                return (score, false);
            }
            // The engine is real-time and wakes nobody.
            let wait = self.changed.wait_timeout(score, LOOK);
            score = wait.unwrap_or_else(PoisonError::into_inner).0;
        }
        (score, true)
    }

    /// What is wanted comes to the disk before a plan is made of it: if that
    /// plan ends this program, the next start knows which it was.
    fn wait_until_kept<'a>(&'a self, mut score: MutexGuard<'a, Score>) -> MutexGuard<'a, Score> {
        score.waiting = score.wanted.take();
        if let (Some(journal), true) = (&self.journal, score.waiting.is_some()) {
            let ticket = score.ticket;
            drop(score);
            journal.wait(ticket, DISK_PATIENCE);
            score = lock(&self.score);
        }
        score
    }

    fn wait_until_taken_up<'a>(&self, mut score: MutexGuard<'a, Score>) -> MutexGuard<'a, Score>
    where
        Self: 'a,
    {
        while !score.is_closing && !score.conductor.is_taken_up() {
            // The engine is real-time and wakes nobody; a block is not long.
            let nap = self.pace.block().max(Duration::from_millis(1));
            let wait = self.changed.wait_timeout(score, nap);
            score = wait.unwrap_or_else(PoisonError::into_inner).0;
        }
        score
    }
}

fn refused(error: &PlanError) -> Notice {
    Notice::PatchRefused { error: error.to_string() }
}
