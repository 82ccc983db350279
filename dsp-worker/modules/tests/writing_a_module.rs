//! The page that teaches how to write a module shows one that is compiled,
//! tested and in the catalogue.

use sostenuto_modules::rig::Rig;

const PAGE: &str = include_str!("../../../docs/writing-a-module.md");
const MODULE: &str = include_str!("../src/modules/tremolo.rs");
const MODULES: &str = include_str!("../src/modules.rs");
const CATALOG: &str = include_str!("../src/catalog.rs");

/// What stands between lines of three backticks, where the first goes on with
/// that word.
fn blocks(language: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut open: Option<(bool, String)> = None;
    for line in PAGE.lines() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(word)) => open = Some((word == language, String::new())),
            (Some(_), Some(_)) => {
                blocks.extend(open.take().filter(|block| block.0).map(|block| block.1));
            }
            (Some((_, text)), None) => *text += &format!("{line}\n"),
            (None, None) => {}
        }
    }
    blocks
}

/// Without empty lines, which a page has elsewhere.
fn lines(text: &str) -> Vec<&str> {
    text.lines().filter(|line| !line.trim().is_empty()).collect()
}

#[test]
fn the_blocks_of_the_page_are_the_modules_file() {
    let page = blocks("rust").concat();
    assert_eq!(lines(&page), lines(MODULE));
}

#[test]
fn the_two_lines_of_the_page_are_where_it_says() {
    let [in_modules, in_catalog] = &blocks("rust,line")[..] else { panic!("there are two") };
    assert!(MODULES.contains(in_modules.as_str()), "{in_modules}");
    assert!(CATALOG.contains(in_catalog.as_str()), "{in_catalog}");
}

#[test]
fn the_module_of_the_page_can_be_played() {
    let mut rig = Rig::named("tremolo", 48_000.0);
    let out = rig.set("depth", 1.0).feed("in", |_, _| 5.0).run(48_000);
    let (low, high) = (0.01, 4.99);
    assert!(out.main().iter().any(|&volts| volts < low));
    assert!(out.main().iter().any(|&volts| volts > high));
}
