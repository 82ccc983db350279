//! `sostenuto modules`: the catalogue, for the eye and for programs.

use std::io::Write;

use clap::Args;
use dsp_worker::catalog::{CATALOG, Entry};
use dsp_worker::clip::Text;
use dsp_worker::module::Port;
use dsp_worker::param::Taper;

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
            crate::patch::find_kind(name)?;
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
        let range = match param.taper {
            Taper::Choice(words) => words.join(", "),
            _ => [param.range.start(), param.range.end()].map(|&end| param.show(end)).join(" … "),
        };
        let (name, help, default) = (param.name, param.help, param.show(param.default));
        writeln!(out, "  param  {name:16} {help} [{range}; {default}]")?;
    }
    let text = entry.text.map(|form| match form {
        Text::Sound => "the path of a WAV file, or factory:NAME.wav",
        Text::Wavetable => "the path of a WAV file of cycles, or factory:NAME.wav",
        Text::Formula => FORMULA,
        Text::Notes => NOTES,
        Text::Words => "words",
    });
    text.map_or(Ok(()), |text| writeln!(out, "  text   {text}"))?;
    writeln!(out)
}

const FORMULA: &str = "a formula of a, b, c, d (inputs, in volts), x, y, z (params) and t \
                       (seconds), with + - * / % ^, < <= > >= == !=, and or not, \
                       if(c, then, else), min max clamp abs sign floor ceil round sqrt exp log \
                       sin cos tan tanh, pi and tau";
const NOTES: &str = "notes: START LENGTH PITCH VELOCITY, parted by semicolons or lines; in beats, \
                     C4 or volts, and 0 to 1, as in 0 0.5 C4 0.8; 0.5 0.5 Eb4";
