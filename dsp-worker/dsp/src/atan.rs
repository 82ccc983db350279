//! Angles from ratios: what an all-pass delays.

/// The angle whose tangent is `x`, in rad, within 5e-7.
///
/// Twice halved, by tan(a / 2) = tan(a) / (1 + sqrt(1 + tan²(a))), it is small
/// enough for eight terms of the series.
#[inline(always)]
pub fn atan(x: f32) -> f32 {
    let halved = x / (1.0 + (1.0 + x * x).sqrt());
    let quarter = halved / (1.0 + (1.0 + halved * halved).sqrt());
    let square = quarter * quarter;
    let series = 1.0 / 13.0 - square * (1.0 / 15.0);
    let series = 1.0 / 11.0 - square * series;
    let series = 1.0 / 9.0 - square * series;
    let series = 1.0 / 7.0 - square * series;
    let series = 1.0 / 5.0 - square * series;
    let series = 1.0 / 3.0 - square * series;
    4.0 * quarter * (1.0 - square * series)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_true_to_the_last_bits() {
        for step in -20_000..20_000 {
            let x = step as f32 * 1e-3;
            let error = f64::from(atan(x)) - f64::from(x).atan();
            assert!(error.abs() < 5e-7, "{x}: {error}");
        }
    }
}
