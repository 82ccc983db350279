//! The page that teaches how to write a module of one's own shows modules that play.

use sostenuto_modules::rig::Rig;
use sostenuto_wasm::check::check;
use sostenuto_wasm::compile::compile;
use sostenuto_wasm::project::C_PROJECT;
use sostenuto_wasm::run::alone;
use sostenuto_wasm::text::wasm;
use sostenuto_wasm::trial::properties;

const PAGE: &str = include_str!("../../../docs/sdk.md");

/// What stands in the block that begins with that word.
fn block(word: &str) -> String {
    let start = format!("```{word}\n");
    let (_, rest) = PAGE.split_once(&start).unwrap_or_else(|| panic!("there is a block {word}"));
    rest.split_once("```").expect("it ends").0.to_owned()
}

#[test]
fn the_program_of_the_page_plays_as_it_says() {
    let text = block("text,program");
    let wasm = wasm(&text).unwrap();
    assert_eq!(check(&wasm).unwrap().own.about.title, "Strum");
    let clip = compile(&wasm).unwrap();
    for (what, result) in properties(&clip) {
        assert_eq!(result, Ok(()), "{what}");
    }
    let mut rig = Rig::named("code", 48_000.0);
    rig.clip(clip, 1, 0.0).runs(Box::new(alone())).set("knob-1", 0.5);
    rig.feed("in-2", |_, frame| if (4800..9600).contains(&frame) { 10.0 } else { 0.0 });
    let out = rig.run(48_000).main().to_vec();
    let peak = |frames: &[f32]| frames.iter().fold(0.0f32, |peak, volts| peak.max(volts.abs()));
    assert_eq!(peak(&out[..4800]), 0.0, "nobody has plucked it");
    assert!((3.0..=5.0).contains(&peak(&out[4800..9600])));
    assert!(peak(&out[43_000..]) < 0.2, "it has died away");
}

#[test]
fn the_module_in_c_of_the_page_is_that_of_a_new_project() {
    let (_, module) = C_PROJECT.iter().find(|(name, _)| *name == "module.c").unwrap();
    assert_eq!(block("c"), *module);
}

/// What the words of the language are, the page says.
#[test]
fn the_page_has_every_word_of_the_language() {
    for word in sostenuto_wasm::language::WORDS {
        assert!(PAGE.contains(&format!("`{word}")) || PAGE.contains(&format!(" {word}")), "{word}");
    }
}
