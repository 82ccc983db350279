//! Ctrl-C, whichever render is going on.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context;
use sostenuto_host::engine::EngineStatus;

use crate::cli::play::on_stop;

/// Whether this process was asked to stop.
#[derive(Clone, Default)]
pub struct Stop(Arc<Mutex<Stopping>>);

#[derive(Default)]
struct Stopping {
    is_asked: bool,
    /// Whose blocks may take long, and be waited for by nobody any more.
    current: Option<Arc<EngineStatus>>,
}

impl Stop {
    /// Listens from now on; to be called once.
    pub fn listen() -> anyhow::Result<Stop> {
        let (stop, asked) = (Stop::default(), on_stop()?);
        let own = stop.clone();
        let wait = move || {
            if asked.recv().is_ok() {
                own.lock().is_asked = true;
                own.pass_on();
            }
        };
        std::thread::Builder::new().name("stop".to_owned()).spawn(wait).context("no thread")?;
        Ok(stop)
    }

    /// Whether it was asked to.
    pub fn is_asked(&self) -> bool {
        self.lock().is_asked
    }

    /// From now on it is that engine that stops.
    pub fn follow(&self, engine: Arc<EngineStatus>) {
        self.lock().current = Some(engine);
        self.pass_on();
    }

    fn pass_on(&self) {
        let stopping = self.lock();
        if let Some(engine) = stopping.current.as_ref().filter(|_| stopping.is_asked) {
            engine.is_stopping.store(true, Relaxed);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Stopping> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
