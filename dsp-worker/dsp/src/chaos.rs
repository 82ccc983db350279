//! Chaos: systems that never come back to where they were.
//!
//! Flows are integrated by the classical Runge-Kutta method of the fourth order,
//! in f64 and plain arithmetic, so that every machine draws the same orbit.

use crate::lane::each;

/// Where a system is.
pub type Point = [f64; 3];

/// A flow: how fast each number changes, and how its orbit lies.
#[derive(Clone, Copy, Debug)]
pub enum Flow {
    /// Lorenz, "Deterministic nonperiodic flow", J. Atmos. Sci. 20 (1963).
    Lorenz,
    /// Rössler, "An equation for continuous chaos", Physics Letters A 57 (1976).
    Rossler,
    /// Matsumoto, "A chaotic attractor from Chua's circuit", IEEE Trans.
    /// Circuits and Systems 31 (1984).
    Chua,
}

impl Flow {
    /// The longest step that is still true to the orbit.
    #[inline(always)]
    pub fn longest_step(self) -> f64 {
        match self {
            Flow::Lorenz => 0.02,
            Flow::Rossler => 0.1,
            Flow::Chua => 0.05,
        }
    }

    /// Its own time for one turn on average, by measurement.
    #[inline(always)]
    pub fn turn(self, parameter: f64) -> f64 {
        match self {
            Flow::Lorenz => 3.85 / parameter.sqrt(),
            Flow::Rossler => 5.83,
            Flow::Chua => 2.3,
        }
    }

    /// From order to chaos, 0 to 1, as the number that the system is known by.
    #[inline(always)]
    pub fn parameter(self, chaos: f64) -> f64 {
        match self {
            // rho: chaotic from 24.74 up.
            Flow::Lorenz => 25.0 + 30.0 * chaos,
            // c: a circle, then twice, four times as long, chaotic from 4.2 up.
            Flow::Rossler => 2.5 + 6.5 * chaos,
            // alpha: a circle, one spiral from 8.8, two from 9.0 up.
            Flow::Chua => 8.4 + 1.4 * chaos,
        }
    }

    /// How fast each number changes.
    #[inline(always)]
    pub fn slope(self, [x, y, z]: Point, parameter: f64) -> Point {
        match self {
            Flow::Lorenz => [10.0 * (y - x), x * (parameter - z) - y, x * y - 8.0 / 3.0 * z],
            Flow::Rossler => [-y - z, x + 0.2 * y, 0.2 + z * (x - parameter)],
            Flow::Chua => {
                let diode = 2.0 / 7.0 * x - 1.5 / 7.0 * ((x + 1.0).abs() - (x - 1.0).abs());
                [parameter * (y - diode), x - y + z, -100.0 / 7.0 * y]
            }
        }
    }

    /// Where it starts.
    #[inline(always)]
    pub fn start(self) -> Point {
        match self {
            Flow::Lorenz => [1.0, 1.0, 20.0],
            Flow::Rossler => [2.0, 2.0, 0.1],
            Flow::Chua => [0.3, 0.1, -0.2],
        }
    }

    /// The point within ±1, but for rare peaks; by measurement.
    #[inline(always)]
    pub fn scaled(self, [x, y, z]: Point, parameter: f64) -> Point {
        match self {
            Flow::Lorenz => [
                x / (3.7 * parameter.sqrt()),
                y / (0.9 * parameter),
                (z + 4.6 - parameter) / (0.78 * parameter),
            ],
            Flow::Rossler => {
                let z = z / (0.66 * parameter * parameter);
                [x / (2.0 * parameter), (y + 0.8) / (1.8 * parameter), z]
            }
            Flow::Chua => [x * 0.43, y * 2.25, z * 0.3],
        }
    }

    /// One step further.
    #[inline(always)]
    pub fn step(self, at: Point, parameter: f64, step: f64) -> Point {
        let ahead = |slope: Point, time: f64| -> Point { each(|n| at[n] + time * slope[n]) };
        let first = self.slope(at, parameter);
        let second = self.slope(ahead(first, 0.5 * step), parameter);
        let third = self.slope(ahead(second, 0.5 * step), parameter);
        let last = self.slope(ahead(third, step), parameter);
        each(|n| at[n] + step / 6.0 * (first[n] + 2.0 * (second[n] + third[n]) + last[n]))
    }
}

/// One step of Hénon's map with b = 0.3: "A two-dimensional mapping with a
/// strange attractor", Comm. Math. Phys. 50 (1976).
#[inline(always)]
pub fn henon([x, y]: [f64; 2], a: f64) -> [f64; 2] {
    [1.0 - a * x * x + y, 0.3 * x]
}

/// One step of the logistic map, and the number before: May, "Simple
/// mathematical models with very complicated dynamics", Nature 261 (1976).
#[inline(always)]
pub fn logistic([x, _]: [f64; 2], r: f64) -> [f64; 2] {
    [r * x * (1.0 - x), x]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn orbit(flow: Flow, chaos: f64, step: f64, steps: usize) -> Vec<Point> {
        let parameter = flow.parameter(chaos);
        let mut at = flow.start();
        (0..steps)
            .map(|_| {
                at = flow.step(at, parameter, step);
                at
            })
            .collect()
    }

    #[test]
    fn half_the_step_leaves_a_sixteenth_of_the_error() {
        for flow in [Flow::Lorenz, Flow::Rossler] {
            let step = flow.longest_step();
            let end = |divided: usize| {
                *orbit(flow, 0.1, step / divided as f64, 10 * divided).last().unwrap()
            };
            let true_end = end(16);
            let error = |at: Point| (0..3).map(|n| (at[n] - true_end[n]).abs()).sum::<f64>();
            let ratio = error(end(1)) / error(end(2));
            assert!((10.0..26.0).contains(&ratio), "{flow:?}: {ratio}");
        }
    }

    #[test]
    fn every_flow_fills_its_scale_and_turns_once_in_its_time() {
        for (flow, turning) in [(Flow::Lorenz, 2), (Flow::Rossler, 0), (Flow::Chua, 2)] {
            for chaos in [0.0, 0.1, 0.3, 0.6, 1.0] {
                let (step, parameter) = (flow.longest_step(), flow.parameter(chaos));
                let points = &orbit(flow, chaos, step, 60_000)[5000..];
                let points: Vec<Point> =
                    points.iter().map(|&point| flow.scaled(point, parameter)).collect();
                for n in 0..3 {
                    let peak = points.iter().fold(0f64, |peak, point| peak.max(point[n].abs()));
                    assert!((0.7..1.1).contains(&peak), "{flow:?} {chaos} {n}: {peak}");
                }
                let is_top = |three: &&[Point]| {
                    let [before, at, after] = [0, 1, 2].map(|n| three[n][turning]);
                    at > before && at >= after
                };
                let turns = points.windows(3).filter(is_top).count() as f64;
                let turn = points.len() as f64 * step / turns;
                let ratio = turn / flow.turn(parameter);
                assert!((0.9..1.1).contains(&ratio), "{flow:?} {chaos}: {ratio}");
            }
        }
    }

    #[test]
    fn maps_are_as_in_the_papers() {
        assert_eq!(henon([0.5, 0.1], 1.4), [0.75, 0.15]);
        assert_eq!(logistic([0.25, 0.0], 4.0), [0.75, 0.25]);
    }
}
