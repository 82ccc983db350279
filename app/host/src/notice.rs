//! Everything the host tells a musician: what happened, what is heard now, what
//! can be done. One variant for each situation, with the facts of its sentence.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sostenuto_modules::catalog;
use sostenuto_osc::status::NoticeKind;
use sostenuto_patch::{ModuleId, brief};

use crate::permits::Outside;
use crate::plan::Key;
use crate::plan::clips::Complaint;
use crate::pool::Trouble;
use crate::pool::crash::Crash;
use crate::pool::ladder::{Case, Cause, Rung};

/// Where notices go. They may come from any thread that is not real-time.
pub type Tell = Arc<dyn Fn(Notice) + Send + Sync>;

/// What a musician is told. [`Display`](fmt::Display) is the sentence.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "every variant says its sentence, and its fields are in it")]
pub enum Notice {
    PlayingThrough { card: String },
    SilentClock,
    NoSoundCard { reason: String },
    NotRealTime,
    TooMuch { load: f32, heaviest: Vec<(ModuleId, f32)> },
    MachineBusy { load: f32 },
    KeepsUp,
    ListeningTo { card: String },
    NotListening { reason: String },
    PatchRefused { error: String },
    SoundSettingsRefused { error: String },
    PanicRefused { error: String },
    Panicked,
    Clip(Complaint),
    Placeholders { sentence: String },
    ModuleFailed(Box<ModuleFailure>),
    HeldBack(Outside),
    PermitNotKept { error: String },
    OscOutUnavailable { error: String },
    OscOutAddress { text: String },
    Recorded { path: PathBuf, secs: f64 },
    RecordingFailed { error: String },
    SessionResumed { has_states: bool, suspects: Vec<ModuleId> },
    EndedTooOften { times: u32 },
    LastPatchKept { path: PathBuf, has_ended: bool },
    JournalUnavailable { error: String },
    JournalUnreadable { error: String, renamed: PathBuf },
    JournalNotWritten { error: String, folder: PathBuf },
    JournalWrittenAgain { folder: PathBuf },
}

/// A worker died in a module.
#[derive(Clone, Debug, PartialEq)]
pub struct ModuleFailure {
    /// What the module is, as on its panel.
    pub title: &'static str,
    /// Its name in the patch.
    pub module: String,
    /// What was done with it.
    pub case: Case,
    /// How the worker ended, in the system's words.
    pub ending: String,
    /// Where the crash can be replayed from, or why it cannot.
    pub evidence: Option<Result<PathBuf, String>>,
}

impl Notice {
    /// Whether something went wrong.
    pub fn kind(&self) -> NoticeKind {
        match self {
            Notice::PlayingThrough { .. }
            | Notice::SilentClock
            | Notice::KeepsUp
            | Notice::ListeningTo { .. }
            | Notice::Panicked
            | Notice::Recorded { .. }
            | Notice::JournalWrittenAgain { .. }
            | Notice::LastPatchKept { has_ended: true, .. } => NoticeKind::Info,
            Notice::NoSoundCard { .. }
            | Notice::NotRealTime
            | Notice::TooMuch { .. }
            | Notice::MachineBusy { .. }
            | Notice::NotListening { .. }
            | Notice::PatchRefused { .. }
            | Notice::SoundSettingsRefused { .. }
            | Notice::PanicRefused { .. }
            | Notice::Clip(_)
            | Notice::Placeholders { .. }
            | Notice::ModuleFailed(_)
            | Notice::HeldBack(_)
            | Notice::PermitNotKept { .. }
            | Notice::OscOutUnavailable { .. }
            | Notice::OscOutAddress { .. }
            | Notice::RecordingFailed { .. }
            | Notice::SessionResumed { .. }
            | Notice::EndedTooOften { .. }
            | Notice::LastPatchKept { has_ended: false, .. }
            | Notice::JournalUnavailable { .. }
            | Notice::JournalUnreadable { .. }
            | Notice::JournalNotWritten { .. } => NoticeKind::Trouble,
        }
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&brief(&Sentence(self).to_string()))
    }
}

/// The sentence, however long what it quotes.
struct Sentence<'a>(&'a Notice);

impl fmt::Display for Sentence<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Notice::PlayingThrough { card } => write!(f, "Playing through {card}."),
            Notice::SilentClock => {
                f.write_str("The patch runs on the silent clock: nothing is heard.")
            }
            Notice::NoSoundCard { reason } => write!(
                f,
                "You hear nothing: {reason}. The patch runs silently until a sound card answers."
            ),
            Notice::NotRealTime => f.write_str(
                "The system does not let the sound run in real time. It plays, but other programs \
                 may interrupt it. `sostenuto doctor` says how to allow it.",
            ),
            Notice::TooMuch { load, heaviest } => write_too_much(f, *load, heaviest),
            Notice::MachineBusy { load } => write!(
                f,
                "You hear gaps, although the patch takes only {:.0} % of the time: other programs \
                 use this machine. Close some, or choose more blocks ahead in the sound settings.",
                100.0 * load
            ),
            Notice::KeepsUp => f.write_str("The machine keeps up again."),
            Notice::ListeningTo { card } => write!(f, "Listening to {card}."),
            Notice::NotListening { reason } => write!(
                f,
                "Audio In hears nothing: {reason}. The patch plays on, and Audio In hears as soon \
                 as a sound card answers. Choose an input in the sound settings."
            ),
            Notice::PatchRefused { error } => {
                write!(f, "{error}. You hear the patch as it was before.")
            }
            Notice::SoundSettingsRefused { error } => {
                write!(f, "{error}. The sound settings stay as they were.")
            }
            Notice::PanicRefused { error } => {
                write!(f, "{error}. Keys are up, but echoes and tails ring on.")
            }
            Notice::Panicked => f.write_str(
                "Everything was released: keys are up, echoes and tails are cut. Clocks and \
                 sequencers play on.",
            ),
            Notice::Clip(complaint) => complaint.fmt(f),
            Notice::Placeholders { sentence } => f.write_str(sentence),
            Notice::ModuleFailed(failure) => failure.fmt(f),
            Notice::HeldBack(wants) => write!(
                f,
                "This patch wants to {wants}. It plays, and does not do that until you allow it: in \
                 the window, with /patch/allow, or with --allow when you start it."
            ),
            Notice::PermitNotKept { error } => write!(
                f,
                "What you allowed holds until the program ends, and you will be asked again: it \
                 cannot be kept ({error})."
            ),
            Notice::OscOutUnavailable { error } => {
                write!(f, "OSC Out cannot send anything ({error}).")
            }
            Notice::OscOutAddress { text } => write!(
                f,
                "OSC Out cannot send to `{text}`. Write the address as HOST:PORT/PREFIX, such as \
                 127.0.0.1:9001/synth or [::1]:9001/synth."
            ),
            Notice::Recorded { path, secs } => {
                let millis = Duration::from_millis((secs * 1e3).round() as u64);
                write!(f, "Recorded {}: {}", humantime::format_duration(millis), path.display())
            }
            Notice::RecordingFailed { error } => write!(f, "{error}."),
            Notice::SessionResumed { has_states, suspects } => {
                write_resumed(f, *has_states, suspects)
            }
            Notice::EndedTooOften { times } => write!(
                f,
                "This patch ended the program {times} times in a row, soon after its start. It is \
                 open, but its modules are in quarantine: signals pass them by. Try them again one \
                 by one (/module/retry NAME)."
            ),
            Notice::LastPatchKept { path, has_ended: true } => {
                write!(f, "The patch of the last session is kept: {}", path.display())
            }
            Notice::LastPatchKept { path, has_ended: false } => write!(
                f,
                "The last session ended unexpectedly. You hear another patch now; what it played \
                 is kept: {}",
                path.display()
            ),
            Notice::JournalUnavailable { error } => f.write_str(error),
            Notice::JournalUnreadable { error, renamed } => write!(
                f,
                "A file of the journal cannot be read: {error}. It was renamed, not changed: {}",
                renamed.display()
            ),
            Notice::JournalNotWritten { error, folder } => write!(
                f,
                "The journal cannot be written ({error}). The sound goes on, but if the host ends \
                 unexpectedly, unsaved changes are lost. Save your patch: {}",
                folder.display()
            ),
            Notice::JournalWrittenAgain { folder } => {
                write!(f, "The journal is written again, with all changes: {}", folder.display())
            }
        }
    }
}

fn write_too_much(
    f: &mut fmt::Formatter<'_>,
    load: f32,
    heaviest: &[(ModuleId, f32)],
) -> fmt::Result {
    write!(
        f,
        "You hear gaps: this machine cannot keep up with the patch, which takes {:.0} % of the time. ",
        100.0 * load
    )?;
    for (place, (module, load)) in heaviest.iter().enumerate() {
        f.write_str(if place == 0 { "The heaviest modules are " } else { ", " })?;
        write!(f, "{module} ({:.0} %)", 100.0 * load)?;
    }
    f.write_str(if heaviest.is_empty() { "" } else { ". " })?;
    f.write_str(
        "Bypass some, give them fewer voices, or choose a larger block or more blocks ahead in the \
         sound settings.",
    )
}

fn write_resumed(
    f: &mut fmt::Formatter<'_>,
    has_states: bool,
    suspects: &[ModuleId],
) -> fmt::Result {
    f.write_str("The last session ended unexpectedly. ")?;
    f.write_str(if has_states {
        "You hear its patch from about a second before; keys are up, echoes and tails are cut."
    } else {
        "You hear its patch from the beginning."
    })?;
    if let Some(names) = listed(suspects) {
        write!(
            f,
            " {names} had not played for long when it ended, and may be the cause: signals pass \
             by. To try again: /module/retry NAME."
        )?;
    }
    f.write_str(" Save the patch to keep it under a name of your own.")
}

/// The modules in a sentence, the first few by name. `None` where there are none.
fn listed(modules: &[ModuleId]) -> Option<String> {
    let quoted =
        |ids: &[ModuleId]| ids.iter().map(|id| format!("`{id}`")).collect::<Vec<_>>().join(", ");
    Some(match modules {
        [] => return None,
        [one] => format!("`{one}`"),
        [few @ .., last] if few.len() < 4 => format!("{} and `{last}`", quoted(few)),
        many => format!("{} and {} others", quoted(&many[..3]), many.len() - 3),
    })
}

impl fmt::Display for ModuleFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ModuleFailure { title, module, case, ending, evidence } = self;
        match case.cause {
            Cause::Hang => write!(f, "{title} ({module}) took too long and was stopped")?,
            Cause::Crash => write!(f, "{title} ({module}) crashed ({ending})")?,
            Cause::Outside => write!(f, "{title} ({module}) was killed again and again")?,
        }
        match case.rung {
            Rung::Again => f.write_str(", and was replaced. You should not have heard it.")?,
            Rung::Afresh => f.write_str(
                " twice at the same point. It was reset, with its knobs where they are; you may \
                 have heard that.",
            )?,
            Rung::Rests => f.write_str(
                " again and again. Signals pass it by for a moment, then it is tried again.",
            )?,
            Rung::Quarantine => write!(
                f,
                " whenever it is tried. It is in quarantine: signals pass it by, its cables and \
                 knobs stay as they are. Change something and try it again (/module/retry {module})."
            )?,
        }
        if case.crashes > 1 {
            write!(f, " ({} times since the start)", case.crashes)?;
        }
        match evidence {
            None => Ok(()),
            Some(Ok(path)) => write!(f, " To reproduce: sostenuto replay {}", path.display()),
            Some(Err(error)) => write!(f, " The crash could not be saved for a replay ({error})."),
        }
    }
}

/// The failures of a moment, the last of each module. The first crash of each is
/// saved in the folder `crashes`. `keys` are the modules by number.
pub fn failures(
    troubles: Vec<Trouble>,
    keys: &HashMap<u32, Key>,
    crashes: Option<&Path>,
) -> Vec<Notice> {
    let mut modules: BTreeMap<u32, (Trouble, Option<Box<Crash>>)> = BTreeMap::new();
    for mut trouble in troubles {
        let crash = trouble.crash.take();
        let first = modules.remove(&trouble.module).and_then(|(_, first)| first);
        modules.insert(trouble.module, (trouble, first.or(crash)));
    }
    let failure = |(number, (trouble, crash)): (u32, (Trouble, Option<Box<Crash>>))| {
        let key = keys.get(&number);
        let kind = key.and_then(|key| catalog::find(&key.1));
        let name = key.map(|key| key.0.own_name());
        let evidence = crash.zip(crashes).map(|(mut crash, folder)| {
            crash.id = name.map(str::to_owned);
            crash.write(folder).map_err(|error| error.to_string())
        });
        Notice::ModuleFailed(Box::new(ModuleFailure {
            title: kind.map_or("A module", |(_, entry)| entry.about.title),
            module: name.unwrap_or("gone by now").to_owned(),
            case: trouble.case,
            ending: trouble.ending,
            evidence,
        }))
    };
    modules.into_iter().map(failure).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pool::ladder::Ladder;

    #[test]
    fn each_rung_says_what_is_heard_and_what_can_be_done() {
        let (mut ladder, mut said) = (Ladder::default(), Vec::new());
        for round in 0..3 {
            for _ in 0..3 {
                ladder.died(1, round, Cause::Crash, f64::from(10 * round));
                let failure = ModuleFailure {
                    title: "Reverb",
                    module: "hall".to_owned(),
                    case: ladder.cases().next().expect("it died").1.clone(),
                    ending: "signal: 11 (SIGSEGV)".to_owned(),
                    evidence: None,
                };
                said.push(failure.to_string());
            }
            ladder.rested(f64::from(10 * round + 9));
        }
        assert_eq!(
            said[0],
            "Reverb (hall) crashed (signal: 11 (SIGSEGV)), and was replaced. You should not have \
             heard it."
        );
        assert!(said[1].contains("was reset") && said[1].ends_with("(2 times since the start)"));
        assert!(said[2].contains("pass it by"));
        assert!(said[8].contains("/module/retry hall"), "{}", said[8]);
    }

    #[test]
    fn many_suspects_are_counted() {
        let ids = |count: usize| -> Vec<ModuleId> {
            (0..count).map(|n| format!("m-{n}").parse().expect("an id")).collect()
        };
        assert_eq!(listed(&[]), None);
        assert_eq!(listed(&ids(1)).as_deref(), Some("`m-0`"));
        assert_eq!(listed(&ids(3)).as_deref(), Some("`m-0`, `m-1` and `m-2`"));
        assert_eq!(listed(&ids(7)).as_deref(), Some("`m-0`, `m-1`, `m-2` and 4 others"));
        let notice = Notice::SessionResumed { has_states: false, suspects: ids(1) };
        assert!(notice.to_string().contains("beginning. `m-0` had not played"), "{notice}");
    }
}
