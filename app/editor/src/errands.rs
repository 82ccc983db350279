//! Slow work, done by a thread beside the window: no frame waits for a disk.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

type Errand<T> = Box<dyn FnOnce() -> Option<T> + Send>;

/// A thread that runs errands in order, and what came of them.
pub struct Errands<T> {
    orders: Sender<Errand<T>>,
    news: Receiver<T>,
}

impl<T: Send + 'static> Errands<T> {
    /// A thread that calls `wake` whenever it has something to tell.
    pub fn new(name: &str, wake: impl Fn() + Send + 'static) -> Errands<T> {
        let (orders, inbox) = channel::<Errand<T>>();
        let (outbox, news) = channel();
        let run = move || {
            for errand in inbox {
                let Some(told) = errand() else { continue };
                if outbox.send(told).is_err() {
                    return;
                }
                wake();
            }
        };
        // Without a thread the errands are lost, and nothing is heard of them.
        if let Err(error) = thread::Builder::new().name(name.to_owned()).spawn(run) {
            tracing::warn!("no thread for {name}: {error}");
        }
        Errands { orders, news }
    }

    /// Has it done after everything that was asked before.
    pub fn send(&self, errand: impl FnOnce() -> Option<T> + Send + 'static) {
        // It fails where there is no thread, which was said then.
        _ = self.orders.send(Box::new(errand));
    }

    /// What came of the errands since the last time, oldest first.
    pub fn news(&self) -> impl Iterator<Item = T> {
        self.news.try_iter()
    }

    /// Waits for what comes of the next errand.
    #[cfg(test)]
    pub fn wait(&self) -> T {
        self.news.recv().expect("the thread lives as long as its orders")
    }
}
