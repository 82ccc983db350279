//! Points of a worker's work at which a test may let it die. The worker that
//! ships has `()` there, which is nothing: the code is in the test's worker only.

/// Where a worker is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// It has heard of a block, and holds nothing.
    Idle,
    /// It is about to enter a job.
    BeforeClaim,
    /// It has written some of a job's outputs and state. Once a quantum.
    MidWrite,
    /// It has written everything, and is about to stamp.
    BeforeStamp,
    /// It has set a stamp, and is about to ring.
    AfterStamp,
    /// It has said that its slot is done, and is about to ring.
    AfterDone,
}

/// What happens at these points.
pub trait FaultPoints {
    /// A worker comes by. `job` is an index of the plan, or
    /// [`FINISHING`](shm_ring::layout::FINISHING).
    fn reach(&self, step: Step, block: u32, job: u32);

    /// Whether the system is called at these points: then the worker keeps its
    /// [`rights`](crate::rights).
    fn needs_rights(&self) -> bool {
        false
    }
}

impl FaultPoints for () {
    #[inline(always)]
    fn reach(&self, _: Step, _: u32, _: u32) {}
}
