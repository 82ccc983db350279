//! What a musician is told when something goes wrong with a module: what
//! happened, what is heard now, what can be done.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use sostenuto_modules::catalog;
use sostenuto_osc::status::NoticeKind;

use crate::plan::Key;
use crate::pool::Trouble;
use crate::pool::crash::Crash;
use crate::pool::ladder::{Case, Cause, Rung};
use crate::recorder::RECORDED;
use crate::sound_card::ear::News;

/// What there is to tell of the troubles of a moment: of each module, the last.
/// Its first crash is kept in the folder. `keys` are the modules by number.
pub fn tell(
    troubles: Vec<Trouble>,
    keys: &HashMap<u32, Key>,
    crashes: Option<&Path>,
) -> Vec<String> {
    let mut modules: BTreeMap<u32, (Trouble, Option<Box<Crash>>)> = BTreeMap::new();
    for mut trouble in troubles {
        let crash = trouble.crash.take();
        let first = modules.remove(&trouble.module).and_then(|(_, first)| first);
        modules.insert(trouble.module, (trouble, first.or(crash)));
    }
    let sentence = |(module, (trouble, crash)): (u32, (Trouble, Option<Box<Crash>>))| {
        let key = keys.get(&module);
        let kind = key.and_then(|key| catalog::find(&key.1));
        let title = kind.map_or("A module", |(_, entry)| entry.about.title);
        let id = key.map_or("gone by now", |key| key.0.own_name());
        let sentence = self::trouble(title, id, &trouble.case, &trouble.ending);
        let (Some(mut crash), Some(folder)) = (crash, crashes) else { return sentence };
        crash.id = key.map(|key| key.0.own_name().to_owned());
        match crash.write(folder) {
            Ok(path) => {
                format!("{sentence} To have it happen again: sostenuto replay {}", path.display())
            }
            Err(error) => format!("{sentence} What is known of it could not be kept ({error})."),
        }
    };
    modules.into_iter().map(sentence).collect()
}

/// A worker died in that module. `ending` is how, in the system's words.
pub fn trouble(title: &str, module: &str, case: &Case, ending: &str) -> String {
    let what = match case.cause {
        Cause::Hang => format!("{title} ({module}) took too long, and was stopped"),
        Cause::Crash => format!("{title} ({module}) crashed ({ending})"),
        Cause::Outside => format!("{title} ({module}) was killed again and again"),
    };
    let times = match case.crashes {
        0 | 1 => String::new(),
        crashes => format!(" ({crashes} times since the start)"),
    };
    match case.rung {
        Rung::Again => format!("{what}, and was replaced. You should not have heard it.{times}"),
        Rung::Afresh => format!(
            "{what} twice at the same point. It began afresh with its knobs where they are; you \
             may have heard that.{times}"
        ),
        Rung::Rests => format!(
            "{what} again and again. Signals pass it by for a moment, then it is tried \
             again.{times}"
        ),
        Rung::Quarantine => format!(
            "{what} whenever it is tried. It is in quarantine: signals pass it by, its cables and \
             knobs stay as they are. Change something and try it again (/module/retry \
             {module}).{times}"
        ),
    }
}

/// What becomes of the input.
pub fn hearing(news: &News) -> Option<String> {
    match news {
        News::Resting => None,
        News::Listening(card) => Some(format!("{LISTENING}{card}.")),
        News::Deaf(why) => Some(format!(
            "Audio In hears nothing: {why}. The patch plays on, and hears as soon as one does. \
             Choose an input in the sound settings."
        )),
    }
}

const LISTENING: &str = "Listening to ";

/// Whether something went wrong where that is said. What is not known to be as
/// it should be is trouble.
pub fn kind(sentence: &str) -> NoticeKind {
    let is_well = WELL.iter().any(|beginning| sentence.starts_with(beginning));
    if is_well { NoticeKind::Info } else { NoticeKind::Trouble }
}

/// What sentences begin with that say that all is well.
const WELL: [&str; 5] =
    ["Playing through ", LISTENING, RECORDED, SILENT, "The patch of the last session is kept"];

/// What is said after a panic.
pub const PANIC: &str =
    "Everything was let go: keys are up, echoes and tails are cut. Clocks and sequencers play on.";

/// What is said where the silent clock was asked for.
pub const SILENT: &str = "The patch runs on the silent clock: nothing is heard.";

/// In a word, for a badge.
pub fn badge(rung: Rung) -> &'static str {
    match rung {
        Rung::Again => "replaced",
        Rung::Afresh => "began afresh",
        Rung::Rests => "rests",
        Rung::Quarantine => "quarantine",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pool::ladder::Ladder;

    #[test]
    fn what_is_as_it_should_be_is_no_trouble() {
        let said = ["Playing through USB Audio.", SILENT, "You hear nothing: no card. The patch…"];
        let kinds = [NoticeKind::Info, NoticeKind::Info, NoticeKind::Trouble];
        assert_eq!(said.map(kind), kinds);
    }

    #[test]
    fn each_rung_says_what_is_heard_and_what_can_be_done() {
        let (mut ladder, mut said) = (Ladder::default(), Vec::new());
        for round in 0..3 {
            for _ in 0..3 {
                ladder.died(1, round, Cause::Crash, f64::from(10 * round));
                let case = ladder.cases().next().expect("it died").1;
                said.push(trouble("Reverb", "hall", case, "signal: 11 (SIGSEGV)"));
            }
            ladder.rested(f64::from(10 * round + 9));
        }
        assert_eq!(
            said[0],
            "Reverb (hall) crashed (signal: 11 (SIGSEGV)), and was replaced. You should not have \
             heard it."
        );
        assert!(said[1].contains("afresh") && said[1].ends_with("(2 times since the start)"));
        assert!(said[2].contains("pass it by"));
        assert!(said[8].contains("/module/retry hall"), "{}", said[8]);
    }
}
