//! Whether the fonts that are shipped can write what the window says.

use std::path::Path;

use eframe::egui::{Color32, Context, FontId, RawInput};
use sostenuto_modules::catalog::CATALOG;
use sostenuto_modules::param::Taper;
use sostenuto_patch::factory::{PATCHES, TEMPLATES};

/// Everything that the catalogue and the factory patches say.
fn catalogue() -> Vec<String> {
    let mut texts = Vec::new();
    for entry in CATALOG.iter() {
        let about = entry.about;
        texts.extend([about.name, about.title, about.summary].map(str::to_owned));
        texts.extend(about.aliases.iter().map(|alias| (*alias).to_owned()));
        for port in about.inputs.iter().chain(about.outputs) {
            texts.extend([port.name, port.help].map(str::to_owned));
        }
        for param in about.params {
            texts.extend([param.name, param.help, param.unit.suffix()].map(str::to_owned));
            if let Taper::Choice(words) = param.taper {
                texts.extend(words.iter().map(|word| (*word).to_owned()));
            }
        }
    }
    for own in PATCHES.iter().chain(TEMPLATES) {
        let patch = own.patch();
        texts.extend(patch.comments.into_values().map(|comment| comment.text));
        texts.extend([patch.title, patch.description]);
    }
    texts
}

/// Every line of the window's own code that may be shown: without comments and tests.
fn code(folder: &Path, lines: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            code(&path, lines);
        } else if path.extension().is_some_and(|ending| ending == "rs")
            && path.file_stem().is_some_and(|stem| stem != "tests")
        {
            let text = std::fs::read_to_string(&path).unwrap();
            let shipped = text.split("#[cfg(test)]").next().unwrap_or_default();
            let is_shown = |line: &&str| !line.trim_start().starts_with("//");
            lines.extend(shipped.lines().filter(is_shown).map(str::to_owned));
        }
    }
}

#[test]
fn every_letter_that_is_shown_is_in_a_font_that_is_shipped() {
    let ctx = Context::default();
    ctx.set_fonts(crate::theme::fonts());
    let mut output = ctx.run_ui(RawInput::default(), |_| {});
    output.textures_delta.clear();
    let mut texts = catalogue();
    assert!(texts.len() > 2000);
    code(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut texts);
    let mut missing = std::collections::BTreeSet::new();
    ctx.fonts_mut(|fonts| {
        // Where it lies in the atlas: what no font has is drawn as one and the same.
        let mut drawn = |letter: char| {
            let font = FontId::proportional(14.0);
            let galley = fonts.layout_no_wrap(letter.to_string(), font, Color32::WHITE);
            let uv = galley.rows[0].row.glyphs[0].uv_rect;
            (uv.min, uv.max)
        };
        let none = drawn('\u{10FFFD}');
        for text in &texts {
            let is_drawn = |letter: &char| !letter.is_control() && !letter.is_whitespace();
            for letter in text.chars().filter(is_drawn) {
                if drawn(letter) == none {
                    missing.insert((letter, text.trim().to_owned()));
                }
            }
        }
    });
    assert!(missing.is_empty(), "{missing:#?}");
}
