use proptest::prelude::*;
use sostenuto_modules::own::Code;
use sostenuto_modules::rig::Rig;

use super::compile;
use super::emit::FUNCTIONS;
use crate::check::check;
use crate::compile::compile as compile_wasm;
use crate::run::alone;
use crate::trial::properties;

const FACTS: &str = "sostenuto 1
title Tried
input in
input voct
output out
output other-out
param drive linear 0 10 2 -
choice mode soft|hard hard
program
";

fn rig(program: &str) -> Rig {
    let wasm = compile(&format!("{FACTS}{program}")).unwrap_or_else(|error| panic!("{error}"));
    let clip = compile_wasm(&wasm).unwrap_or_else(|error| panic!("{error}\n{program}"));
    let mut rig = Rig::named(Code::NAME, 1000.0);
    rig.clip(clip, 1, 0.0).runs(Box::new(alone())).set("knob-1", 2.0).set("knob-2", 1.0);
    rig
}

fn last(program: &str) -> f32 {
    *rig(program).feed("in-1", |_, _| 3.0).run(64).main().last().unwrap()
}

#[test]
fn it_reckons_as_everybody_does() {
    let cases = [
        ("out = 1 + 2 * 3 - 4 / 2", 5.0),
        ("out = (1 + 2) * 3", 9.0),
        ("out = -in + 10 % 4", -1.0),
        ("out = -1 % 4", 3.0),
        ("out = in * drive + mode", 7.0),
        ("out = 1 < 2 and 2 <= 2 and 3 > 2 and 2 >= 2 and 1 == 1 and 1 != 2", 1.0),
        ("out = not (1 < 2 or 2 < 1)", 0.0),
        ("out = if(in > 2, 5, 6)", 5.0),
        ("let a = 4; let b = a * a\nout = b", 16.0),
        ("if in > 2 { out = 7 } else { out = 8 }", 7.0),
        ("if in > 5 {\n out = 7\n} else {\n out = 8\n}", 8.0),
        ("let sum = 0\nfor i in 1..5 { sum = sum + i }\nout = sum", 10.0),
        ("let n = 0\nfor i in 0..3 { for j in 0..4 { n = n + 1 } }\nout = n", 12.0),
        ("for i in 5..5 { out = 1 }", 0.0),
        ("table t 8\nt[9] = 2; t[-1] = 3\nout = t[1] * 10 + t[7]", 23.0),
        ("out = clamp(in, -1, 1) + clamp(-in, -1, 1) + min(1, 2) + max(1, 2)", 3.0),
        ("out = exp2(3) + abs(-1) + sqrt(16) + floor(1.9) + round(2.6)", 17.0),
        ("out = pitch(1)", 100.0),
        ("other_out = 5\nout = other_out", 5.0),
        ("out = sample_rate / 20 # a comment", 50.0),
        ("", 0.0),
    ];
    for (program, expected) in cases {
        let is = last(program);
        assert!((is - expected).abs() < 1e-4, "{program}: {is}, not {expected}");
    }
    let close = |program: &str, expected: f64| {
        let is = f64::from(last(program));
        assert!((is - expected).abs() < 1e-5, "{program}: {is}, not {expected}");
    };
    close("out = tanh(0.7)", 0.7f64.tanh());
    close("out = tanh(-20)", -1.0);
    close("out = exp(1.5)", 1.5f64.exp());
    close("out = sine(0.125)", std::f64::consts::FRAC_1_SQRT_2);
    close("out = saw(2.75)", 0.5);
    close("out = pi", std::f64::consts::PI);
}

#[test]
fn each_channel_remembers_by_itself() {
    let mut rig = rig("state sum = 10\nsum = sum + in\nout = sum\nother_out = z(in)");
    rig.feed_channels("in-1", 9, |channel, frame| if frame < 4 { channel as f32 } else { 0.0 });
    let out = rig.run(32);
    assert_eq!(out.channel("out-1", 8)[31], 42.0);
    assert_eq!(out.channel("out-1", 0)[31], 10.0);
    assert_eq!(out.channel("out-2", 8)[..6], [0.0, 8.0, 8.0, 8.0, 8.0, 0.0]);
    // Channels that are gone come back as new.
    rig.feed_channels("in-1", 2, |_, _| 0.0).run(64);
    rig.feed_channels("in-1", 9, |_, _| 0.0);
    assert_eq!(rig.run(320).channel("out-1", 8)[319], 10.0);
    assert_eq!(rig.run(320).channel("out-1", 1)[319], 14.0);
}

#[test]
fn a_gate_rises_once_and_chance_is_another_in_each_channel() {
    let mut counts = rig("state n\nif rises(in) { n = n + 1 }\nout = n");
    counts.feed("in-1", |_, frame| if frame % 10 < 5 { 5.0 } else { 0.0 });
    assert_eq!(*counts.run(100).main().last().unwrap(), 10.0);
    let mut chance = rig("out = random()");
    let out = chance.feed_channels("in-1", 2, |_, _| 0.0).run(3200);
    let [left, right] = [0, 1].map(|channel| out.channel("out-1", channel).to_vec());
    assert_ne!(left, right);
    for volts in [left, right] {
        let mean = volts.iter().sum::<f32>() / volts.len() as f32;
        assert!((0.45..0.55).contains(&mean) && volts.iter().all(|v| (0.0..1.0).contains(v)));
    }
}

#[test]
fn a_program_keeps_what_patches_rely_on() {
    let text = "sostenuto 1\ntitle Voice\ninput voct\ninput gate\noutput out\nparam decay log 0.01 2 0.3 s\nprogram
state phase; state level; table echo 32; state at
phase = (phase + pitch(clamp(voct, -5, 5)) / sample_rate) % 1
level = level * (1 - 1 / (decay * sample_rate))
if rises(gate) { level = 5 }
let now = saw(phase) * level + 0.5 * echo[at]
echo[at] = now
at = (at + 1) % 32
out = tanh(now)
";
    let clip = compile_wasm(&compile(text).unwrap()).unwrap();
    for (what, result) in properties(&clip) {
        assert_eq!(result, Ok(()), "{what}");
    }
}

#[test]
fn states_and_tables_are_kept_over_a_change_of_the_program() {
    let wasm = compile(&format!("{FACTS}state a = 1; table b 4\nout = a")).unwrap();
    let kept: Vec<_> = check(&wasm).unwrap().own.kept.iter().map(|kept| kept.bytes()).collect();
    assert_eq!(kept, [64, 256]);
}

#[test]
fn every_function_is_among_the_words() {
    assert!(FUNCTIONS.iter().all(|(name, _)| super::WORDS.contains(name)));
}

#[test]
fn what_means_nothing_is_told_with_its_line() {
    let cases = [
        ("out = 1 +", 1, "the line ends"),
        ("\n\nout = foo", 3, "`foo`"),
        ("out = 1 2", 1, "the end of the line"),
        ("let in = 2", 1, "something else"),
        ("let a = 1\nlet a = 2", 2, "something else"),
        ("in = 2", 1, "cannot be set"),
        ("drive = 2", 1, "cannot be set"),
        ("for i in 0..3 { i = 2 }", 1, "cannot be set"),
        ("for i in 0..9999 { }", 1, "whole number"),
        ("out = drive[1]", 1, "no table"),
        ("table t 4\nout = t", 2, "t[0]"),
        ("table t 4\nt = 1", 2, "t[0]"),
        ("table t 4000", 1, "64 KiB"),
        ("out = foo(1)", 1, "there is no `foo()`"),
        ("out = min(1)", 1, "takes 2"),
        ("if in { out = 1", 1, "`}`"),
        ("out = in & 1", 1, "means nothing"),
        ("if in > 1 { let a = 1 }\nout = a", 2, "`a`"),
        ("out = (1", 1, "`)`"),
    ];
    for (program, line, part) in cases {
        let error = compile(&format!("{FACTS}{program}")).expect_err(program);
        let before = FACTS.lines().count();
        assert_eq!(error.line, before + line, "{program}: {error}");
        assert!(error.to_string().contains(part), "{program}: {error}");
    }
    let deep = format!("out = {}1{}", "(".repeat(9000), ")".repeat(9000));
    assert!(compile(&format!("{FACTS}{deep}")).is_err());
    let long = format!("out = 1{}", " + 1".repeat(9000));
    assert!(compile(&format!("{FACTS}{long}")).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Words and signs in any order are told, or are a module that is finite.
    #[test]
    fn any_program_is_told_or_plays(words in prop::collection::vec(0..40usize, 0..60)) {
        const WORDS: [&str; 23] = [
            "out", "in", "drive", "=", "(", ")", "{", "}", "[", "]", "\n", "1", "0.5", "+", "/",
            "if", "let", "state", "table", "a", "for", ",", "..",
        ];
        let word = |&index: &usize| match WORDS.get(index) {
            Some(word) => (*word).to_owned(),
            None => FUNCTIONS[(index - WORDS.len()) % FUNCTIONS.len()].0.to_owned(),
        };
        let program: Vec<String> = words.iter().map(word).collect();
        if let Ok(wasm) = compile(&format!("{FACTS}{}", program.join(" "))) {
            prop_assert!(check(&wasm).is_ok());
        }
    }

    /// Values of any shape are valid code, and what they make is finite or begins anew.
    #[test]
    fn any_value_is_valid_code(seed: u64) {
        let mut bits = seed;
        let value = any_value(&mut bits, 5);
        let program = format!("state s = 1\ntable t 5\nlet a = in\nout = {value}\ns = out\n");
        let wasm = compile(&format!("{FACTS}{program}"));
        let wasm = wasm.map_err(|error| TestCaseError::fail(format!("{error}\n{program}")))?;
        prop_assert!(check(&wasm).is_ok(), "{program}");
    }
}

fn any_value(bits: &mut u64, depth: usize) -> String {
    *bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    let choice = (*bits >> 33) as usize;
    if depth == 0 || choice.is_multiple_of(4) {
        return ["in", "drive", "s", "a", "2.5", "voct", "pi", "t[3]"][choice / 4 % 8].to_owned();
    }
    let mut next = || any_value(bits, depth - 1);
    if choice % 4 == 1 {
        let (name, count) = FUNCTIONS[choice / 4 % FUNCTIONS.len()];
        let values: Vec<String> = (0..count).map(|_| next()).collect();
        return format!("{name}({})", values.join(", "));
    }
    let operator = ["+", "-", "*", "/", "%", "<", "and", "or", "=="][choice / 4 % 9];
    format!("({} {operator} {})", next(), next())
}
