//! `sostenuto modules`: the catalogue, for the eye and for programs.

use std::io::Write;

use clap::Args;
use sostenuto_modules::catalog::{CATALOG, Entry};
use sostenuto_modules::clip::Text;
use sostenuto_modules::module::Port;
use sostenuto_modules::param::{Param, Taper};

/// Lists every module, with its ports and params
#[derive(Args)]
pub struct Modules {
    /// Only the module of this name
    name: Option<String>,

    /// As JSON, for programs
    #[arg(long)]
    json: bool,
}

impl Modules {
    /// Lists them.
    pub fn run(&self) -> anyhow::Result<()> {
        let mut out = std::io::stdout().lock();
        if let Some(name) = &self.name {
            sostenuto_patch::find_kind(name)?;
        }
        let is_wanted =
            |entry: &&Entry| self.name.as_ref().is_none_or(|name| name == entry.about.name);
        let entries: Vec<&Entry> = CATALOG.iter().filter(is_wanted).collect();
        if self.json {
            serde_json::to_writer_pretty(&mut out, &entries)?;
            writeln!(out)?;
            return Ok(());
        }
        for entry in entries {
            describe(&mut out, entry)?;
        }
        Ok(())
    }
}

fn describe(out: &mut impl Write, entry: &Entry) -> std::io::Result<()> {
    let about = entry.about;
    writeln!(out, "{} ({}): {}", about.title, about.name, about.summary)?;
    let ports = |out: &mut dyn Write, word: &str, ports: &[Port]| {
        ports.iter().try_for_each(|port| writeln!(out, "  {word:6} {:16} {}", port.name, port.help))
    };
    ports(out, "in", about.inputs)?;
    ports(out, "out", about.outputs)?;
    for param in about.params {
        let (name, help, default) = (param.name, param.help, param.show(param.default));
        writeln!(out, "  param  {name:16} {help} [{}; {default}]", range(param))?;
    }
    about.text.map_or(Ok(()), |form| writeln!(out, "  text   {}", form_of(form)))?;
    writeln!(out)
}

fn range(param: &Param) -> String {
    match param.taper {
        Taper::Choice(words) => words.join(", "),
        _ => [param.range.start(), param.range.end()].map(|&end| param.show(end)).join(" … "),
    }
}

fn form_of(text: Text) -> &'static str {
    match text {
        Text::Sound => {
            "the path of a sound (WAV, AIFF, FLAC, OGG Vorbis or MP3), or factory:NAME.wav"
        }
        Text::Wavetable => {
            "the path of a sound of cycles (WAV, AIFF, FLAC, OGG Vorbis or MP3), or factory:NAME.wav"
        }
        Text::Formula => FORMULA,
        Text::Notes => NOTES,
        Text::Tuning => TUNING,
        Text::Automation => {
            "lanes, a line each: MODULE.PARAM, then beats and values in turn, such as ladder.cutoff 0 440 0.5 880"
        }
        Text::Code => {
            "a module of your own: its facts, and its program or its code in WebAssembly; docs/sdk.md has all of it"
        }
        Text::Words => "words",
    }
}

const FORMULA: &str = "a formula of a, b, c, d (inputs, in volts), x, y, z (params) and t \
                       (seconds), with + - * / % ^, < <= > >= == !=, and or not, \
                       if(c, then, else), min max clamp abs sign floor ceil round sqrt exp log \
                       sin cos tan tanh, pi and tau";
const NOTES: &str = "notes: START LENGTH PITCH VELOCITY, parted by semicolons or lines; in beats, \
                     C4 or volts, and 0 to 1, as in 0 0.5 C4 0.8; 0.5 0.5 Eb4. A line `tuning \
                     PATH` tunes them by a Scala file, or by factory:NAME.scl";
const TUNING: &str = "the paths of Scala files, a line each: a scale (.scl, or factory:NAME.scl), a \
                      keyboard mapping (.kbm), or both";

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use super::*;
    use sostenuto_editor::browser::tag_title;

    /// The text of `docs/modules.md`.
    fn manual() -> String {
        let mut text = String::from(
            "# Modules\n\n\
             <!-- Made from the catalogue by `UPDATE_DOCS=1 cargo test -p sostenuto --lib manual`. -->\n\n\
             Audio is ±5 V around 0 V, a gate is on above 1 V, and a pitch is 1 V an octave with C4 at \
             0 V. An input called as a param moves it. Cables into one input add up, and carry up to 16 \
             channels. `sostenuto modules NAME` says the same.\n",
        );
        let mut shelves = Vec::new();
        CATALOG.iter().map(|entry| entry.about.tags[0]).for_each(|shelf| {
            if !shelves.contains(&shelf) {
                shelves.push(shelf);
            }
        });
        for shelf in shelves {
            write!(text, "\n## {}\n", tag_title(shelf)).unwrap();
            let on_it = CATALOG.iter().filter(|entry| entry.about.tags[0] == shelf);
            on_it.for_each(|entry| write_entry(&mut text, entry));
        }
        text
    }

    fn write_entry(text: &mut String, entry: &Entry) {
        let about = entry.about;
        write!(text, "\n### {}\n\n`{}` {}.\n\n", about.title, about.name, about.summary).unwrap();
        let ports = [("in", about.inputs), ("out", about.outputs)];
        for (way, port) in
            ports.iter().flat_map(|(way, ports)| ports.iter().map(move |port| (way, port)))
        {
            writeln!(text, "- *{way}* **{}** {}", port.name, port.help).unwrap();
        }
        for param in about.params {
            let (name, help, default) = (param.name, param.help, param.show(param.default));
            let range = range(param);
            writeln!(text, "- *param* **{name}** {help} ({range}; {default})").unwrap();
        }
        if let Some(form) = about.text {
            writeln!(text, "- *text* {}", form_of(form)).unwrap();
        }
    }

    #[test]
    fn the_manual_on_disk_is_the_one_made_from_the_catalogue() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/modules.md");
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(path, manual()).unwrap();
        }
        let there = std::fs::read_to_string(path).unwrap_or_default().replace("\r\n", "\n");
        assert!(there == manual(), "run UPDATE_DOCS=1 cargo test -p sostenuto --lib manual");
    }
}
