//! What it costs to morph 200 knobs at every block, by voltage: the same patch with the
//! voltage plugged and without, in turn, in one thread.

use std::time::Instant;

use sostenuto_benches::rigs::{block_secs, patch, render};
use sostenuto_benches::samples::Samples;
use sostenuto_benches::table::{Row, Table, Target};
use sostenuto_benches::times;
use sostenuto_host::render::{ComputedBy, Render};
use sostenuto_patch::{Edit, Patch, apply};

const FRAMES: u32 = 128;
/// Modules with two knobs each, on scales of equal ratios: those are the dearest.
const MODULES: usize = 100;
const BLOCKS: usize = 200;

fn main() {
    let table = Table::begin("scenes");
    let (mut still, mut moved) = (led(false), led(true));
    let (mut costs, mut shares) = (Samples::default(), Samples::default());
    for _ in 0..times(40, 3) {
        let [without, with] = [&mut still, &mut moved].map(secs_per_block);
        costs.push((with - without) * 1e6);
        shares.push((with - without) / block_secs(FRAMES) * 100.0);
    }
    let knobs = 2 * MODULES;
    let what = format!("{knobs} knobs morphed, a block");
    table.row(&Row::median(&what, "us", &costs));
    let what = format!("the same, of a block of {FRAMES} frames");
    table.row(&Row::median(&what, "%", &shares).target(Target::Below(2.0)));
}

fn secs_per_block(render: &mut Render) -> f64 {
    let began = Instant::now();
    for _ in 0..BLOCKS {
        std::hint::black_box(render.block());
    }
    began.elapsed().as_secs_f64() / BLOCKS as f64
}

/// All knobs in two scenes, and a voltage that morphs between them, or ends elsewhere.
fn led(is_moved: bool) -> Render {
    let mut modules: Vec<String> = (0..MODULES).map(|n| format!("slew-{n} slew")).collect();
    let more = ["lfo lfo rate=1", "scenes scenes last=2", "mult mult", "out audio-out"];
    modules.extend(more.map(str::to_owned));
    let to = if is_moved { "scenes.morph" } else { "mult.a" };
    let mut patch: Patch = patch(&modules, &[format!("lfo.sine -> {to}")]);
    for (number, secs) in [(1, 0.01), (2, 2.0)] {
        let title = Some(String::new());
        apply(&mut patch, Edit::SetScene { number, title }).expect("it is a scene");
        for n in 0..MODULES {
            let module = format!("slew-{n}").parse().expect("a name");
            let values = Some([("rise".into(), secs), ("fall".into(), secs)].into());
            let keep = Edit::KeepInScene { module, number, values };
            apply(&mut patch, keep).expect("it has such knobs");
        }
    }
    render(&patch, FRAMES, ComputedBy::InProcess)
}
