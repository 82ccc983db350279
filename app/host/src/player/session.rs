//! What the next session will find: the journal hears of patches, of what modules
//! remember, and of those in quarantine.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use sostenuto_patch::{ModuleId, Patch};

use super::{Inner, Player, lock};
use crate::control::sound::KeepPatch;
use crate::journal::{Journal, Kept};
use crate::plan::Key;
use crate::plan::snapshot::{self, Snapshot};
use crate::pool::ladder::Rung;

/// How much of the sound the next session may be behind.
const SNAPSHOT_EVERY: Duration = Duration::from_secs(1);

impl Inner {
    /// Tells the journal until the end what modules remember, and which are left
    /// alone.
    pub(super) fn keep_session(&self, journal: &Journal) {
        while !self.status.is_stopping.load(Relaxed) {
            std::thread::park_timeout(SNAPSHOT_EVERY);
            journal.set_quarantined(&self.quarantined());
            if let Some(snapshot) = self.snapshot() {
                journal.keep_snapshot(&snapshot);
            }
        }
    }

    /// The modules whose code is left alone until it is tried again.
    fn quarantined(&self) -> BTreeSet<ModuleId> {
        let mut cases = self.pool.cases();
        cases.retain(|(_, case)| case.rung == Rung::Quarantine);
        let score = lock(&self.score);
        let is_left_alone = |(_, number): &(&Key, u32)| cases.iter().any(|case| case.0 == *number);
        let keys = score.conductor.numbers().filter(is_left_alone);
        let keys = keys.filter(|(key, _)| !key.0.is_leaving());
        keys.map(|(key, _)| key.0.clone()).collect()
    }

    /// What every module remembers at the start of some block.
    fn snapshot(&self) -> Option<Snapshot> {
        let (generation, places) = lock(&self.score).conductor.places();
        let copied = snapshot::copy(&self.shared, &places)?;
        // Of another plan's modules, some may have had this memory already.
        (lock(&self.score).conductor.places().0 == generation).then_some(copied)
    }
}

impl KeepPatch for Player {
    fn keep(&mut self, patch: &Patch) {
        if let Some(journal) = &self.inner.journal {
            journal.keep(patch.clone());
        }
    }

    fn kept(&self) -> Option<Kept> {
        self.inner.journal.as_ref().map(|journal| journal.kept())
    }
}
