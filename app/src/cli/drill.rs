//! `sostenuto drill`: kills workers while a patch plays, and shows that nobody
//! hears it.

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::bail;
use clap::Args;
use sostenuto_host::drill::{Disturbances, Report, Spread, Storms, drill};
use sostenuto_host::sound_card::device::Output;
use sostenuto_patch::{Patch, file};

use super::options::{Computing, Heard, load};
use super::play::on_stop;

/// Kills workers while a patch plays, and compares every block with what it should be
#[derive(Args)]
pub struct Drill {
    /// The patch: a .sostenuto file [default: the one that plays by itself]
    #[arg(value_name = "PATCH")]
    patch: Option<PathBuf>,

    /// How long it plays undisturbed, and then with kills
    #[arg(long, value_name = "S", default_value = "10", value_parser = super::options::seconds)]
    seconds: Duration,

    /// How many workers are killed, in the mean; when is random
    #[arg(long, value_name = "K", default_value_t = 5.0, value_parser = rate)]
    kills_per_second: f64,

    /// Stops one in eight for two seconds instead (not on Windows)
    #[arg(long)]
    stop: bool,

    /// Has one in eight hang instead
    #[arg(long)]
    hang: bool,

    /// Kills all workers at once, now and then
    #[arg(long)]
    all: bool,

    /// Kills workers that are just starting, now and then
    #[arg(long)]
    newborn: bool,

    /// Kills every spare, now and then
    #[arg(long)]
    spares: bool,

    /// Ends workers by a bad memory access, now and then (not on Windows)
    #[arg(long)]
    segv: bool,

    /// Kills the process of the sound card, now and then: the patch runs on, and is heard again a
    /// second later
    #[arg(long)]
    card: bool,

    /// All of these that befall workers, stops and hangs included (not on Windows)
    #[arg(long)]
    mix: bool,

    /// Chooses other victims and instants
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,

    /// Prints one JSON object, for programs; times are in nanoseconds
    #[arg(long)]
    json: bool,

    /// Plays through the system's choice of sound card, and not on the silent clock
    #[arg(long, conflicts_with = "silent")]
    aloud: bool,

    #[command(flatten)]
    computing: Computing,

    #[command(flatten)]
    heard: Heard,
}

impl Drill {
    /// Plays, kills, compares, and says what came of it.
    pub fn run(&self) -> anyhow::Result<()> {
        let patch = self.patch()?;
        let mut settings = self.heard.settings(&self.computing)?;
        if settings.output == Output::Default && !self.aloud {
            settings.output = Output::SilentClock;
        }
        if self.card && settings.output == Output::SilentClock {
            bail!("the silent clock has no process to kill: give --card with --aloud or --device");
        }
        let wanted = Disturbances {
            time: self.seconds,
            per_second: self.kills_per_second,
            stops: self.stop || self.mix,
            hangs: self.hang || self.mix,
            storms: Storms {
                all: self.all || self.mix,
                newborn: self.newborn || self.mix,
                spares: self.spares || self.mix,
                crashes: self.segv || self.mix,
                card: self.card,
            },
            seed: self.seed,
        };
        let stop = on_stop()?;
        let report = drill(&patch, settings, wanted, stop, |sentence| eprintln!("{sentence}"))?;
        let mut out = std::io::stdout().lock();
        if self.json {
            serde_json::to_writer_pretty(&mut out, &report)?;
            writeln!(out)?;
        } else {
            print(&mut out, &report)?;
        }
        if let Some(what) = report.heard() {
            bail!("the kills could be heard: {what}");
        }
        Ok(())
    }

    fn patch(&self) -> anyhow::Result<Patch> {
        match &self.patch {
            Some(path) => load(path),
            None => {
                Ok(file::read(include_bytes!("../../../assets/patches/first-sound.sostenuto"))?)
            }
        }
    }
}

fn rate(text: &str) -> Result<f64, String> {
    let rate: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    let is_fit = (0.01..=200.0).contains(&rate);
    if is_fit { Ok(rate) } else { Err("not between 0.01 and 200 a second".to_owned()) }
}

fn print(out: &mut impl Write, report: &Report) -> std::io::Result<()> {
    let Report { title, block_frames, sample_rate_hz, ahead, seconds, .. } = report;
    let title = if title.is_empty() { "untitled" } else { title };
    let block_ms = f64::from(*block_frames) * 1e3 / f64::from(*sample_rate_hz);
    writeln!(
        out,
        "{title}: {seconds} s undisturbed, {seconds} s with kills. A block is {block_frames} \
         frames: {block_ms:.2} ms; {ahead} ahead.\n"
    )?;
    let halves = [&report.undisturbed, &report.disturbed];
    let row = |out: &mut dyn Write, what: &str, [a, b]: [String; 2]| {
        writeln!(out, "{what:<34}{a:>14}{b:>14}")
    };
    row(out, "", ["undisturbed", "with kills"].map(str::to_owned))?;
    row(out, "blocks", halves.map(|half| half.block_time.count.to_string()))?;
    row(out, "xruns", halves.map(|half| half.xruns.to_string()))?;
    row(out, "time a block takes, usually", halves.map(|half| ms(half.block_time.p50_nanos)))?;
    row(out, "  99 in 100 take less than", halves.map(|half| ms(half.block_time.p99_nanos)))?;
    row(out, "  the longest took", halves.map(|half| ms(half.block_time.max_nanos)))?;
    writeln!(out)?;
    let line = |out: &mut dyn Write, what: &str, text: String| writeln!(out, "{what:<34}{text}");
    let (kills, inside) = (report.kills, report.kills_inside_a_job);
    line(out, "workers killed", format!("{kills}, {inside} of them inside a job"))?;
    if report.stops > 0 {
        let (stops, inside) = (report.stops, report.stops_inside_a_job);
        line(out, "workers stopped for 2 s", format!("{stops}, {inside} of them inside a job"))?;
    }
    if report.card_kills > 0 {
        line(out, "sound card's process killed", report.card_kills.to_string())?;
    }
    if report.hangs > 0 {
        line(out, "workers that hung", report.hangs.to_string())?;
    }
    let (refills, start, end) = (report.refills, report.workers_at_start, report.workers_at_end);
    let text = format!("{refills}; {end} are ready now, {start} were at the start");
    line(out, "workers started", text)?;
    let count = report.recovery.count;
    line(out, "work taken over from a dead one", format!("{count} times"))?;
    line(out, "  from kill to result", times(&report.recovery))?;
    line(out, "  of that, until it was known", times(&report.news))?;
    let (compared, different) = (report.blocks_compared, report.blocks_different);
    line(out, "blocks compared", format!("{compared}, {different} of them different"))?;
    if report.heard().is_none() {
        writeln!(out, "\nInaudible: every block is bit-identical and in time.")?;
    }
    Ok(())
}

fn times(spread: &Spread) -> String {
    let Spread { p50_nanos, p99_nanos, max_nanos, .. } = *spread;
    let [p50, p99, max] = [p50_nanos, p99_nanos, max_nanos].map(ms);
    format!("usually {p50}, 99 in 100 less than {p99}, at most {max}")
}

fn ms(nanos: u64) -> String {
    format!("{:.2} ms", nanos as f64 * 1e-6)
}
