//! How fast something goes beside its clock.

/// The names of [`RATIOS`].
pub const RATIO_NAMES: [&str; 25] = [
    "÷64", "÷32", "÷16", "÷12", "÷8", "÷7", "÷6", "÷5", "÷4", "÷3", "÷2", "×2/3", "×3/4", "×1",
    "×4/3", "×3/2", "×2", "×3", "×4", "×5", "×6", "×7", "×8", "×12", "×16",
];

/// Cycles over the clocks that they take.
pub const RATIOS: [(u32, u32); 25] = [
    (1, 64),
    (1, 32),
    (1, 16),
    (1, 12),
    (1, 8),
    (1, 7),
    (1, 6),
    (1, 5),
    (1, 4),
    (1, 3),
    (1, 2),
    (2, 3),
    (3, 4),
    (1, 1),
    (4, 3),
    (3, 2),
    (2, 1),
    (3, 1),
    (4, 1),
    (5, 1),
    (6, 1),
    (7, 1),
    (8, 1),
    (12, 1),
    (16, 1),
];

/// Where `×1` stands.
pub const AS_THE_CLOCK: usize = 13;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_ratio_is_what_its_name_says_and_faster_than_the_one_before() {
        for (name, (cycles, clocks)) in RATIO_NAMES.into_iter().zip(RATIOS) {
            let said = match (cycles, clocks) {
                (1, clocks) if clocks > 1 => format!("÷{clocks}"),
                (cycles, 1) => format!("×{cycles}"),
                _ => format!("×{cycles}/{clocks}"),
            };
            assert_eq!(name, said);
        }
        let speeds = RATIOS.map(|(cycles, clocks)| cycles as f32 / clocks as f32);
        assert!(speeds.windows(2).all(|pair| pair[0] < pair[1]));
        assert_eq!(speeds[AS_THE_CLOCK], 1.0);
    }
}
