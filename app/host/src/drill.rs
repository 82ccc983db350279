//! A patch plays, workers are killed, and every block is compared with what it
//! should be.

pub mod block_killer;

mod comparison;
mod disturber;
mod saboteur;

use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use comparison::{Compared, Comparison};
use disturber::{Disturber, Done, wait_until};
use dsp_worker::thread::ask_for_real_time;
use saboteur::Saboteur;
use serde::Serialize;
use sostenuto_patch::Patch;

use crate::engine::tap::TappedBlock;
use crate::player::{PlayError, Player, Settings};
use crate::pool::supervisor::Seat;
use crate::pool::{Pool, Recovery};
use crate::render::{self, ComputedBy, Render, RenderError};

/// Before anything is counted: plans and caches settle.
const SETTLE: Duration = Duration::from_millis(500);

/// How long the pool may take to be full again.
const PATIENCE: Duration = Duration::from_secs(20);

/// What is done to the workers.
#[derive(Clone, Copy, Debug)]
pub struct Disturbances {
    /// For how long; and before, for just as long, nothing is.
    pub time: Duration,
    /// How often in the mean.
    pub per_second: f64,
    /// Whether some are stopped for two seconds instead of killed.
    pub stops: bool,
    /// Whether some are made to hang instead.
    pub hangs: bool,
    /// What else is done, each as often as a single kill.
    pub storms: Storms,
    /// Chooses victims and instants.
    pub seed: u64,
}

/// Worse than one worker at a time.
#[derive(Clone, Copy, Debug, Default)]
pub struct Storms {
    /// All workers are killed at once.
    pub all: bool,
    /// Those that are killed are just starting.
    pub newborn: bool,
    /// Every spare is killed.
    pub spares: bool,
    /// Workers end by a bad memory access (not on Windows).
    pub crashes: bool,
    /// The process of the sound card is killed: that is heard, and the patch runs on.
    pub card: bool,
}

/// Why there was no drill.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each says it by itself")]
pub enum DrillError {
    #[error(transparent)]
    Play(#[from] PlayError),
    #[error("the reference cannot be computed: {0}")]
    Reference(#[from] RenderError),
    #[error("no thread to compare on: {0}")]
    Thread(#[from] std::io::Error),
    #[error("this program has no module that hangs")]
    NoSaboteur,
    #[error("workers can be stopped, or made to crash, on Linux and macOS only")]
    NoStops,
    #[error("stopped before the end")]
    Stopped,
}

/// All that was found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// Of the patch.
    pub title: String,
    /// In Hz.
    pub sample_rate_hz: u32,
    /// Frames in a block.
    pub block_frames: u32,
    /// Blocks computed ahead.
    pub ahead: u32,
    /// How long each half took.
    pub seconds: f64,
    /// How often somebody was killed, in the mean.
    pub kills_per_second: f64,
    /// What victims and instants were drawn from.
    pub seed: u64,
    /// Workers that were killed.
    pub kills: u64,
    /// Those of them that died inside a job.
    pub kills_inside_a_job: u64,
    /// Workers that were stopped for two seconds.
    pub stops: u64,
    /// Those of them that were inside a job: that is waited for, and heard.
    pub stops_inside_a_job: u64,
    /// How often the process of the sound card was killed, if it was there.
    pub card_kills: u64,
    /// Workers that hung, and were killed for it.
    pub hangs: u64,
    /// Blocks compared with the reference.
    pub blocks_compared: u64,
    /// Those that were not the same to the bit.
    pub blocks_different: u64,
    /// When the first of these began, in seconds since the sound did.
    pub first_different_secs: Option<f64>,
    /// Blocks that could not be compared.
    pub blocks_lost: u64,
    /// The first half.
    pub undisturbed: Half,
    /// The second half.
    pub disturbed: Half,
    /// From a kill to the stamp of the job that another did again.
    pub recovery: Spread,
    /// The part of it that it took to hear of the death.
    pub news: Spread,
    /// Workers started anew.
    pub refills: u64,
    /// Workers ready at the start.
    pub workers_at_start: usize,
    /// Workers ready at the end.
    pub workers_at_end: usize,
}

/// What was measured in one half.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Half {
    /// Times the sound card got nothing in time.
    pub xruns: u64,
    /// How long blocks took.
    pub block_time: Spread,
}

/// How times are spread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Spread {
    /// How many there are.
    pub count: u64,
    /// As many are below as above.
    pub p50_nanos: u64,
    /// One in a hundred is above.
    pub p99_nanos: u64,
    /// The longest.
    pub max_nanos: u64,
}

impl Spread {
    fn of(nanos: impl Iterator<Item = u64>) -> Spread {
        let mut sorted: Vec<u64> = nanos.collect();
        sorted.sort_unstable();
        let rank = |part: f64| ((part * sorted.len() as f64).ceil() as usize).max(1) - 1;
        let at = |part: f64| sorted.get(rank(part)).copied().unwrap_or(0);
        Spread {
            count: sorted.len() as u64,
            p50_nanos: at(0.5),
            p99_nanos: at(0.99),
            max_nanos: at(1.0),
        }
    }
}

impl Report {
    /// What was heard, where anything was.
    pub fn heard(&self) -> Option<String> {
        let mut heard = Vec::new();
        let different = self.blocks_different;
        if different > 0 {
            let compared = self.blocks_compared;
            heard.push(format!("{different} of {compared} blocks are not what they should be"));
        }
        if self.blocks_lost > 0 {
            heard.push(format!("{} blocks could not be compared", self.blocks_lost));
        }
        let (with, without) = (self.disturbed.xruns, self.undisturbed.xruns);
        // Without a card nobody hears anything, and its end and return are faded.
        if with > without && self.card_kills == 0 {
            heard.push(format!("{with} xruns with kills, {without} without"));
        }
        (!heard.is_empty()).then(|| heard.join("; "))
    }
}

/// Plays a patch undisturbed, then with disturbances, and compares. `stop` ends
/// it before its time.
///
/// # Errors
/// Where it cannot be, or was stopped.
pub fn drill(
    patch: &Patch,
    settings: Settings,
    wanted: Disturbances,
    stop: Receiver<()>,
    tell: impl Fn(&str) + Clone + Send + Sync + 'static,
) -> Result<Report, DrillError> {
    if (wanted.stops || wanted.storms.crashes) && !cfg!(unix) {
        return Err(DrillError::NoStops);
    }
    let mut patch = patch.clone();
    let saboteur = wanted.hangs.then(|| Saboteur::add(&mut patch).ok_or(DrillError::NoSaboteur));
    let saboteur = saboteur.transpose()?;
    let pace = Pace {
        sample_rate_hz: settings.sample_rate_hz,
        block_frames: settings.block_frames,
        ahead: settings.ahead,
    };
    let reference = Render::new(
        &patch,
        &render::Settings {
            sample_rate_hz: pace.sample_rate_hz,
            block_frames: pace.block_frames,
            computed_by: ComputedBy::InProcess,
        },
    )?;
    let told = tell.clone();
    let mut player = Player::start(&patch, settings, move |notice| told(&notice.to_string()))?;
    let tap = player.tap().expect("nobody else knows this player");
    let comparison = Comparison::start(tap, reference)?;
    rest(SETTLE, &stop)?;

    tell("Playing undisturbed.");
    let workers_at_start = ready(player.pool());
    let first = Mark::now(&player);
    rest(wanted.time, &stop)?;
    tell("Killing workers.");
    let second = Mark::now(&player);
    let done = disturb(&mut player, wanted, &pace, saboteur, stop)?;
    let marks = [first, second, Mark::now(&player)];
    let compared = comparison.finish();
    Ok(report(patch.title, wanted, &pace, player.pool(), workers_at_start, &done, &marks, compared))
}

fn rest(time: Duration, stop: &Receiver<()>) -> Result<(), DrillError> {
    if wait_until(Instant::now() + time, stop) { Ok(()) } else { Err(DrillError::Stopped) }
}

/// How the patch is played.
struct Pace {
    sample_rate_hz: u32,
    block_frames: u32,
    ahead: u32,
}

impl Pace {
    fn block(&self) -> Duration {
        Duration::from_secs_f64(f64::from(self.block_frames) / f64::from(self.sample_rate_hz))
    }
}

/// Disturbs the workers for as long as is wanted, and waits for what the last
/// kill did: that belongs to it.
fn disturb(
    player: &mut Player,
    wanted: Disturbances,
    pace: &Pace,
    saboteur: Option<Saboteur>,
    stop: Receiver<()>,
) -> Result<Done, DrillError> {
    let end = Instant::now() + wanted.time;
    let (rate, frames) = (pace.sample_rate_hz, pace.block_frames);
    let mut disturber = Disturber::new(player, wanted, pace.block(), saboteur);
    let run = move || {
        // Or it would wake up when the job that it aims at is long over.
        ask_for_real_time(frames, rate);
        disturber.run(end, &stop)
    };
    let done = std::thread::scope(|scope| scope.spawn(run).join()).unwrap_or(None);
    let done = done.ok_or(DrillError::Stopped)?;
    let pool = player.pool();
    pool.wait_for_deaths(done.kills, PATIENCE);
    pool.wait_until_full(PATIENCE);
    std::thread::sleep(4 * pace.block());
    Ok(done)
}

#[expect(clippy::too_many_arguments, reason = "each is a part of the report")]
fn report(
    title: String,
    wanted: Disturbances,
    pace: &Pace,
    pool: &Pool,
    workers_at_start: usize,
    done: &Done,
    [first, second, third]: &[Mark; 3],
    Compared { blocks, different, first_different, lost }: Compared,
) -> Report {
    let Done { kills, stops, stops_inside_a_job, card_kills } = *done;
    let (recoveries, deaths) = (pool.recoveries(), pool.deaths());
    let hangs = deaths.saturating_sub(kills);
    let rate = f64::from(pace.sample_rate_hz);
    Report {
        title,
        sample_rate_hz: pace.sample_rate_hz,
        block_frames: pace.block_frames,
        ahead: pace.ahead,
        seconds: wanted.time.as_secs_f64(),
        kills_per_second: wanted.per_second,
        seed: wanted.seed,
        kills,
        kills_inside_a_job: pool.deaths_inside_a_job().saturating_sub(hangs),
        stops,
        stops_inside_a_job,
        card_kills,
        hangs,
        blocks_compared: blocks.len() as u64,
        blocks_different: different,
        first_different_secs: first_different.map(|frame| frame as f64 / rate),
        blocks_lost: lost,
        undisturbed: first.half(second, &blocks),
        disturbed: second.half(third, &blocks),
        recovery: spread(&recoveries, |recovery| recovery.stamp_nanos),
        news: spread(&recoveries, |recovery| recovery.news_nanos),
        refills: pool.refills(),
        workers_at_start,
        workers_at_end: ready(pool),
    }
}

fn ready(pool: &Pool) -> usize {
    let is_ready = |seat: &&Seat| matches!(seat, Seat::Holds(_) | Seat::Spare);
    pool.seats().iter().filter(is_ready).count()
}

fn spread(recoveries: &[Recovery], nanos: impl Fn(&Recovery) -> u64) -> Spread {
    Spread::of(recoveries.iter().map(nanos))
}

/// Where a half begins or ends.
struct Mark {
    frame: u64,
    xruns: u64,
}

impl Mark {
    fn now(player: &Player) -> Mark {
        Mark { frame: player.engine_status().frame.load(Relaxed), xruns: player.xruns() }
    }

    fn half(&self, end: &Mark, blocks: &[TappedBlock]) -> Half {
        let here = blocks.iter().filter(|block| (self.frame..end.frame).contains(&block.frame));
        Half {
            xruns: end.xruns - self.xruns,
            block_time: Spread::of(here.map(|block| u64::from(block.nanos))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_names_times_that_were_measured() {
        assert_eq!(Spread::of([].into_iter()), Spread::default());
        let spread = Spread::of((1..=200).rev());
        let expected = Spread { count: 200, p50_nanos: 100, p99_nanos: 198, max_nanos: 200 };
        assert_eq!(spread, expected);
        let one = Spread { count: 1, p50_nanos: 7, p99_nanos: 7, max_nanos: 7 };
        assert_eq!(Spread::of([7].into_iter()), one);
    }
}
