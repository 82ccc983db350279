//! The name that was probably meant.

/// The name most like `wanted`, if any is like it: at most every third letter
/// is another.
pub fn nearest<'a>(wanted: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let wanted: Vec<char> = wanted.chars().take(64).collect();
    let scored = names.map(|name| (distance(&wanted, name), name));
    let (distance, name) = scored.min()?;
    (distance <= wanted.len().div_ceil(3)).then_some(name)
}

/// How many letters must be put in, left out, changed, or swapped with the
/// next, to make one out of the other. (Optimal string alignment.)
fn distance(from: &[char], to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut before_last = Vec::new();
    let mut last: Vec<usize> = (0..=to.len()).collect();
    for (i, &a) in from.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, &b) in to.iter().enumerate() {
            let change = last[j] + usize::from(a != b);
            let mut least = change.min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && a == to[j - 1] && from[i - 1] == b {
                least = least.min(before_last[j - 1] + 1);
            }
            row.push(least);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_finds_the_name() {
        let names = || ["cutoff", "resonance", "mode"].into_iter();
        assert_eq!(nearest("cuttof", names()), Some("cutoff"));
        assert_eq!(nearest("resonanse", names()), Some("resonance"));
        assert_eq!(nearest("mdoe", names()), Some("mode"));
        assert_eq!(nearest("drive", names()), None);
        assert_eq!(nearest("", names()), None);
        assert_eq!(nearest("x", std::iter::empty()), None);
    }

    #[test]
    fn letters_are_counted_as_they_are_typed() {
        let letters = |text: &str| text.chars().collect::<Vec<_>>();
        assert_eq!(distance(&letters("vco"), "vco"), 0);
        assert_eq!(distance(&letters("vco"), "vcf"), 1);
        assert_eq!(distance(&letters("cvo"), "vco"), 1);
        assert_eq!(distance(&letters(""), "vco"), 3);
        assert_eq!(distance(&letters("vco"), ""), 3);
    }
}
