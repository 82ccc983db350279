//! What a process leaves behind of itself when it dies by its own fault.

use crate::sync::{AtomicU32, AtomicU64, Ordering};

/// The longest text, in bytes. What is longer is cut.
pub const TEXT_BYTES: usize = 960;

/// Words that a worker leaves on its own page, to be read when it is dead.
/// Nobody else writes it.
///
/// The worker writes it from inside of a signal handler: there is nothing here
/// but loads and stores.
#[repr(C, align(64))]
pub struct LastWords {
    /// The process whose words these are.
    pid: AtomicU32,
    /// [`Fault::signal`], set before the rest of it. 0: none yet.
    signal: AtomicU32,
    /// [`Fault::code`], as bits.
    code: AtomicU32,
    /// Length of the text. 0: none yet.
    text_bytes: AtomicU32,
    address: AtomicU64,
    instruction: AtomicU64,
    program: AtomicU64,
    unused: [AtomicU64; 3],
    text: [AtomicU32; TEXT_BYTES / 4],
}

/// What the system found wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fault {
    /// Its number for the kind of fault: a signal, or an exception's code.
    pub signal: u32,
    /// What it says more of that.
    pub code: i32,
    /// The memory that was not to be touched.
    pub address: u64,
    /// Where the instruction lies that did it.
    pub instruction: u64,
}

/// The last words of one process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// What the system found wrong.
    pub fault: Option<Fault>,
    /// Where the program lies in memory that [`Fault::instruction`] is in.
    pub program: u64,
    /// What the program itself had to say.
    pub text: String,
}

impl LastWords {
    /// Nobody's.
    pub fn new() -> LastWords {
        LastWords {
            pid: AtomicU32::new(0),
            signal: AtomicU32::new(0),
            code: AtomicU32::new(0),
            text_bytes: AtomicU32::new(0),
            address: AtomicU64::new(0),
            instruction: AtomicU64::new(0),
            program: AtomicU64::new(0),
            unused: std::array::from_fn(|_| AtomicU64::new(0)),
            text: std::array::from_fn(|_| AtomicU32::new(0)),
        }
    }

    /// A process that has nothing to say yet, but where its program lies.
    pub fn begin(&self, pid: u32, program: u64) {
        self.signal.store(0, Ordering::Relaxed);
        self.text_bytes.store(0, Ordering::Relaxed);
        self.program.store(program, Ordering::Relaxed);
        // Release: who reads this pid reads no words of another.
        self.pid.store(pid, Ordering::Release);
    }

    /// Says what went wrong; the first word counts. To be called from a signal
    /// handler. Real-time safe.
    pub fn fault(&self, fault: Fault) {
        let (none, relaxed) = (0, Ordering::Relaxed);
        if self.signal.compare_exchange(none, fault.signal, relaxed, relaxed).is_err() {
            return;
        }
        self.code.store(fault.code as u32, Ordering::Relaxed);
        self.address.store(fault.address, Ordering::Relaxed);
        self.instruction.store(fault.instruction, Ordering::Relaxed);
    }

    /// Says it in words; the first count. To be called from a signal handler.
    /// Real-time safe.
    pub fn text(&self, text: &[u8]) {
        if self.text_bytes.load(Ordering::Relaxed) != 0 {
            return;
        }
        let text = &text[..text.len().min(TEXT_BYTES)];
        for (word, bytes) in self.text.iter().zip(text.chunks(4)) {
            let mut whole = [0; 4];
            whole[..bytes.len()].copy_from_slice(bytes);
            word.store(u32::from_le_bytes(whole), Ordering::Relaxed);
        }
        // Release: who reads a length reads that much text.
        self.text_bytes.store(text.len() as u32, Ordering::Release);
    }

    /// What a process has left, once it is dead. `None` where it said nothing.
    pub fn read(&self, pid: u32) -> Option<Said> {
        // Acquire: the partner of the Release in `begin`.
        if self.pid.load(Ordering::Acquire) != pid {
            return None;
        }
        let signal = self.signal.load(Ordering::Relaxed);
        let fault = Fault {
            signal,
            code: self.code.load(Ordering::Relaxed) as i32,
            address: self.address.load(Ordering::Relaxed),
            instruction: self.instruction.load(Ordering::Relaxed),
        };
        let said = Said {
            fault: (signal != 0).then_some(fault),
            program: self.program.load(Ordering::Relaxed),
            text: self.read_text(),
        };
        (signal != 0 || !said.text.is_empty()).then_some(said)
    }

    fn read_text(&self) -> String {
        // Acquire: the partner of the Release in `text`.
        let length = self.text_bytes.load(Ordering::Acquire) as usize;
        let words = self.text.iter().map(|word| word.load(Ordering::Relaxed).to_le_bytes());
        let bytes: Vec<u8> = words.flatten().take(length).collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Default for LastWords {
    fn default() -> Self {
        LastWords::new()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn the_first_words_count() {
        let words = LastWords::new();
        words.begin(7, 1 << 40);
        assert_eq!(words.read(7), None);
        let fault = Fault { signal: 11, code: -6, address: 16, instruction: 1 << 41 };
        words.fault(fault);
        words.fault(Fault { signal: 6, ..fault });
        words.text("it was “full”".as_bytes());
        words.text(b"and then empty");
        let said = words.read(7).unwrap();
        assert_eq!(said.fault, Some(fault));
        assert_eq!((said.program, &*said.text), (1 << 40, "it was “full”"));
        assert_eq!(words.read(8), None, "the words of another");
        words.begin(8, 0);
        assert_eq!(words.read(8), None);
    }

    #[test]
    fn what_is_too_long_or_garbled_is_read_all_the_same() {
        let words = LastWords::new();
        words.begin(7, 0);
        words.text(&[b'x'; 2 * TEXT_BYTES]);
        assert_eq!(words.read(7).unwrap().text, "x".repeat(TEXT_BYTES));
        words.text_bytes.store(u32::MAX, Ordering::Relaxed);
        words.text[0].store(u32::MAX, Ordering::Relaxed);
        assert_eq!(words.read(7).unwrap().text.chars().next(), Some(char::REPLACEMENT_CHARACTER));
    }
}
