//! Modules of every kind: those that play, and those that are refused.

use proptest::prelude::*;
use sostenuto_dsp::units::QUANTUM;
use sostenuto_modules::own::Code;
use sostenuto_modules::rig::Rig;

use super::check::{WasmError, check};
use super::compile::{compile, read_answer, serve};
use super::facts::with_facts;
use super::run::{alone, pair};
use super::text::{TextError, text, wasm};

const FACTS: &str = "sostenuto 1\ntitle One\ninput in\noutput out\nparam gain linear 0 4 2 -\n";

/// Where `io` says that head, params, inputs and outputs lie.
const IO: usize = 1024;
const PARAM: usize = IO + 144;
const IN: usize = PARAM + 4 * QUANTUM;
const OUT: usize = IN + 4 * QUANTUM * 16;

/// A module that does `each` for every sample, whose place is `$at` in ports: what it
/// leaves is the sample that goes out.
fn sample_by_sample(facts: &str, more: &str, each: &str) -> Vec<u8> {
    let wat = format!(
        r#"(module
            (import "sostenuto" "exp2" (func $exp2 (param f32) (result f32)))
            (import "sostenuto" "sine" (func $sine (param f32) (result f32)))
            (memory (export "memory") 1)
            (func (export "io") (result i32) (i32.const {IO}))
            {more}
            (func (export "process")
                (local $at i32) (local $end i32)
                (local.set $at (i32.mul (i32.load (i32.const {first})) (i32.const 64)))
                (local.set $end (i32.mul (i32.load (i32.const {end})) (i32.const 64)))
                (loop $next
                    (f32.store offset={OUT} (local.get $at) {each})
                    (local.set $at (i32.add (local.get $at) (i32.const 4)))
                    (br_if $next (i32.lt_u (local.get $at) (local.get $end))))))"#,
        first = IO + 4,
        end = IO + 8,
    );
    build(facts, &wat)
}

fn build(facts: &str, wat: &str) -> Vec<u8> {
    let wasm = wat::parse_str(wat).unwrap_or_else(|error| panic!("{error}\n{wat}"));
    with_facts(&wasm, facts)
}

fn times(factor: f32) -> String {
    format!("(f32.mul (f32.load offset={IN} (local.get $at)) (f32.const {factor}))")
}

/// It counts the samples that it has made, in its memory, and puts the count out.
const COUNTS: &str = "(block (result f32)
    (f32.store (i32.const 512) (f32.add (f32.load (i32.const 512)) (f32.const 1)))
    (f32.load (i32.const 512)))";

fn rig(wasm: &[u8]) -> Rig {
    let clip = compile(wasm).unwrap_or_else(|error| panic!("{error}"));
    let mut rig = Rig::named(Code::NAME, 48_000.0);
    rig.clip(clip, 1, 0.0).runs(Box::new(alone()));
    rig
}

fn refused(wasm: &[u8]) -> WasmError {
    compile(wasm).expect_err("it is to be refused")
}

#[test]
fn channels_go_in_and_out_and_a_mono_cable_reaches_all() {
    let mut rig = rig(&sample_by_sample(FACTS, "", &times(3.0)));
    rig.feed_channels("in-1", 11, |channel, frame| channel as f32 + frame as f32);
    let out = rig.run(100);
    assert_eq!(out.channels("out-1"), 11);
    assert_eq!(out.channel("out-1", 10)[99], 3.0 * 109.0);
    assert_eq!(out.channel("out-2", 0)[99], 0.0);
}

#[test]
fn a_knob_is_heard_frame_by_frame_and_ours_are_there() {
    let knob = format!("(f32.load offset={PARAM} (i32.shr_u (local.get $at) (i32.const 4)))");
    let wasm = sample_by_sample(FACTS, "", &knob);
    let mut rig = rig(&wasm);
    rig.set("knob-1", 0.75);
    assert_eq!(rig.run(100).main()[99], 0.75);
    let ours = "(f32.add (call $exp2 (f32.const 3)) (call $sine (f32.const 0.25)))";
    let out = self::rig(&sample_by_sample(FACTS, "", ours)).run(32);
    assert!((out.main()[5] - 9.0).abs() < 1e-5);
}

#[test]
fn frame_by_frame_and_from_any_block_on_it_is_the_same() {
    let wasm = sample_by_sample(FACTS, "(data (i32.const 512) \"\\00\\00\\80\\3f\")", COUNTS);
    let whole = rig(&wasm).run(320).main().to_vec();
    assert_eq!(&whole[..3], [2.0, 18.0, 34.0], "sixteen lanes a frame");
    let mut by_frames = rig(&wasm);
    by_frames.frame_by_frame();
    assert_eq!(by_frames.run(320).main(), whole);

    // A takeover: another process, with nothing but the committed state.
    let mut first = rig(&wasm);
    first.run(160);
    let committed = first.committed();
    let lost = first.run(64).main().to_vec();
    first.take_over(&committed).runs(Box::new(alone()));
    assert_eq!(first.run(64).main(), lost);
}

#[test]
fn globals_are_remembered_with_the_memory() {
    let more = "(global $n (mut i64) (i64.const 5))";
    let each = "(block (result f32)
        (global.set $n (i64.add (global.get $n) (i64.const 1)))
        (f32.convert_i64_s (global.get $n)))";
    let wasm = sample_by_sample(FACTS, more, each);
    let mut rig = rig(&wasm);
    rig.run(64);
    let committed = rig.committed();
    let went_on = rig.run(32).main().to_vec();
    rig.take_over(&committed).runs(Box::new(alone()));
    assert_eq!(rig.run(32).main(), went_on);
}

#[test]
fn a_new_code_keeps_what_both_keep_and_does_not_click() {
    let facts = format!("{FACTS}keep count f32\n");
    let more = r#"(global (export "count") i32 (i32.const 512))"#;
    let one = sample_by_sample(&facts, more, COUNTS);
    // It lies elsewhere in the other.
    let other = more.replace("512", "600");
    let each = COUNTS.replace("512", "600");
    let other = sample_by_sample(&facts, &other, &format!("(f32.neg {each})"));
    let mut rig = rig(&one);
    let before = *rig.run(64).main().last().unwrap();
    rig.clip(compile(&other).unwrap(), 1, 0.0);
    let after = rig.run(640).main().to_vec();
    assert!((after[0] - before).abs() < 40.0, "it fades from {before} to the other: {after:?}");
    assert_eq!(after[639], -(before + 16.0 * 640.0));
}

#[test]
fn channels_that_are_gone_are_told() {
    let more = r#"(func (export "forget") (param i32)
        (f32.store (i32.const 512) (f32.convert_i32_u (local.get 0))))"#;
    let mut rig = rig(&sample_by_sample(FACTS, more, "(f32.load (i32.const 512))"));
    rig.feed_channels("in-1", 4, |_, _| 0.0).run(64);
    rig.feed_channels("in-1", 2, |_, _| 0.0).run(64);
    assert_eq!(rig.run(640).channel("out-1", 0)[639], 12.0);
}

#[test]
fn what_stops_while_it_plays_begins_anew_and_never_takes_its_process_along() {
    let fails = |what: &str| {
        let when = format!(
            "(if (f32.gt (f32.load offset={IN} (local.get $at)) (f32.const 1)) (then {what}))"
        );
        let each = format!("(block (result f32) {when} (f32.const 4))");
        let more = "(func $deep (call $deep))";
        let mut rig = rig(&sample_by_sample(FACTS, more, &each));
        rig.feed("in-1", |_, frame| if frame == 70 { 5.0 } else { 0.0 });
        let out = rig.run(320).main().to_vec();
        assert_eq!(out[40], 4.0, "{what}");
        assert!(out.iter().all(|volts| volts.is_finite()), "{what}");
        assert_eq!(out[319], 4.0, "{what}: it plays on");
    };
    fails("(unreachable)");
    fails("(loop $ever (br $ever))");
    fails("(call $deep)");
    fails("(drop (i32.load (i32.const 65536)))");
    fails("(drop (i32.div_u (i32.const 1) (i32.const 0)))");
}

#[test]
fn what_breaks_the_contract_is_refused_with_a_sentence() {
    let good = sample_by_sample(FACTS, "", &times(1.0));
    assert_eq!(refused(b"\0asm"), refused(b"\0asm"));
    let says = |wasm: &[u8], part: &str| {
        let error = refused(wasm);
        assert!(error.to_string().contains(part), "{error}");
    };
    says(b"RIFF", "no WebAssembly");
    says(&good[..good.len() / 2], "no WebAssembly");
    says(&vec![0; 1 << 20], "too long");
    says(&wat::parse_str("(module)").unwrap(), "no facts");
    says(&build(FACTS, "(module)"), "`io`");
    says(&build("sostenuto 9\n", "(module)"), "first line");
    let with = |more: &str| sample_by_sample(FACTS, more, &times(1.0));
    says(&with("(func (export \"start\") (param i32))"), "`start`");
    says(
        &with("(table 1 funcref) (func (table.copy (i32.const 0) (i32.const 0) (i32.const 1)))"),
        "table",
    );
    says(&with("(data $d \"x\") (func (data.drop $d))"), "data");
    says(&with("(global (mut v128) (v128.const i32x4 0 0 0 0))"), "no number");
    says(&with(&"(global (mut i32) (i32.const 0))".repeat(9)), "9 numbers");
    says(&with("(func (export \"x\") (param i32) unreachable (memory.size 1))"), "no WebAssembly");
    says(&with("(func $s unreachable) (start $s)"), "tried with silence");
    says(&with("(func (export \"start\") unreachable)"), "tried with silence");
    says(&sample_by_sample(&format!("{FACTS}keep phase f32\n"), "", &times(1.0)), "`phase`");
    let many: String = (2..9).map(|n| format!("input i{n}\noutput o{n}\n")).collect();
    let far = sample_by_sample(&format!("{FACTS}{many}"), "", &times(1.0));
    assert!(compile(&far).is_ok(), "sixteen ports fit");

    let import = |import: &str| build(FACTS, &format!("(module {import})"));
    says(&import(r#"(import "env" "sinf" (func (param f32) (result f32)))"#), "env.sinf");
    says(&import(r#"(import "sostenuto" "exp2" (func))"#), "sostenuto.exp2");
    says(&import(r#"(import "env" "memory" (memory 1))"#), "env.memory");
    let io = r#"(func (export "io") (result i32) (i32.const 8)) (func (export "process"))"#;
    let memory = |memory: &str| build(FACTS, &format!("(module {io} {memory})"));
    says(&memory(r#"(memory (export "memory") 2)"#), "131072");
    says(&memory(r#"(memory (export "memory") 65536)"#), "4294967296");
    says(&memory("(memory 1)"), "exported as `memory`");
    says(&memory(r#"(memory (export "memory") 1)"#), "multiple of 16");
}

#[test]
fn a_text_carries_facts_and_code() {
    let module = sample_by_sample(FACTS, "", &times(2.0));
    let carried = text(&module).unwrap();
    assert!(carried.starts_with(FACTS));
    assert_eq!(wasm(&carried), Ok(module));
    assert_eq!(wasm(FACTS), Err(TextError::NoCode));
    assert_eq!(wasm("code !!"), Err(TextError::Damaged));
}

#[test]
fn a_compiler_answers_with_a_clip_or_a_sentence() {
    let answer = |wasm: &[u8]| {
        let mut answer = Vec::new();
        serve(wasm, &mut answer).unwrap();
        read_answer(&answer).unwrap()
    };
    let module = sample_by_sample(FACTS, "", &times(2.0));
    assert!(answer(&module).is_ok());
    assert!(answer(b"nothing").unwrap_err().contains("no WebAssembly"));
    assert_eq!(read_answer(b""), None);
}

#[test]
fn what_was_made_ready_elsewhere_is_not_made_again() {
    let clip = compile(&sample_by_sample(FACTS, "", &times(2.0))).unwrap();
    let (runner, mut loader) = pair();
    loader.load(&clip, 1);
    let mut rig = Rig::named(Code::NAME, 48_000.0);
    rig.clip(&clip[..], 1, 0.0).runs(Box::new(runner)).feed("in-1", |_, _| 1.0);
    assert_no_alloc::assert_no_alloc(|| rig.quantum());
    assert_eq!(rig.run(32).main()[0], 2.0);
}

/// How many cases are tried; by hand, as many as one has time for.
fn cases() -> u32 {
    std::env::var("SOSTENUTO_WASM_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(400)
}

/// A generator's module, with the functions that ours export where it has them.
fn generated(bytes: &[u8]) -> Option<Vec<u8>> {
    let config = wasm_smith::Config {
        allow_start_export: true,
        export_everything: true,
        gc_enabled: false,
        max_imports: 2,
        min_memories: 1,
        max_memories: 1,
        memory64_enabled: false,
        max_memory32_bytes: 65_536,
        memory_max_size_required: true,
        threads_enabled: false,
        ..wasm_smith::Config::default()
    };
    let mut chance = arbitrary::Unstructured::new(bytes);
    let module = wasm_smith::Module::new(config, &mut chance).ok()?;
    Some(with_facts(&module.to_bytes(), FACTS))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases()))]

    #[test]
    fn whatever_a_generator_makes_is_refused_with_a_sentence(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        if let Some(Err(error)) = generated(&bytes).map(|module| compile(&module)) {
            prop_assert!(error.to_string().len() > 20);
        }
    }

    #[test]
    fn a_damaged_module_is_refused_or_plays(at in any::<prop::sample::Index>(), byte: u8, cut in any::<prop::sample::Index>()) {
        let mut module = sample_by_sample(FACTS, "", COUNTS);
        let at = at.index(module.len());
        module[at] = byte;
        let _ = check(&module);
        if let Ok(clip) = compile(&module) {
            let mut rig = Rig::named(Code::NAME, 48_000.0);
            let out = rig.clip(clip, 1, 0.0).runs(Box::new(alone())).run(64);
            prop_assert!(out.main().iter().all(|volts| volts.is_finite()));
        }
        prop_assert!(check(&module[..cut.index(module.len())]).is_err());
    }
}
