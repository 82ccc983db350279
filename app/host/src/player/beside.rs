//! What a player does beside the sound, for modules that need their host: it
//! reads sounds, writes recordings, sends OSC. The engine waits for none of it.

use std::collections::BTreeMap;
use std::sync::PoisonError;
use std::sync::atomic::Ordering::{Acquire, Relaxed};
use std::time::{Duration, Instant};

use shm_ring::sync::{AtomicU32, Ordering};
use sostenuto_modules::catalog::CATALOG;
use sostenuto_modules::module::Role;
use sostenuto_patch::ModuleId;

use super::{Inner, lock};
use crate::control::osc_out::{self, Post, SHOWN};
use crate::notice::Notice;
use crate::permits;
use crate::plan::Key;
use crate::plan::clips::{self, Put, Source};
use crate::recorder::ModuleTakes;
use crate::sound_writer::Container;

/// Between two looks at what Recorders have recorded.
const WRITE: Duration = Duration::from_millis(20);

/// Between two looks at what is to be sent.
const SEND: Duration = Duration::from_millis(2);

/// The same where nobody sends.
const SEND_SELDOM: Duration = Duration::from_millis(50);

/// The OSC Outs of a plan: where each shows its numbers, and who sends them.
type Posts = BTreeMap<ModuleId, (usize, Post)>;

impl Inner {
    /// Writes what Recorders record until the end.
    pub(super) fn write_takes(&self, mut takes: ModuleTakes, tell: &dyn Fn(Notice)) {
        let name = |number: u32| {
            let score = lock(&self.score);
            let mut numbers = score.conductor.numbers();
            let key = numbers.find(|(_, other)| *other == number).map(|(key, _)| key);
            let name = key.map_or("recorder", |(id, _)| id.own_name()).to_owned();
            let module = key
                .zip(score.conductor.now())
                .and_then(|((id, _), patch)| patch.modules.get(id.as_str()));
            let is_flac = module.and_then(|module| module.param("file")).is_some_and(|at| at > 0.0);
            (name, if is_flac { Container::Flac } else { Container::Wav })
        };
        while !self.status.is_stopping.load(Relaxed) {
            takes.allow(lock(&self.may).records);
            let told = takes.write(self.status.frame.load(Relaxed), name);
            told.into_iter().for_each(tell);
            std::thread::park_timeout(WRITE);
        }
        let told = takes.end(self.status.frame.load(Relaxed), name);
        told.into_iter().for_each(tell);
    }

    /// Sends what OSC Outs show until the end.
    pub(super) fn send_osc(&self, tell: &dyn Fn(Notice)) {
        let sockets = match osc_out::Sockets::open() {
            Ok(sockets) => sockets,
            Err(error) => return tell(Notice::OscOutUnavailable { error: error.to_string() }),
        };
        let (mut posts, mut known) = (BTreeMap::new(), 0);
        while !self.status.is_stopping.load(Relaxed) {
            // Acquire: with the generation comes the plan whose modules these are.
            let generation = self.status.generation.load(Acquire);
            if generation != known {
                posts = self.posts(posts);
                known = generation;
            }
            let now = Instant::now();
            let may_send = |post: &Post| {
                permits::receiver(post.text()).is_none_or(|to| lock(&self.may).may_send(to))
            };
            for (offset, post) in posts.values_mut().filter(|(_, post)| may_send(post)) {
                let Some(shown) = self.shown(*offset) else { continue };
                // By now its memory may be another module's.
                if self.status.generation.load(Acquire) != generation {
                    break;
                }
                if let Err(notice) = post.send(&sockets, &shown, now) {
                    tell(notice);
                }
            }
            std::thread::park_timeout(if posts.is_empty() { SEND_SELDOM } else { SEND });
        }
    }

    /// The OSC Outs of the plan that plays; those that send already go on.
    fn posts(&self, mut old: Posts) -> Posts {
        let score = lock(&self.score);
        let (Some(plan), Some(patch)) = (score.conductor.plan(), score.conductor.now()) else {
            return BTreeMap::new();
        };
        let post = |(key, &index): (&Key, &usize)| {
            let planned = &plan.tables.modules[index];
            let about = CATALOG[planned.kind as usize].about;
            let module = patch.modules.get(&key.0).filter(|_| about.role == Some(Role::OscOut))?;
            let offset = planned.memory as usize + self.layouts[planned.kind as usize].display;
            let old = old.remove(&key.0).map(|(_, post)| post);
            let post = old.filter(|post| *post.text() == module.text);
            let post = post.unwrap_or_else(|| Post::new(module.text.clone()));
            Some((key.0.clone(), (offset, post)))
        };
        plan.modules.iter().filter_map(post).collect()
    }

    fn shown(&self, offset: usize) -> Option<[f32; SHOWN]> {
        let cells: &[AtomicU32] = self.shared.arena.records(offset, SHOWN)?;
        Some(std::array::from_fn(|n| f32::from_bits(cells[n].load(Ordering::Relaxed))))
    }

    /// Reads sounds until the end. Edits do not wait for it.
    pub(super) fn read_sounds(&self, tell: &dyn Fn(Notice)) {
        let mut score = lock(&self.score);
        loop {
            if score.is_closing {
                return;
            }
            let Some(source) = score.unread.pop_first() else {
                score = self.changed.wait(score).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            drop(score);
            let put = self.put_clip(&source);
            score = lock(&self.score);
            score.conductor.clips().keep(source, put);
            let complaints = score.conductor.clips().take_complaints();
            complaints.into_iter().for_each(|complaint| tell(Notice::Clip(complaint)));
            score.has_new_clips = true;
            self.changed.notify_all();
        }
    }

    /// Reads a sound and puts it into memory of its own.
    fn put_clip(&self, source: &Source) -> Put {
        let made = clips::make(source).map_err(|error| error.to_string())?;
        let room = lock(&self.score).conductor.room_for(&made);
        let span = room.map_err(clips::too_large)?;
        clips::write(&self.shared.arena, &span, &made).map_err(clips::too_large)?;
        Ok((span, made.notices(&source.1)))
    }
}
