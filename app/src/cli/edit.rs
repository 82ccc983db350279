//! `sostenuto`: the window.

use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::{Args, CommandFactory};
use eframe::egui::ViewportBuilder;
use sostenuto_editor::last_time::LastTime;
use sostenuto_editor::places::PlacesFile;
use sostenuto_editor::preferences::{self, Preferences};
use sostenuto_editor::session::{Session, StartHost};
use sostenuto_editor::window::Editor;
use sostenuto_host::folders::state_folder;
use sostenuto_osc::endpoint::Endpoint;
use sostenuto_patch::nearest;

use super::window;

/// Opens the window. It finds the host that plays, or starts one
#[derive(Args, Default)]
pub struct Edit {
    /// The patch to open; else the one that plays, or played last
    #[arg(value_name = "PATCH", value_parser = patch_that_is_there)]
    path: Option<PathBuf>,

    /// The socket of the host, instead of this user's own place
    #[arg(long, value_name = "FILE")]
    socket: Option<PathBuf>,

    /// Where preferences are kept, instead of this user's own place
    #[arg(long, value_name = "FILE")]
    preferences: Option<PathBuf>,

    /// Where a host that is started keeps its session, instead of this user's own place
    #[arg(long, value_name = "FOLDER")]
    journal: Option<PathBuf>,

    /// A host that is started runs on a clock of its own, and is not heard
    #[arg(long)]
    silent: bool,

    /// Writes there, after each frame, where everything with a name is in the window. For tests
    #[arg(long, value_name = "FILE", hide = true)]
    places: Option<PathBuf>,
}

impl Edit {
    /// Opens the window, until it is closed.
    pub fn run(self) -> anyhow::Result<()> {
        has_display()?;
        let endpoint = match &self.socket {
            Some(path) => Endpoint::at(std::path::absolute(path)?),
            None => Endpoint::of_this_user()?,
        };
        let kept = self.preferences.clone().or_else(preferences::of_this_user);
        let preferences = kept.as_deref().map(Preferences::load).unwrap_or_default();
        let start = self.host(&preferences)?;
        let first = self.path.as_deref().map(std::path::absolute).transpose()?;
        let places = self.places;
        let kept = kept.map(|path| {
            let last = LastTime::load(&LastTime::path(&path));
            (path, last)
        });
        let window = kept.as_ref().and_then(|(_, last)| last.window);
        let place = move |viewport: ViewportBuilder| match window {
            Some(window) => window.open(viewport),
            None => viewport,
        };
        window::open(place, move |window| {
            let ctx = window.egui_ctx.clone();
            let wake = move || ctx.request_repaint();
            let session = Session::start(endpoint, Some(start), wake);
            let ctx = &window.egui_ctx;
            if let Some(places) = places {
                PlacesFile::write(ctx, places);
            }
            Ok(Box::new(Editor::new(ctx, session, preferences, kept, first)))
        })
    }

    fn host(&self, preferences: &Preferences) -> anyhow::Result<StartHost> {
        let program = std::env::current_exe().context("the program does not know where it is")?;
        let mut arguments = Vec::new();
        let mut argue = |name: &str, value: String| arguments.extend([name.to_owned(), value]);
        if let Some((device, rate, block, ahead)) = &preferences.sound {
            argue("--sample-rate", rate.to_string());
            argue("--block", block.to_string());
            argue("--ahead", ahead.to_string());
            match device.as_str() {
                "default" => {}
                "silent" => arguments.extend((!self.silent).then(|| "--silent".to_owned())),
                id if !self.silent => arguments.extend(["--device".to_owned(), id.to_owned()]),
                _ => {}
            }
        }
        if let Some(input) = &preferences.input {
            arguments.extend(["--input".to_owned(), input.clone()]);
        }
        if let Some(folder) = &self.journal {
            let folder = std::path::absolute(folder)?;
            arguments.extend(["--journal".to_owned(), folder.to_string_lossy().into_owned()]);
        }
        arguments.extend(self.silent.then(|| "--silent".to_owned()));
        let log = self.journal.clone().or_else(state_folder).map(|folder| folder.join("host.log"));
        Ok(StartHost { program, arguments, log })
    }
}

/// A file's name. What is none is likelier a command that is misspelt.
fn patch_that_is_there(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    if path.exists() {
        return Ok(path);
    }
    let program = super::Arguments::command();
    let commands = program.get_subcommands().map(clap::Command::get_name);
    let near = nearest(text, commands).map(|near| format!(" Did you mean `{near}`?"));
    Err(format!("there is no command and no file of that name.{}", near.unwrap_or_default()))
}

/// Whether there is anything to open a window on.
fn has_display() -> anyhow::Result<()> {
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    if !window::has_display(is_set) {
        bail!(
            "There is no display to open a window on. Without one, `sostenuto play PATCH` plays a \
             patch, and `sostenuto host` waits for editors."
        );
    }
    Ok(())
}
