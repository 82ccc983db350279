//! What the host tells the musician.

/// What the host tells the musician.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Whether something went wrong.
    pub kind: NoticeKind,
    /// What happened, what is heard now, what can be done.
    pub sentence: String,
}

/// Whether something went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoticeKind {
    /// No.
    Info,
    /// Yes.
    Trouble,
}

impl NoticeKind {
    /// As on the wire.
    pub fn word(self) -> &'static str {
        match self {
            NoticeKind::Info => "info",
            NoticeKind::Trouble => "trouble",
        }
    }
}
