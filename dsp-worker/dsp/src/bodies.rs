//! How bodies ring.

use crate::lane::{LANES, Lane, Lanes};

/// Modes of one body.
pub const MODES: usize = 32;
/// Groups of modes.
pub const MODE_GROUPS: usize = MODES / LANES;

/// For each body the frequencies of its first modes, in octaves above the lowest.
#[expect(clippy::approx_constant, reason = "3.3219 octaves are ten times the pitch")]
const BODIES: [[f32; MODES]; 5] = [
    // A string: whole multiples.
    [
        0.0000, 1.0000, 1.5850, 2.0000, 2.3219, 2.5850, 2.8074, 3.0000, 3.1699, 3.3219, 3.4594,
        3.5850, 3.7004, 3.8074, 3.9069, 4.0000, 4.0875, 4.1699, 4.2479, 4.3219, 4.3923, 4.4594,
        4.5236, 4.5850, 4.6439, 4.7004, 4.7549, 4.8074, 4.8580, 4.9069, 4.9542, 5.0000,
    ],
    // A round skin: zeros of Bessel functions (Fletcher and Rossing, *The Physics of
    // Musical Instruments*, section 3.6).
    [
        0.0000, 0.6721, 1.0946, 1.1988, 1.4077, 1.5446, 1.6579, 1.8074, 1.8474, 1.8669, 2.0211,
        2.0467, 2.0808, 2.2020, 2.2048, 2.2726, 2.2937, 2.3458, 2.3592, 2.4362, 2.4700, 2.4733,
        2.4985, 2.5793, 2.5896, 2.6212, 2.6237, 2.6343, 2.6966, 2.7068, 2.7375, 2.7541,
    ],
    // A church bell above its hum, with the minor third (the same, section 21.3);
    // above its tenth mode by ear.
    [
        0.0000, 1.0000, 1.2630, 1.5850, 2.0000, 2.3219, 2.4141, 2.5850, 3.0000, 3.0704, 3.3923,
        3.4155, 3.7225, 3.7442, 4.0000, 4.0531, 4.2479, 4.3291, 4.4725, 4.5607, 4.6781, 4.7761,
        4.8679, 4.9681, 5.0444, 5.1497, 5.2095, 5.3183, 5.3646, 5.4725, 5.5110, 5.6177,
    ],
    // A rectangular plate, 1.27 times as long as wide, held at its edges (section 3.10).
    [
        0.0000, 1.1031, 1.5119, 2.0000, 2.0221, 2.5640, 2.5700, 2.7529, 2.8251, 3.1031, 3.1699,
        3.3484, 3.3589, 3.5119, 3.5458, 3.5894, 3.7356, 3.8475, 3.9187, 3.9832, 4.0000, 4.0221,
        4.0843, 4.2385, 4.2730, 4.2758, 4.2813, 4.4075, 4.4300, 4.4986, 4.5640, 4.5700,
    ],
    // A free bar: odd numbers from 3.0112, squared (section 2.13).
    [
        0.0000, 1.4632, 2.4340, 3.1592, 3.7382, 4.2202, 4.6331, 4.9942, 5.3152, 5.6040, 5.8664,
        6.1070, 6.3291, 6.5353, 6.7277, 6.9081, 7.0779, 7.2382, 7.3901, 7.5344, 7.6719, 7.8030,
        7.9285, 8.0487, 8.1642, 8.2752, 8.3820, 8.4851, 8.5846, 8.6808, 8.7739, 8.8641,
    ],
];

/// Eight modes of a body between string, skin, bell, plate and bar, 0 to 1: their
/// octaves above the lowest.
#[inline(always)]
pub fn mode_octaves(structure: f32, mode_group: usize) -> Lanes {
    let place = structure.clamp(0.0, 1.0) * (BODIES.len() - 1) as f32;
    let body = (place as usize).min(BODIES.len() - 2);
    let group = mode_group % MODE_GROUPS;
    let of = |body: usize| Lanes::from_lanes(BODIES[body].as_chunks().0[group]);
    of(body) + (of(body + 1) - of(body)) * Lanes::splat(place - body as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_body_rises_from_its_lowest_mode() {
        for step in 0..=40 {
            let octaves = |group| mode_octaves(step as f32 / 40.0, group).to_lanes();
            let all: Vec<f32> = (0..MODE_GROUPS).flat_map(octaves).collect();
            assert_eq!(all[0], 0.0);
            assert!(all.windows(2).all(|pair| pair[0] <= pair[1]), "{all:?}");
        }
        assert!((mode_octaves(0.0, 0).to_lanes()[2] - 3f32.log2()).abs() < 1e-4);
    }
}
