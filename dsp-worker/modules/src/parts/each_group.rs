//! Sixteen channels, eight at a time.

/// Runs code for each group of a signal's channels:
/// `each_group!(channels, |L, group| self.run::<L>(block, group));`
///
/// For one channel, `L` is `f32`. For more, `L` is
/// [`Lanes`](sostenuto_dsp::lane::Lanes): eight channels, computed together.
/// `L::WIDTH` says how many there are. A macro, because no closure can be generic
/// in `L`. Real-time safe.
macro_rules! each_group {
    ($channels:expr, |$lane:ident, $group:ident| $body:expr) => {
        match $channels {
            1 => {
                type $lane = f32;
                let $group: usize = 0;
                $body;
            }
            channels => {
                type $lane = sostenuto_dsp::lane::Lanes;
                for $group in 0..sostenuto_dsp::signal::groups(channels) {
                    $body;
                }
            }
        }
    };
}

pub(crate) use each_group;
