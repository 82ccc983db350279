//! What plays, and what is wanted instead.

use std::collections::BTreeSet;

use sostenuto_modules::module::Event;
use sostenuto_patch::{ModuleId, Name, Patch};

use crate::conductor::Conductor;
use crate::journal::Ticket;
use crate::plan::Key;
use crate::plan::clips::Source;

/// What plays, and what is wanted instead.
pub(super) struct Score {
    pub conductor: Conductor,
    pub wanted: Option<Coming>,
    /// What the journal calls it.
    pub ticket: Ticket,
    /// What was wanted, on its way to the disk.
    pub waiting: Option<Coming>,
    /// Sounds that are to be read for modules.
    pub unread: BTreeSet<Source>,
    /// Some were read, and no plan has them yet.
    pub has_new_clips: bool,
    /// What happened to modules that the plan which plays does not have yet.
    pub early: Vec<(ModuleId, Option<Name>, Early)>,
    /// Everything is to be let go.
    pub wants_rest: bool,
    /// The sample rate and the block that are wanted, where others play.
    pub wanted_pace: Option<(u32, u32)>,
    /// What happens to modules now has to wait for the next plan.
    pub is_going_over: bool,
    pub is_closing: bool,
}

/// A patch that is to play.
pub(super) struct Coming {
    pub patch: Patch,
    /// Whether it is another patch, and not an edit of the one that plays.
    pub is_another: bool,
}

/// What happened to a module that does not play yet.
#[derive(Clone, Copy, Debug)]
pub(super) enum Early {
    Event(Event),
    /// A switch was thrown: a param, by its index, and where it is now.
    Switch(usize, f32),
}

impl Score {
    pub fn new(conductor: Conductor) -> Score {
        Score {
            conductor,
            wanted: None,
            ticket: Ticket::default(),
            waiting: None,
            unread: BTreeSet::new(),
            has_new_clips: false,
            early: Vec::new(),
            wants_rest: false,
            wanted_pace: None,
            is_going_over: false,
            is_closing: false,
        }
    }

    /// Replays events that came before their module.
    pub fn play_early(&mut self) {
        if self.is_parting() {
            return;
        }
        for (module, kind, early) in std::mem::take(&mut self.early) {
            // Its name may be another kind's, before it or again.
            let key = self.conductor.key(&module);
            let key = key.filter(|key| kind.as_ref().is_none_or(|kind| *kind == key.1));
            let is_heard = key.is_some_and(|key| match early {
                Early::Event(event) => self.conductor.event(&key, event),
                Early::Switch(param, value) => self.conductor.set_param(&key, param, value),
            });
            if !is_heard && self.wanted.is_some() {
                self.early.push((module, kind, early));
            }
        }
    }

    /// A module of the newest patch. Its name may have been another kind's until
    /// now, with other params.
    pub fn key(&self, module: &ModuleId) -> Option<Key> {
        let coming = self.wanted.iter().chain(&self.waiting);
        let mut found = coming.filter_map(|wanted| wanted.patch.modules.get(module));
        let key = found.next().map(|found| (module.clone(), found.kind.clone()));
        key.or_else(|| self.conductor.key(module))
    }

    /// Whether the patch that plays is about to leave for another.
    pub fn is_parting(&self) -> bool {
        self.wanted.iter().chain(&self.waiting).any(|wanted| wanted.is_another)
    }

    pub fn want(&mut self, patch: Patch, is_another: bool) {
        let is_another = is_another || self.wanted.as_ref().is_some_and(|was| was.is_another);
        self.wanted = Some(Coming { patch, is_another });
    }
}
