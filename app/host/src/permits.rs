//! What a patch does outside this program: it may send OSC to other machines, and
//! record to disk. It does neither until the musician, who may have it from
//! somebody else, has allowed it.

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sostenuto_modules::module::Role;
use sostenuto_patch::{InputRef, ModuleId, Patch, disk};

/// The most addresses that a sentence names, and the most bytes of each.
const NAMED: usize = 3;
const NAMED_BYTES: usize = 60;

/// What a patch wants to do outside this program, or may do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outside {
    /// The other machines that it sends OSC to, as `HOST:PORT`.
    pub osc: BTreeSet<String>,
    /// Whether it records to disk.
    pub records: bool,
}

impl Outside {
    /// What that patch wants.
    pub fn of(patch: &Patch) -> Outside {
        let mut all = Outside::default();
        patch.modules.keys().for_each(|id| all.add(Outside::of_module(patch, id)));
        all
    }

    /// What that module of it wants: a Recorder nothing before it is switched on or
    /// has a cable that can do so.
    pub fn of_module(patch: &Patch, id: &ModuleId) -> Outside {
        let mut wants = Outside::default();
        let Some(module) = patch.modules.get(id) else { return wants };
        let Ok(about) = module.about() else { return wants };
        match about.role {
            Some(Role::OscOut) => {
                let to = receiver(&module.text).filter(|to| !is_this_machine(to));
                wants.osc.extend(to.map(str::to_owned));
            }
            Some(Role::Recorder) => {
                let is_on = module.param("record").is_some_and(|value| value >= 0.5);
                let mut cables = patch.cables.iter().map(|cable| &cable.to);
                let is_gate = |to: &InputRef| to.module == *id && *to.port == *"gate";
                wants.records = is_on || cables.any(is_gate);
            }
            _ => {}
        }
        wants
    }

    /// Whether OSC may be sent there. To this machine it always may.
    pub fn may_send(&self, to: &str) -> bool {
        is_this_machine(to) || self.osc.contains(to)
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.osc.is_empty() && !self.records
    }

    /// All of this that is not in the other.
    #[must_use]
    pub fn without(&self, other: &Outside) -> Outside {
        let osc = self.osc.difference(&other.osc).cloned().collect();
        Outside { osc, records: self.records && !other.records }
    }

    fn add(&mut self, other: Outside) {
        self.osc.extend(other.osc);
        self.records |= other.records;
    }
}

/// Reads as what follows "it wants to". Empty where it is.
impl fmt::Display for Outside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut osc = self.osc.iter();
        let named: Vec<&str> =
            osc.by_ref().take(NAMED).map(|to| disk::cut(to, NAMED_BYTES)).collect();
        if !named.is_empty() {
            write!(f, "send OSC to {}", named.join(", "))?;
        }
        match osc.count() {
            0 => {}
            others => write!(f, " and {others} more")?,
        }
        match (named.is_empty(), self.records) {
            (true, true) => f.write_str("record to disk"),
            (false, true) => f.write_str(", and to record to disk"),
            (_, false) => Ok(()),
        }
    }
}

/// The `HOST:PORT` that an OSC Out with that text sends to, where it is one.
pub fn receiver(text: &str) -> Option<&str> {
    let to = text.split('/').next()?.trim();
    let (host, port) = to.rsplit_once(':')?;
    (!host.is_empty() && port.parse::<u16>().is_ok()).then_some(to)
}

/// Whether `HOST:PORT` is this machine. Nobody is asked for the name: already the
/// question would tell somebody.
fn is_this_machine(to: &str) -> bool {
    let host = to.rsplit_once(':').map_or(to, |(host, _)| host);
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

/// What was allowed so far: addresses, for every patch, and recording, for the
/// patch that plays and for files. It is kept in a file.
#[derive(Debug, Default)]
pub struct Permits {
    kept_in: Option<PathBuf>,
    kept: Kept,
    /// Whether the patch that plays may record.
    records: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
struct Kept {
    osc: BTreeSet<String>,
    /// The patches that may record.
    recording: BTreeSet<PathBuf>,
}

impl Permits {
    /// As they are kept in that folder. A file that cannot be read allows nothing.
    pub fn kept_in(folder: &Path) -> Permits {
        let file = folder.join("allowed.json");
        let text = disk::read(&file).unwrap_or_default();
        let kept = serde_json::from_slice(&text).unwrap_or_default();
        Permits { kept_in: Some(file), kept, records: false }
    }

    /// What the patch that plays may do.
    pub fn now(&self) -> Outside {
        Outside { osc: self.kept.osc.clone(), records: self.records }
    }

    /// From now on another patch plays, which was read from that file, if from any.
    pub fn turn_to(&mut self, file: Option<&Path>) {
        self.records = file.is_some_and(|file| self.kept.recording.contains(file));
    }

    /// The musician allows it to the patch that plays, which lies in that file.
    ///
    /// # Errors
    /// Where it is not kept. It holds all the same until the program ends.
    pub fn allow(&mut self, more: Outside, file: Option<&Path>) -> std::io::Result<()> {
        let before = self.kept.clone();
        self.kept.osc.extend(more.osc);
        self.records |= more.records;
        let file = file.filter(|_| self.records);
        self.kept.recording.extend(file.map(Path::to_owned));
        let kept_in = self.kept_in.as_deref().filter(|_| self.kept != before);
        kept_in.map_or(Ok(()), |path| {
            let text = serde_json::to_vec_pretty(&self.kept).expect("words are JSON");
            path.parent().map_or(Ok(()), std::fs::create_dir_all)?;
            disk::replace(path, &text)
        })
    }
}

#[cfg(test)]
mod tests {
    use sostenuto_patch::PatchModule;
    use sostenuto_patch::testing::id;

    use super::*;

    fn patch(texts: &[&str], records: bool) -> Patch {
        let mut patch = Patch::default();
        for (n, text) in texts.iter().enumerate() {
            let mut module = PatchModule::new("osc-out", 0.0, 0.0);
            module.text = (*text).into();
            patch.modules.insert(id(&format!("osc-{n}")), module);
        }
        if records {
            let mut module = PatchModule::new("recorder", 0.0, 0.0);
            module.params.insert("record".into(), 1.0);
            patch.modules.insert(id("tape"), module);
        }
        patch
    }

    #[test]
    fn what_stays_on_this_machine_is_not_asked_about() {
        let here = ["localhost:9000/x", "LOCALHOST:1", "127.0.0.1:9000", "127.9.9.9:1", "[::1]:7"];
        assert!(Outside::of(&patch(&here, false)).is_empty());
        // What is no address is complained of by who sends.
        assert!(Outside::of(&patch(&["", "nonsense", "/x"], false)).is_empty());
        let there = ["10.0.0.7:9000/a", "127.0.0.1.example.org:9/x", "0.0.0.0:9", "[fe80::1]:7"];
        let outside = Outside::of(&patch(&there, true));
        assert_eq!(outside.osc.len(), 4, "{outside}");
        assert!(outside.records);
        let sentence = "send OSC to 0.0.0.0:9, 10.0.0.7:9000, 127.0.0.1.example.org:9 and 1 more, \
                        and to record to disk";
        assert_eq!(outside.to_string(), sentence);
        assert_eq!(Outside::of(&patch(&[], true)).to_string(), "record to disk");
    }

    #[test]
    fn what_was_allowed_is_allowed_tomorrow() {
        let folder = tempfile::tempdir().unwrap();
        let (mine, strange) = (Path::new("/a/mine.sostenuto"), Path::new("/a/strange.sostenuto"));
        let wanted = Outside::of(&patch(&["10.0.0.7:9000/a"], true));
        let mut permits = Permits::kept_in(folder.path());
        assert_eq!(wanted.without(&permits.now()), wanted, "nothing is allowed at first");
        permits.allow(wanted.clone(), Some(mine)).unwrap();
        assert!(wanted.without(&permits.now()).is_empty());
        let mut tomorrow = Permits::kept_in(folder.path());
        for (file, may_record) in [(Some(strange), false), (None, false), (Some(mine), true)] {
            tomorrow.turn_to(file);
            assert_eq!(tomorrow.now().records, may_record, "{file:?}");
            assert!(tomorrow.now().may_send("10.0.0.7:9000"));
        }
    }

    #[test]
    fn a_patch_that_may_record_may_do_so_from_where_it_is_saved() {
        let folder = tempfile::tempdir().unwrap();
        let mut permits = Permits::kept_in(folder.path());
        let records = Outside { records: true, ..Outside::default() };
        permits.allow(records, None).unwrap();
        permits.allow(Outside::default(), Some(Path::new("/a/mine.sostenuto"))).unwrap();
        permits.turn_to(Some(Path::new("/a/mine.sostenuto")));
        assert!(permits.now().records);
        permits.turn_to(None);
        permits.allow(Outside::default(), Some(Path::new("/a/other.sostenuto"))).unwrap();
        permits.turn_to(Some(Path::new("/a/other.sostenuto")));
        assert!(!permits.now().records);
    }

    #[test]
    fn a_file_that_cannot_be_read_allows_nothing() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("allowed.json"), "{\"osc\": [").unwrap();
        assert!(Permits::kept_in(folder.path()).now().is_empty());
    }
}
