//! What a [`Control`](super::Control) asks of whatever makes its patch heard. It
//! is called with the patch locked, so it hands over and returns.

use sostenuto_modules::module::Event;
use sostenuto_osc::message::device::Card;
use sostenuto_osc::message::sound::{InputSetup, SoundChange, SoundSetup};
use sostenuto_osc::message::status::{Killed, Status};
use sostenuto_osc::message::view::View;
use sostenuto_patch::{ModuleId, Patch};

use crate::journal::Kept;
use crate::permits::Outside;
use crate::recorder::Remote;

/// All of it.
pub trait Sound: PlayPatch + KeepPatch + ReportSound + ChangeSound + KillWorkers {}

impl<S: PlayPatch + KeepPatch + ReportSound + ChangeSound + KillWorkers> Sound for S {}

/// Plays a patch, and what hands do to it.
pub trait PlayPatch {
    /// Modules or cables changed: a new plan is needed, with the params as
    /// they stand in this patch.
    fn patch_changed(&mut self, patch: &Patch);
    /// Another patch plays from now on. None of its modules goes on from one of the
    /// patch before, whatever it is called.
    fn patch_replaced(&mut self, patch: &Patch) {
        self.patch_changed(patch);
    }
    /// A param was turned, by its index in the catalogue. The plan stays.
    fn param_changed(&mut self, module: &ModuleId, param: usize, value: f32);
    /// A key was pressed or released. The module is one that is played.
    fn event(&mut self, module: &ModuleId, event: Event);
    /// Tails are cut, and everything held is released.
    fn panic(&mut self) {}
    /// What the patch may do outside this program from now on. Before this, nothing.
    fn allow(&mut self, _may: &Outside) {}
    /// A module that rests or is in quarantine is to be tried again. Whether
    /// there was any need.
    fn try_again(&mut self, module: &ModuleId) -> bool;
}

/// Keeps what must outlive this process.
pub trait KeepPatch {
    /// Something changed that asks for no new plan. This is the whole patch.
    fn keep(&mut self, _patch: &Patch) {}
    /// How far what it was given would outlive this process. `None` where
    /// nothing does.
    fn kept(&self) -> Option<Kept> {
        None
    }
}

/// Says how the sound is doing.
pub trait ReportSound {
    /// Numbers and states of host, workers and modules.
    fn status(&self) -> Status;
    /// What every module shows on its face.
    fn meters(&self) -> Vec<(ModuleId, Vec<f32>)>;
    /// Another number for every other view.
    fn view_number(&self) -> u32 {
        0
    }
    /// What the last block took of its time, and how many blocks were late so far.
    fn load(&self) -> (f32, u64) {
        (0.0, 0)
    }
    /// The modules that took the largest shares of the last block's time, the largest
    /// first.
    fn heaviest(&self) -> Vec<(ModuleId, f32)> {
        Vec::new()
    }
    /// Where modules lie in shared memory. `None` where nobody can look there.
    fn view(&self) -> Option<View> {
        None
    }
}

/// Goes through sound cards and into files.
pub trait ChangeSound {
    /// The recorder, where there is one.
    fn recorder(&self) -> Option<Remote> {
        None
    }
    /// How the patch is played.
    fn setup(&self) -> SoundSetup {
        SoundSetup::default()
    }
    /// What Audio In listens to.
    fn input(&self) -> InputSetup {
        InputSetup::default()
    }
    /// Changes either.
    fn change_setup(&mut self, _change: &SoundChange) {}
    /// The outputs of this machine, and its inputs. This takes time, and no lock.
    fn devices() -> (Vec<Card>, Vec<Card>)
    where
        Self: Sized,
    {
        Default::default()
    }
}

/// Kills workers on request: nobody should hear it.
pub trait KillWorkers {
    /// Kills a worker that has work: of that slot, or any. Whether there is one.
    fn kill(&mut self, _slot: Option<usize>) -> bool {
        false
    }
    /// Those who were killed so, and whose work is done by others now.
    fn killed(&mut self) -> Vec<Killed> {
        Vec::new()
    }
}
