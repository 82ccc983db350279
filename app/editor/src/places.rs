//! Where everything with a name is in the window, written to a file after each
//! frame: so that a test can move a real mouse, and need not know a pixel.

use std::fs;
use std::path::PathBuf;

use eframe::egui::accesskit::{Node, TreeUpdate};
use eframe::egui::{Context, FullOutput, Plugin};
use serde::{Deserialize, Serialize};

/// What is in the window, as of one frame.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Places {
    /// Counts the frames.
    pub frame: u64,
    /// All that has a name.
    pub places: Vec<Place>,
}

/// Something with a name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Place {
    /// What a screen reader says that it is.
    pub name: String,
    /// What it says of its state, if anything.
    pub value: String,
    /// Left, top, right and bottom, in pixels of the window.
    pub edges: [f32; 4],
}

/// Writes the places of a window into a file.
pub struct PlacesFile {
    path: PathBuf,
    frame: u64,
}

impl PlacesFile {
    /// Into that file, from the next frame on.
    pub fn write(ctx: &Context, path: PathBuf) {
        ctx.enable_accesskit();
        ctx.add_plugin(PlacesFile { path, frame: 0 });
    }
}

impl Plugin for PlacesFile {
    fn debug_name(&self) -> &'static str {
        "places"
    }

    fn output_hook(&mut self, _: &Context, output: &mut FullOutput) {
        let Some(tree) = &output.platform_output.accesskit_update else { return };
        self.frame += 1;
        let places = Places { frame: self.frame, places: places(tree, output.pixels_per_point) };
        let text = serde_json::to_vec(&places).expect("words and numbers are JSON");
        // Whoever reads it finds a whole one, of this frame or of the one before.
        let beside = self.path.with_extension("tmp");
        let written = fs::write(&beside, text).and_then(|()| fs::rename(&beside, &self.path));
        if let Err(error) = written {
            tracing::warn!("{error}: {}", self.path.display());
        }
    }
}

fn places(tree: &TreeUpdate, scale: f32) -> Vec<Place> {
    let place = |node: &Node| {
        let (name, value) = (node.label().unwrap_or_default(), node.value().unwrap_or_default());
        // A label says its words as a value.
        let (name, value) = if name.is_empty() { (value, "") } else { (name, value) };
        let bounds = node.bounds().filter(|_| !name.is_empty())?;
        let edges = [bounds.x0, bounds.y0, bounds.x1, bounds.y1];
        let edges = edges.map(|edge| edge as f32 * scale);
        Some(Place { name: name.to_owned(), value: value.to_owned(), edges })
    };
    tree.nodes.iter().filter_map(|(_, node)| place(node)).collect()
}

#[cfg(test)]
mod tests {
    use eframe::egui::{Button, RawInput, Rect, pos2, vec2};

    use super::*;

    #[test]
    fn a_button_is_where_the_file_says() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("places.json");
        let ctx = Context::default();
        PlacesFile::write(&ctx, path.clone());
        let rect = Rect::from_min_size(pos2(30.0, 40.0), vec2(50.0, 20.0));
        for frame in 1..=2 {
            let mut output = ctx.run_ui(RawInput::default(), |ui| {
                ui.put(rect, Button::new("Here"));
            });
            // Nobody draws it.
            output.textures_delta.clear();
            let written: Places = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
            assert_eq!(written.frame, frame);
            let here = written.places.iter().find(|place| place.name == "Here").unwrap();
            assert_eq!(here.edges, [30.0, 40.0, 80.0, 60.0]);
        }
    }
}
