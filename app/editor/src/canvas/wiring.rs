//! Which cable is at which port, and what it carries: looked up once a frame,
//! so that no port looks through all cables.

use std::cell::OnceCell;

use eframe::egui::Pos2;
use sostenuto_patch::{Cable, ModuleId, Patch};

use super::Layout;
use crate::model::{Level, Signals};

/// A cable between two faces.
pub(super) struct Run<'a> {
    pub cable: &'a Cable,
    /// The jack that it comes out of, on the canvas.
    pub from: Pos2,
    /// The jack that it goes into, on the canvas.
    pub to: Pos2,
    /// What it carries, if that is known.
    pub level: Option<Level>,
    /// Whether it is one sample late, because it closes a loop.
    pub is_delayed: bool,
}

/// Every cable, to be found by its ports.
pub(super) struct Wiring<'a> {
    /// In the order of the patch: by where they come from.
    runs: Vec<Run<'a>>,
    /// Their indices by where they go to. Far off nobody asks.
    by_input: OnceCell<Vec<usize>>,
}

impl<'a> Wiring<'a> {
    pub fn new(patch: &'a Patch, layout: &Layout, signals: &Signals) -> Wiring<'a> {
        let mut runs: Vec<Run> = Vec::with_capacity(patch.cables.len());
        for cable in &patch.cables {
            // Cables out of one port follow each other.
            let same = runs.last().filter(|last| last.cable.from == cable.from);
            let (from, level) = match same {
                Some(same) => (Some(same.from), same.level),
                None => (layout.output(&cable.from), signals.level(patch, &cable.from.meant())),
            };
            if let Some((from, to)) = from.zip(layout.input(&cable.to)) {
                let is_delayed = patch.is_delayed(cable);
                runs.push(Run { cable, from, to, level, is_delayed });
            }
        }
        Wiring { runs, by_input: OnceCell::new() }
    }

    /// Every one.
    pub fn runs(&self) -> &[Run<'a>] {
        &self.runs
    }

    /// Whether a cable comes out of a port.
    pub fn is_plugged(&self, module: &ModuleId, output: &str) -> bool {
        let port = |run: &Run<'a>| (&run.cable.from.module, &*run.cable.from.port);
        let first = self.runs.partition_point(|run| port(run) < (module, output));
        self.runs.get(first).is_some_and(|run| port(run) == (module, output))
    }

    /// The cables that go into a port.
    pub fn arriving_at<'b>(
        &'b self,
        module: &'b ModuleId,
        input: &'b str,
    ) -> impl Iterator<Item = &'b Run<'a>> {
        let port = |index: &usize| {
            let to = &self.runs[*index].cable.to;
            (&to.module, &*to.port)
        };
        let sorted = self.by_input.get_or_init(|| {
            let mut sorted: Vec<usize> = (0..self.runs.len()).collect();
            sorted.sort_by_key(port);
            sorted
        });
        let first = sorted.partition_point(|index| port(index) < (module, input));
        let there = sorted[first..].iter().take_while(move |index| port(index) == (module, input));
        there.map(|index| &self.runs[*index])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canvas::Canvas;
    use sostenuto_patch::{Edit, PatchModule, apply};

    fn patch() -> Patch {
        let mut patch = Patch::default();
        for kind in ["adsr", "lfo", "vca", "vco"] {
            let (id, module) = (kind.parse().unwrap(), PatchModule::new(kind, 0.0, 0.0));
            apply(&mut patch, Edit::AddModule { id, module }).unwrap();
        }
        for cable in ["vco.saw -> vca.in", "lfo.sine -> vca.cv", "adsr.env -> vca.cv"] {
            apply(&mut patch, Edit::Connect(cable.parse().unwrap())).unwrap();
        }
        patch
    }

    #[test]
    fn every_cable_is_found_at_both_of_its_ports() {
        let patch = patch();
        let layout = Canvas::default().layout(&patch);
        let wiring = Wiring::new(&patch, &layout, &Signals::default());
        let into = |module: &str, input: &str| -> Vec<String> {
            let module = module.parse().unwrap();
            wiring.arriving_at(&module, input).map(|run| run.cable.from.to_string()).collect()
        };
        assert_eq!(into("vca", "cv"), ["adsr.env", "lfo.sine"]);
        assert_eq!(into("vca", "in"), ["vco.saw"]);
        assert!(into("vca", "a").is_empty() && into("vca", "zz").is_empty());
        assert!(into("vco", "voct").is_empty());
        let vco = "vco".parse().unwrap();
        assert!(wiring.is_plugged(&vco, "saw"));
        assert!(!wiring.is_plugged(&vco, "sine") && !wiring.is_plugged(&vco, "zz"));
    }
}
