//! The voltage standard: what a number on a cable means.

/// Channels that one cable can carry.
pub const CHANNELS: usize = 16;

/// Frames computed in one call of a module's `process`.
///
/// Control-rate work happens once a quantum. Every block size is a multiple of
/// it, so the block size cannot be heard.
pub const QUANTUM: usize = 32;

/// Frames of the longest block that can be chosen.
pub const MAX_BLOCK_FRAMES: usize = 2048;

/// Frames of the shortest block that can be chosen.
pub const MIN_BLOCK_FRAMES: usize = QUANTUM;

/// The pitch of 0 V on a `voct` cable: C4, in Hz.
pub const C4_HZ: f32 = 261.625_6;

/// The rate of 0 V on an LFO or clock cable, in Hz: 120 BPM.
pub const CLOCK_HZ: f32 = 2.0;

/// Peak of an audio signal, in volts.
pub const AUDIO_VOLTS: f32 = 5.0;

/// Full scale of a sound from a file, in volts.
pub const FULL_SCALE_CLIP_VOLTS: f32 = AUDIO_VOLTS;

/// A gate or trigger that is on, and full scale of a unipolar control, in volts.
pub const GATE_VOLTS: f32 = 10.0;

/// How long a trigger stays on, in seconds.
pub const TRIGGER_SECS: f32 = 1e-3;

/// 0 dBFS at the sound card, in volts.
pub const FULL_SCALE_VOLTS: f32 = 10.0;

/// A gate input goes on above this voltage.
pub const SCHMITT_HIGH_VOLTS: f32 = 1.0;

/// A gate input goes off below this voltage.
pub const SCHMITT_LOW_VOLTS: f32 = 0.1;

/// After a reset a sequencer ignores its clock for this long, in seconds, so
/// that a reset and a clock sent together land on the first step.
pub const RESET_HOLDOFF_SECS: f32 = 1e-3;

/// A cable that appears or leaves does so over this time, in seconds.
pub const FADE_SECS: f32 = 5e-3;

/// The frequency of a `voct` pitch, in Hz.
///
/// Exact to the last bits of f64; audio code uses [`crate::exp2`].
pub fn hz_from_voct(volts: f32) -> f32 {
    (f64::from(C4_HZ) * f64::from(volts).exp2()) as f32
}

/// The `voct` pitch of a frequency in Hz.
pub fn voct_from_hz(hz: f32) -> f32 {
    (f64::from(hz) / f64::from(C4_HZ)).log2() as f32
}

/// The linear gain of a level in dB.
pub fn gain_from_db(level_db: f32) -> f32 {
    10f32.powf(level_db / 20.0)
}

/// The level of a linear gain, in dB.
pub fn db_from_gain(gain: f32) -> f32 {
    20.0 * gain.log10()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_octave_is_a_volt() {
        assert_eq!(hz_from_voct(0.0), C4_HZ);
        assert_eq!(hz_from_voct(2.0), 4.0 * C4_HZ);
        assert!((voct_from_hz(440.0) - 0.75).abs() < 1e-6);
    }

    #[test]
    fn six_db_doubles() {
        assert!((gain_from_db(6.0206) - 2.0).abs() < 1e-4);
        assert!((db_from_gain(0.5) + 6.0206).abs() < 1e-4);
    }
}
