//! A limit that does not crack: loops that gain more than they lose stay
//! bounded.

/// Untouched up to `knee_volts`, bent towards `limit_volts` above, which it
/// never passes.
///
/// Above the knee it is x / sqrt(1 + x²), so that value, slope and curvature
/// are all continuous at the knee.
#[inline(always)]
pub fn soft_clip(volts: f32, knee_volts: f32, limit_volts: f32) -> f32 {
    let inside = volts.clamp(-knee_volts, knee_volts);
    let room_volts = limit_volts - knee_volts;
    // Bounded, so that its square stays finite.
    let over = ((volts - inside) / room_volts).clamp(-1e6, 1e6);
    inside + room_volts * over / (1.0 + over * over).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_transparent_below_the_knee_and_bounded_above() {
        assert_eq!(soft_clip(-5.9, 6.0, 12.0), -5.9);
        // 6 V over a room of 6 V: 1 / sqrt(2) of it.
        assert!((soft_clip(12.0, 6.0, 12.0) - 10.2426).abs() < 1e-3);
        assert!(soft_clip(f32::MAX, 6.0, 12.0) <= 12.0);
        assert!(soft_clip(-1e30, 6.0, 12.0) >= -12.0);
    }

    #[test]
    fn it_never_turns_back() {
        let volts: Vec<f32> =
            (0..10_000).map(|step| soft_clip(step as f32 * 1e-2, 6.0, 12.0)).collect();
        assert!(volts.windows(2).all(|pair| pair[1] >= pair[0] - 1e-6));
    }
}
