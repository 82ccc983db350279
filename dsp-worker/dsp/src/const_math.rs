//! Functions for tables that are computed while compiling, in f64. Never call
//! them while playing.

/// The sine of an angle in turns, within 1e-15.
pub(super) const fn sin(turns: f64) -> f64 {
    let half_turns = (2.0 * turns + if turns < 0.0 { -0.5 } else { 0.5 }) as i64;
    let sign = if half_turns % 2 == 0 { 1.0 } else { -1.0 };
    let x = std::f64::consts::TAU * (turns - 0.5 * half_turns as f64);
    let (mut term, mut sum, mut n) = (x, x, 1.0);
    while n < 21.0 {
        term *= -x * x / ((n + 1.0) * (n + 2.0));
        sum += term;
        n += 2.0;
    }
    sign * sum
}

/// The modified Bessel function I₀(√square), by its power series, for squares
/// up to 150.
pub(super) const fn bessel_i0_of_root(square: f64) -> f64 {
    let (mut term, mut sum, mut n) = (1.0, 1.0, 1.0);
    while n < 32.0 {
        term *= 0.25 * square / (n * n);
        sum += term;
        n += 1.0;
    }
    sum
}

/// A low-pass's impulse response: a sinc under a Kaiser window, that many
/// frames from its middle. `cutoff` is in cycles a frame. Its sum is not 1.
pub(super) const fn kaiser_sinc(frames: f64, half_width: usize, cutoff: f64, beta: f64) -> f64 {
    let turns = cutoff * frames;
    let sinc = if turns == 0.0 { 1.0 } else { sin(turns) / (std::f64::consts::TAU * turns) };
    let x = frames / half_width as f64;
    if x * x >= 1.0 {
        return 0.0;
    }
    sinc * bessel_i0_of_root(beta * beta * (1.0 - x * x))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sine_is_a_sine() {
        for step in -1000..1000 {
            let turns = f64::from(step) * 0.0123;
            assert!((sin(turns) - (std::f64::consts::TAU * turns).sin()).abs() < 1e-13, "{turns}");
        }
    }

    #[test]
    fn a_bessel_function_is_as_in_the_tables() {
        // Abramowitz and Stegun, table 9.8: I₀(1), and e^-10 I₀(10).
        assert!((bessel_i0_of_root(1.0) - 1.266_065_877_8).abs() < 1e-10);
        assert!((bessel_i0_of_root(100.0) * (-10f64).exp() - 0.127_833_337_2).abs() < 1e-10);
    }
}
