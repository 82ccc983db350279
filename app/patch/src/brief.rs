//! Sentences that quote what others wrote: names and paths of any length.

use std::borrow::Cow;

/// Letters of the longest quoted name, of the longest word beside (a path), and of
/// the longest sentence.
const MOST_QUOTED: usize = 100;
const MOST_IN_WORD: usize = 240;
const MOST: usize = 1000;

/// The sentence without the middle of names that nobody reads to their end: what is
/// said of them, and what to do, stays in sight.
pub fn brief(sentence: &str) -> Cow<'_, str> {
    let longest = |text: &str, is_end: fn(char) -> bool| {
        text.split(is_end).map(|part| part.chars().count()).max().unwrap_or(0)
    };
    let quotes = sentence.split('`').skip(1).step_by(2);
    let is_quote_long = quotes.map(|quote| quote.chars().count()).any(|count| count > MOST_QUOTED);
    if !is_quote_long && longest(sentence, char::is_whitespace) <= MOST_IN_WORD {
        return shortened(sentence, MOST);
    }
    let parts = sentence.split('`').enumerate().map(|(place, part)| match place % 2 {
        0 => {
            let words = part.split_inclusive(char::is_whitespace);
            Cow::Owned(words.map(|word| shortened(word, MOST_IN_WORD)).collect())
        }
        _ => shortened(part, MOST_QUOTED),
    });
    let whole: Vec<Cow<str>> = parts.collect();
    Cow::Owned(shortened(&whole.join("`"), MOST).into_owned())
}

/// Its beginning and its end, where it has more letters than that.
fn shortened(text: &str, most: usize) -> Cow<'_, str> {
    let count = text.chars().count();
    if count <= most {
        return Cow::Borrowed(text);
    }
    let (head, tail) = (most * 2 / 3, most / 3 - 1);
    let letters = text.chars();
    let end = letters.clone().skip(count - tail);
    Cow::Owned(letters.take(head).chain(['…']).chain(end).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_short_stays_and_what_is_to_be_done_stays_in_sight() {
        let short = "The patch has no module called `vco-2`. Did you mean `vco`?";
        assert_eq!(brief(short), short);
        let path = format!("Cannot read {}: not there.", "/home/ada/patches".repeat(10));
        assert_eq!(brief(&path), path, "a path is there to be found");
        for long in ["x".repeat(6000), "two words ".repeat(600)] {
            let said = format!("There is no module type called `{long}`. Did you mean `vco`?");
            let brief = brief(&said);
            assert!(brief.chars().count() < 200, "{brief}");
            assert!(brief.starts_with("There is no module type called `"), "{brief}");
            assert!(brief.ends_with("`. Did you mean `vco`?"), "{brief}");
        }
    }

    #[test]
    fn nothing_is_longer_than_anyone_reads() {
        for odd in ["`", "``", "a`", "ü", " ", "` `", "word ", "`a` "] {
            let said = odd.repeat(5000);
            assert!(brief(&said).chars().count() <= MOST, "{odd}");
        }
        let word = "y".repeat(6000);
        let said = format!("{word}: no such file.");
        assert!(brief(&said).ends_with("y: no such file."));
        assert!(brief(&said).chars().count() <= MOST_IN_WORD + 20);
    }
}
