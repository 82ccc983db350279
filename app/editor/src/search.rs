//! Finding things by a few letters of what they are or do.

use nucleo_matcher::pattern::{Atom, AtomKind, CaseMatching, Normalization};
use nucleo_matcher::{Config, Matcher, Utf32Str};

/// What a thing is found by, the most telling first.
#[derive(Clone, Copy, Debug)]
pub enum Clue<'a> {
    /// What it is called: letters may be left out.
    Name(&'a str),
    /// A word that it stands under.
    Tag(&'a str),
    /// A line that says what it is for.
    Summary(&'a str),
    /// The small print.
    Help(&'a str),
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
    pub fn score(&mut self, typed: &str, clues: &[Clue]) -> Option<u32> {
        typed.split_whitespace().try_fold(0, |sum, word| {
            let best = clues.iter().filter_map(|&clue| self.score_of_a_word(word, clue)).max();
            Some(sum + best?)
        })
    }

    /// Better clues count more than better matches.
    fn score_of_a_word(&mut self, word: &str, clue: Clue) -> Option<u32> {
        use AtomKind::{Fuzzy, Substring};
        let (ways, text): (&[(AtomKind, u32)], _) = match clue {
            Clue::Name(text) => (&[(Substring, 5000), (Fuzzy, 3000)], text),
            Clue::Tag(text) => (&[(Substring, 4000)], text),
            Clue::Summary(text) => (&[(Substring, 2000)], text),
            Clue::Help(text) => (&[(Substring, 1000)], text),
        };
        ways.iter().find_map(|&(kind, worth)| {
            let atom = Atom::new(word, CaseMatching::Ignore, Normalization::Smart, kind, false);
            let text = Utf32Str::new(text, &mut self.letters);
            Some(worth + u32::from(atom.score(text, &mut self.matcher)?))
        })
    }

    /// The indices of what fits, best first; the order is kept where nothing
    /// was typed, or where two fit as well.
    pub fn rank<'a>(
        &mut self,
        typed: &str,
        things: impl Iterator<Item = Vec<Clue<'a>>>,
    ) -> Vec<usize> {
        let scored = things.enumerate().map(|(index, clues)| (index, self.score(typed, &clues)));
        let mut fit: Vec<(usize, u32)> =
            scored.filter_map(|(n, score)| Some((n, score?))).collect();
        fit.sort_by_key(|&(_, score)| std::cmp::Reverse(score));
        fit.into_iter().map(|(index, _)| index).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rank(typed: &str) -> Vec<usize> {
        let things = [
            [Clue::Name("Salad bowl"), Clue::Summary("Holds leaves")],
            [Clue::Name("Ladder"), Clue::Summary("Reaches higher")],
            [Clue::Name("Roof"), Clue::Summary("Reached by a ladder")],
        ];
        Finder::default().rank(typed, things.into_iter().map(Vec::from))
    }

    #[test]
    fn a_name_comes_before_what_is_said_about_it() {
        assert_eq!(rank("lad"), [1, 0, 2]);
        assert_eq!(rank("ladder"), [1, 2]);
    }

    #[test]
    fn letters_of_a_name_may_be_left_out() {
        assert_eq!(rank("ldr"), [1]);
        assert_eq!(rank("sbwl"), [0]);
    }

    #[test]
    fn every_word_must_fit_and_no_word_keeps_the_order() {
        assert_eq!(rank("roof ladder"), [2]);
        assert_eq!(rank("roof salad"), [0usize; 0]);
        assert_eq!(rank("  "), [0, 1, 2]);
    }
}
