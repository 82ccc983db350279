//! Which keys a scale has.

use sostenuto_dsp::scale::{SCALE_NAMES, SCALE_NOTES};

/// A scale and its first note.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scale {
    /// Among [`Scale::names`]; the first has every note.
    pub index: usize,
    /// 0 is C, 11 is B.
    pub root: u32,
}

impl Scale {
    /// What they are called.
    pub fn names() -> &'static [&'static str] {
        &SCALE_NAMES
    }

    /// Whether it has this key.
    pub fn has(self, key: u32) -> bool {
        let notes = SCALE_NOTES.get(self.index).copied().unwrap_or(u32::MAX);
        let above_root = (key + 12 - self.root % 12) % 12;
        notes >> above_root & 1 == 1
    }

    /// This key, or the next one below that it has.
    pub fn nearest(self, key: u32) -> u32 {
        (key.saturating_sub(11)..=key).rev().find(|&key| self.has(key)).unwrap_or(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_in_the_chromatic_scale_and_white_ones_in_c_major() {
        let chromatic = Scale::default();
        assert!((0..128).all(|key| chromatic.has(key) && chromatic.nearest(key) == key));
        let c_major = Scale { index: 1, root: 0 };
        let has: Vec<u32> = (60..72).filter(|&key| c_major.has(key)).collect();
        assert_eq!(has, [60, 62, 64, 65, 67, 69, 71]);
        assert_eq!(c_major.nearest(61), 60);
        let a_minor = Scale { index: 2, root: 9 };
        assert!((0..128).all(|key| a_minor.has(key) == c_major.has(key)));
    }
}
