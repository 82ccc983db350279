//! The system's window: opened, or only tried.

use std::cell::Cell;
use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use anyhow::{anyhow, bail};
use clap::Args;
use eframe::egui::{ViewportBuilder, vec2};
use eframe::icon_data::from_png_bytes;
use eframe::{App, CreationContext};

/// What is in the window, or why nothing is.
pub type Contents = Result<Box<dyn App>, Box<dyn Error + Send + Sync>>;

/// The packages that the window loads when it opens.
pub const PACKAGES: &str = "libx11-6 libxcursor1 libxi6 libx11-xcb1 libxkbcommon-x11-0 libgl1";

/// Opens a window, until it is closed. `place` says where, and how large.
///
/// # Errors
/// Where it does not open, or falls.
pub fn open(
    place: impl FnOnce(ViewportBuilder) -> ViewportBuilder,
    fill: impl FnOnce(&CreationContext) -> Contents,
) -> anyhow::Result<()> {
    let is_open = Rc::new(Cell::new(false));
    let opens = Rc::clone(&is_open);
    let create = move |window: &CreationContext| {
        opens.set(true);
        fill(window)
    };
    let options =
        eframe::NativeOptions { viewport: place(viewport()), ..eframe::NativeOptions::default() };
    let run = || eframe::run_native("sostenuto", options, Box::new(create));
    let libraries = format!(
        "On Debian and Ubuntu these packages are needed: {PACKAGES}. Without a window, `sostenuto \
         play PATCH` plays."
    );
    // A library that is missing is no error to the window system's crate.
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(closed) => {
            closed.map_err(|error| anyhow!("The window cannot be opened: {error}. {libraries}"))
        }
        Err(_) if is_open.get() => {
            bail!("The window closed, the sound goes on: `sostenuto` opens another window.")
        }
        Err(_) => bail!("The window cannot be opened. {libraries}"),
    }
}

fn viewport() -> ViewportBuilder {
    let mut viewport = ViewportBuilder::default()
        .with_title("Sostenuto")
        // Wayland finds the icon by it, in `sostenuto.desktop`; the others are given one.
        .with_app_id("sostenuto")
        .with_inner_size(vec2(1280.0, 800.0))
        .with_min_inner_size(vec2(640.0, 400.0));
    if let Ok(icon) = from_png_bytes(include_bytes!("../../../assets/icon/sostenuto.png")) {
        viewport = viewport.with_icon(icon);
    }
    viewport
}

/// Whether there is anything to open a window on, to whom reads the environment so.
pub fn has_display(is_set: impl Fn(&str) -> bool) -> bool {
    cfg!(not(target_os = "linux")) || is_set("DISPLAY") || is_set("WAYLAND_DISPLAY")
}

/// Finds out whether a window can be opened; none is shown
#[derive(Args)]
pub struct TryWindow {}

impl TryWindow {
    /// Opens one as far as it can be drawn in.
    pub fn run(&self) -> anyhow::Result<()> {
        let is_open = Rc::new(Cell::new(false));
        let opens = Rc::clone(&is_open);
        let tried = open(
            |viewport| viewport,
            move |_| {
                opens.set(true);
                Err("This was only to find out".into())
            },
        );
        if is_open.get() { Ok(()) } else { tried }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_has_the_programs_icon() {
        let icon = viewport().icon.unwrap();
        assert_eq!((icon.width, icon.height), (256, 256));
    }

    #[test]
    fn a_window_needs_a_display_on_linux_alone() {
        assert!(has_display(|name| name == "DISPLAY"));
        assert!(has_display(|name| name == "WAYLAND_DISPLAY"));
        assert_eq!(has_display(|_| false), cfg!(not(target_os = "linux")));
    }
}
