//! Waves for slow movements, in a table, and what lies between them.

use super::const_math::sin;

/// How many waves.
pub const SHAPES: usize = 8;
/// Points of one wave.
const POINTS: usize = 512;

/// Sine, triangle, rising saw, falling saw, square, stairs, a pluck and a beat.
/// One point more closes the circle.
static TABLES: [[f32; POINTS + 1]; SHAPES] = tables();

const fn tables() -> [[f32; POINTS + 1]; SHAPES] {
    let mut tables = [[0.0; POINTS + 1]; SHAPES];
    let mut shape = 0;
    while shape < SHAPES {
        let mut point = 0;
        while point < POINTS {
            tables[shape][point] = value(shape, point as f64 / POINTS as f64) as f32;
            point += 1;
        }
        tables[shape][POINTS] = tables[shape][0];
        shape += 1;
    }
    tables
}

/// A wave at a place in its turn, -1 to 1.
const fn value(shape: usize, turn: f64) -> f64 {
    match shape {
        0 => sin(turn),
        1 if turn < 0.25 => 4.0 * turn,
        1 if turn < 0.75 => 2.0 - 4.0 * turn,
        1 => 4.0 * turn - 4.0,
        2 => 2.0 * turn - 1.0,
        3 => 1.0 - 2.0 * turn,
        4 if turn < 0.5 => 1.0,
        4 => -1.0,
        // Five steps up.
        5 => (turn * 5.0) as i64 as f64 * 0.5 - 1.0,
        // A quick rise and a fall that slows down.
        6 if turn < 0.03 => turn / 0.015 - 1.0,
        6 => {
            let rest = 1.0 - (turn - 0.03) / 0.97;
            2.0 * rest * rest * rest * rest - 1.0
        }
        // Two humps, the second lower, and a rest.
        _ if turn < 0.2 => hump(turn / 0.2) * 2.0 - 1.0,
        _ if turn < 0.45 => hump((turn - 0.2) / 0.25) * 1.2 - 1.0,
        _ => -1.0,
    }
}

const fn hump(way: f64) -> f64 {
    let half = sin(0.5 * way);
    half * half
}

/// The wave at a `place` from 0, the first wave, to 1, the last; `phase` is
/// 2^32 to a turn. -1 to 1.
#[inline(always)]
pub fn between(place: f32, phase: u32) -> f32 {
    let place = place.clamp(0.0, 1.0) * (SHAPES - 1) as f32;
    let first = (place as usize).min(SHAPES - 2);
    let point = (phase >> 23) as usize;
    let way = (phase & 0x007f_ffff) as f32 * (1.0 / 8_388_608.0);
    let [a, b] = [&TABLES[first], &TABLES[first + 1]].map(|table| {
        let (here, next) = (table[point % POINTS], table[point % POINTS + 1]);
        // An edge stays an edge: up to it, it goes on as before.
        let is_edge = (next - here).abs() > 0.4;
        let slope = if is_edge { here - table[(point + POINTS - 1) % POINTS] } else { next - here };
        here + slope * way
    });
    a + (b - a) * (place - first as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_waves_are_as_told_and_all_between() {
        let at = |shape: usize, turns: f64| {
            between(shape as f32 / 7.0, (turns * 4_294_967_296.0) as u32)
        };
        for (shape, expected) in [
            (0, [0.0, 1.0, 0.0, -1.0]),
            (1, [0.0, 1.0, 0.0, -1.0]),
            (2, [-1.0, -0.5, 0.0, 0.5]),
            (3, [1.0, 0.5, 0.0, -0.5]),
            (4, [1.0, 1.0, -1.0, -1.0]),
            (5, [-1.0, -0.5, 0.0, 0.5]),
        ] {
            for (quarter, expected) in expected.into_iter().enumerate() {
                let found = at(shape, quarter as f64 * 0.25);
                assert!((found - expected).abs() < 1e-5, "{shape} {quarter}: {found}");
            }
        }
        assert!((at(6, 0.0) + 1.0).abs() < 1e-6 && at(6, 0.031) > 0.98 && at(6, 0.99) < -0.99);
        assert!(at(7, 0.1) > 0.999 && at(7, 0.7) == -1.0);
        // Half way from triangle to rising saw.
        assert!((between(1.5 / 7.0, 1 << 30) - 0.25).abs() < 1e-5);
        // A sine of 512 points is true to the square of a point.
        let sine = (std::f64::consts::TAU * 0.1234).sin() as f32;
        assert!((at(0, 0.1234) - sine).abs() < 3e-5);
    }
}
