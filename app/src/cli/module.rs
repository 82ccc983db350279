//! `sostenuto module`: for those who write modules of their own.

use std::fs;
use std::io::{Write, stdout};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use sostenuto_modules::module::About;
use sostenuto_wasm::check::check;
use sostenuto_wasm::compile::compile;
use sostenuto_wasm::project::{self, FACTS_FILE, WASM_FILE};
use sostenuto_wasm::trial::{bench, properties};

/// Makes, builds and tries modules of your own: docs/sdk.md says how
#[derive(Args)]
pub struct Module {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Makes a folder with a small module in C, for you to change
    New(Place),
    /// Builds a project by the command in its build.txt, and says what came of it
    Build(Place),
    /// Says whether a module keeps the contract, and what it has
    Check(Place),
    /// Plays a module in ways in which patches play it, and says what it breaks
    Test(Place),
    /// Says what a module costs
    Bench(Place),
}

#[derive(Args)]
struct Place {
    /// The folder of a project; or a module: a .wasm file
    path: PathBuf,
}

impl Module {
    /// Does what is asked.
    pub fn run(&self) -> anyhow::Result<()> {
        match &self.what {
            What::New(place) => place.create(),
            What::Build(place) => place.build(),
            What::Check(place) => place.check(),
            What::Test(place) => place.test(),
            What::Bench(place) => place.bench(),
        }
    }
}

impl Place {
    fn create(&self) -> anyhow::Result<()> {
        project::create(&self.path)?;
        let path = self.path.display();
        say(&format!(
            "{path} is there. `sostenuto module build {path}` builds it; in the window, open its {FACTS_FILE} in a Code module.\n"
        ))
    }

    fn build(&self) -> anyhow::Result<()> {
        let wasm = project::build(&self.path)?;
        let path = self.path.join(WASM_FILE);
        say(&format!("{}: {} bytes. {}\n", path.display(), wasm.len(), described(&wasm)?))
    }

    fn check(&self) -> anyhow::Result<()> {
        let wasm = self.wasm()?;
        compile(&wasm)?;
        say(&format!("{}\n", described(&wasm)?))
    }

    fn test(&self) -> anyhow::Result<()> {
        let clip = compile(&self.wasm()?)?;
        let mut failed = 0;
        for (what, result) in properties(&clip) {
            let result = match result {
                Ok(()) => "yes".to_owned(),
                Err(why) => {
                    failed += 1;
                    format!("no: {why}")
                }
            };
            say(&format!("{what}: {result}\n"))?;
        }
        if failed > 0 {
            bail!("the module breaks {failed} of what a patch relies on");
        }
        Ok(())
    }

    fn bench(&self) -> anyhow::Result<()> {
        let clip = compile(&self.wasm()?)?;
        for channels in [1, 8, 16] {
            let nanos = bench(&clip, channels);
            let share = 100.0 * nanos * 48e3 * 1e-9;
            say(&format!(
                "{channels:2} channels: {nanos:7.1} ns a frame, {share:5.2} % of the time at 48 kHz\n"
            ))?;
        }
        Ok(())
    }

    /// That of the file, or of the project as it was built last.
    fn wasm(&self) -> anyhow::Result<Vec<u8>> {
        let built = self.path.join(WASM_FILE);
        let path: &Path = if self.path.is_dir() { &built } else { &self.path };
        fs::read(path).with_context(|| format!("{} cannot be read", path.display()))
    }
}

/// What a module is and has.
fn described(wasm: &[u8]) -> anyhow::Result<String> {
    let checked = check(wasm)?;
    let About { title, inputs, outputs, params, .. } = checked.own.about;
    let (inputs, outputs, params) = (inputs.len(), outputs.len(), params.len());
    let kib = f64::from(checked.used_bytes) / 1024.0;
    Ok(format!(
        "{title}: inputs {inputs}, outputs {outputs}, knobs {params}, and {kib:.1} KiB of memory."
    ))
}

fn say(text: &str) -> anyhow::Result<()> {
    Ok(stdout().lock().write_all(text.as_bytes())?)
}
