//! Finding things by a few letters of what they are or do.

use nucleo_matcher::pattern::{Atom, AtomKind, CaseMatching, Normalization};
use nucleo_matcher::{Config, Matcher, Utf32Str};

/// What a thing is found by, the most telling first.
#[derive(Clone, Copy, Debug)]
pub enum Clue<'a> {
    /// What it is called: letters may be left out.
    Name(&'a str),
    /// What it is called elsewhere.
    Alias(&'a str),
    /// A shelf that it stands on.
    Tag(&'a str),
    /// A line that says what it is for.
    Summary(&'a str),
    /// The small print.
    Help(&'a str),
}

/// How a word fits another.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    /// It is a part of it.
    Part,
    /// It begins it.
    Prefix,
    /// It is the same.
    Word,
}

/// So many letters are more than chance in a line of words.
const TELLING: usize = 3;
/// What fits less than this is left out where something fits more: small print,
/// and names that only have the letters.
const WELL: u32 = 1500;
/// What all of a name or of another name is worth.
const WHOLE: [u32; 2] = [9000, 8000];
/// So much less is a word worth that is not the first.
const LATER: u32 = 50;
/// The same letters in a name, others between them.
const SCATTERED: u32 = 500;

impl Clue<'_> {
    fn text(&self) -> &str {
        let (Clue::Name(text)
        | Clue::Alias(text)
        | Clue::Tag(text)
        | Clue::Summary(text)
        | Clue::Help(text)) = self;
        text
    }

    /// What a word in it is worth that fits so; `None` for nothing.
    fn worth(&self, fit: Fit, letters: usize) -> Option<u32> {
        let is_telling = letters >= TELLING;
        match (self, fit) {
            (Clue::Name(_), Fit::Word) => Some(7000),
            (Clue::Name(_), Fit::Prefix) => Some(6000),
            (Clue::Name(_), Fit::Part) => is_telling.then_some(3500),
            (Clue::Alias(_) | Clue::Tag(_), Fit::Word) => Some(6500),
            (Clue::Alias(_) | Clue::Tag(_), Fit::Prefix) => Some(5500),
            (Clue::Alias(_), Fit::Part) => is_telling.then_some(3000),
            (Clue::Summary(_), Fit::Word) => is_telling.then_some(2500),
            (Clue::Summary(_), Fit::Prefix) => is_telling.then_some(2000),
            (Clue::Help(_), Fit::Word) => Some(1000),
            (Clue::Help(_), Fit::Prefix) => is_telling.then_some(700),
            (Clue::Tag(_) | Clue::Summary(_) | Clue::Help(_), Fit::Part) => None,
        }
    }
}

/// Compares what was typed with what there is.
pub struct Finder {
    matcher: Matcher,
    letters: Vec<char>,
}

impl Default for Finder {
    fn default() -> Finder {
        let mut config = Config::DEFAULT;
        config.prefer_prefix = true;
        Finder { matcher: Matcher::new(config), letters: Vec::new() }
    }
}

impl Finder {
    /// How well that fits what was typed; every word of it must fit somewhere.
    fn score(&mut self, typed: &[String], clues: &[Clue]) -> Option<u32> {
        let whole = whole(typed, clues);
        let mut each = Vec::with_capacity(typed.len());
        for word in typed {
            let best = clues.iter().filter_map(|clue| score_of_a_word(word, clue)).max();
            let best = best.or_else(|| self.scattered(word, clues));
            match best {
                Some(score) => each.push(score),
                None => return whole,
            }
        }
        // As good as its worst word.
        whole.max(each.into_iter().min())
    }

    /// Its letters in a name, others between them.
    fn scattered(&mut self, word: &str, clues: &[Clue]) -> Option<u32> {
        let atom =
            Atom::new(word, CaseMatching::Ignore, Normalization::Smart, AtomKind::Fuzzy, false);
        let names = clues.iter().filter(|clue| matches!(clue, Clue::Name(_)));
        let scores = names.filter_map(|clue| {
            let text = Utf32Str::new(clue.text(), &mut self.letters);
            atom.score(text, &mut self.matcher)
        });
        scores.max().map(|score| SCATTERED.min(score.into()))
    }

    /// The indices of what fits, best first. The order is kept where nothing was
    /// typed; where two fit as well, the one that is `used` more comes first.
    pub fn rank<'a>(
        &mut self,
        typed: &str,
        things: impl Iterator<Item = (Vec<Clue<'a>>, u32)>,
    ) -> Vec<usize> {
        let typed = words(typed);
        if typed.is_empty() {
            return (0..things.count()).collect();
        }
        let scored = things
            .enumerate()
            .filter_map(|(index, (clues, used))| Some((index, self.score(&typed, &clues)?, used)));
        let mut fit: Vec<(usize, u32, u32)> = scored.collect();
        fit.sort_by_key(|&(_, score, used)| std::cmp::Reverse((score, used)));
        let best = fit.first().map_or(0, |&(_, score, _)| score);
        let least = if best >= WELL { WELL } else { 0 };
        fit.into_iter().filter(|&(_, score, _)| score >= least).map(|(index, ..)| index).collect()
    }
}

/// The other name that is exactly what was typed: it is said beside the result.
pub fn other_name<'a>(typed: &str, aliases: &[&'a str]) -> Option<&'a str> {
    let typed = words(typed);
    let typed = typed.concat();
    let starts = |alias: &&&str| words(alias).concat().starts_with(&typed);
    aliases.iter().filter(|_| !typed.is_empty()).find(starts).copied()
}

/// Whether all that was typed is a name or a shelf, and what that is worth.
fn whole(typed: &[String], clues: &[Clue]) -> Option<u32> {
    let typed = typed.concat();
    let worths = clues.iter().filter_map(|clue| {
        let worth = match clue {
            Clue::Name(_) => WHOLE[0],
            Clue::Alias(_) | Clue::Tag(_) => WHOLE[1],
            Clue::Summary(_) | Clue::Help(_) => return None,
        };
        (words(clue.text()).concat() == typed).then_some(worth)
    });
    worths.max()
}

fn score_of_a_word(word: &str, clue: &Clue) -> Option<u32> {
    let fit = |other: &String| {
        let fit = match other.find(word)? {
            0 if other.len() == word.len() => Fit::Word,
            0 => Fit::Prefix,
            _ => Fit::Part,
        };
        clue.worth(fit, word.chars().count())
    };
    // The first word is the most telling.
    let later = |index: usize| if index > 0 { LATER } else { 0 };
    let words = words(clue.text());
    let worths = words.iter().enumerate().filter_map(|(n, other)| Some(fit(other)? - later(n)));
    worths.max()
}

/// Words in small letters, without what stands between them. `s&h` is one.
fn words(text: &str) -> Vec<String> {
    let is_between = |letter: char| !letter.is_alphanumeric() && letter != '&';
    let words = text.split(is_between).filter(|word| !word.is_empty() && *word != "&");
    words.map(str::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rank(typed: &str) -> Vec<usize> {
        let things = [
            [Clue::Name("Salad bowl"), Clue::Alias("dish"), Clue::Summary("Holds leaves")],
            [Clue::Name("Ladder"), Clue::Tag("Tool"), Clue::Summary("Reaches higher")],
            [Clue::Name("Roof"), Clue::Help("top-side"), Clue::Summary("Reached by a ladder")],
        ];
        Finder::default().rank(typed, things.into_iter().map(|clues| (Vec::from(clues), 0)))
    }

    #[test]
    fn a_name_comes_before_what_is_said_about_it() {
        assert_eq!(rank("lad"), [1, 0, 2]);
        assert_eq!(rank("ladder"), [1, 2]);
    }

    #[test]
    fn letters_of_a_name_may_be_left_out_where_nothing_fits_better() {
        assert_eq!(rank("ldr"), [1]);
        assert_eq!(rank("sbwl"), [0]);
        assert_eq!(rank("dis"), [0], "no letters of others follow it");
    }

    #[test]
    fn small_print_is_read_only_where_nothing_else_fits() {
        assert_eq!(rank("top"), [2]);
        assert_eq!(rank("to"), [1], "a tool, and not the roof's top");
    }

    #[test]
    fn every_word_must_fit_and_no_word_keeps_the_order() {
        assert_eq!(rank("roof ladder"), [2]);
        assert_eq!(rank("roof salad"), [0usize; 0]);
        assert_eq!(rank("  "), [0, 1, 2]);
    }

    #[test]
    fn what_is_used_more_comes_first_where_two_fit_as_well() {
        let things = [(vec![Clue::Tag("Filter")], 1), (vec![Clue::Tag("Filter")], 9)];
        assert_eq!(Finder::default().rank("filter", things.into_iter()), [1, 0]);
    }

    #[test]
    fn words_are_the_same_with_and_without_what_stands_between_them() {
        assert_eq!(words("Hi-Hat, S&H & 8→1"), ["hi", "hat", "s&h", "8", "1"]);
        assert_eq!(other_name("lowp", &["moog", "low pass"]), Some("low pass"));
        assert_eq!(other_name("", &["moog"]), None);
    }
}
