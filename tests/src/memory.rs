//! Whether a worker's thread that computes asks for memory.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use dsp_worker::faults::{FaultPoints, Step};

thread_local! {
    static ASKED: Cell<u64> = const { Cell::new(0) };
}

/// The system's memory; counts how often each thread asks for some, or gives some
/// back.
pub struct Counting;

// SAFETY: the system's allocator, as it is: a count changes nothing of it.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        count();
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(at, layout) }
    }
}

fn count() {
    // A thread that ends has no count any more.
    let _ = ASKED.try_with(|asked| asked.set(asked.get() + 1));
}

/// Ends the program where its thread asks for memory between two points, from the
/// first of them on: that is all the time from its first block to its end.
pub struct Frugal<F> {
    inner: F,
    asked: Cell<Option<u64>>,
}

impl<F> Frugal<F> {
    /// What happens at the points themselves may take memory.
    pub fn new(inner: F) -> Frugal<F> {
        Frugal { inner, asked: Cell::new(None) }
    }
}

impl<F: FaultPoints> FaultPoints for Frugal<F> {
    fn needs_rights(&self) -> bool {
        self.inner.needs_rights()
    }

    fn reach(&self, step: Step, block: u32, job: u32) {
        let asked = ASKED.get();
        if self.asked.get().is_some_and(|before| before != asked) {
            eprintln!("A worker asked for memory before {step:?} in block {block}, job {job}");
            std::process::abort();
        }
        self.inner.reach(step, block, job);
        self.asked.set(Some(ASKED.get()));
    }
}
