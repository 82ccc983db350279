//! What a patch does outside is asked about where it came from elsewhere, and not
//! where the musician made it.

use std::sync::Arc;

use sostenuto_osc::call::Call;
use sostenuto_osc::outbox::Outbox;
use sostenuto_osc::service::{ClientId, Rights, Service};
use sostenuto_osc::testing::example;
use sostenuto_patch::file::{self, Over};
use sostenuto_patch::testing::ring;

use super::tests::Scribe;
use super::{Control, SharedControl};
use crate::permits::{Outside, Permits};

struct Rig {
    control: Arc<SharedControl<Scribe>>,
    outbox: Arc<Outbox>,
    editor: ClientId,
    folder: tempfile::TempDir,
}

const SENDER: &str = "/module/text far 10.0.0.7:9000/x";

impl Rig {
    fn new() -> Rig {
        let folder = tempfile::tempdir().unwrap();
        let mut control = Control::new(ring(), Scribe::default()).unwrap();
        control.set_permits(Permits::kept_in(folder.path()));
        let outbox = Arc::new(Outbox::default());
        let editor = control.connect(Arc::clone(&outbox), Rights::Editor);
        Rig { control: SharedControl::new(control), outbox, editor, folder }
    }

    fn ask(&self, texts: &[&str]) {
        for text in texts {
            let call = Call::read(example(text));
            self.control.serve(self.editor, &self.outbox, &mut vec![call].into_iter());
        }
    }

    /// Another session of the same musician.
    fn tomorrow(&mut self) {
        let mut control = Control::new(ring(), Scribe::default()).unwrap();
        control.set_permits(Permits::kept_in(self.folder.path()));
        self.outbox = Arc::default();
        self.editor = control.connect(Arc::clone(&self.outbox), Rights::Editor);
        self.control = SharedControl::new(control);
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// A patch from somebody else, as a file.
    fn strange(&self, name: &str) -> String {
        let mut other = Rig::new();
        other.ask(&["/module/add far osc-out 0 0", SENDER, "/module/add tape recorder 0 0"]);
        other.ask(&["/param/set tape record on"]);
        let path = self.path(name);
        file::save(path.as_ref(), other.control.lock().patch(), Over::Patches).unwrap();
        other.tomorrow();
        path
    }

    /// What is held back, and what the sound was told that it may do.
    fn held(&self) -> Outside {
        let mut control = self.control.lock();
        control.report();
        assert_eq!(control.sound().1, control.permits.now(), "the sound knows it");
        control.told_wants.clone()
    }
}

#[test]
fn what_a_hand_made_is_not_asked_about() {
    let rig = Rig::new();
    rig.ask(&["/module/add far osc-out 0 0", SENDER, "/module/add tape recorder 0 0"]);
    assert!(rig.held().is_empty());
    assert!(!rig.control.lock().permits.now().records, "it is switched off");
    rig.ask(&["/param/set tape record on", "/undo", "/redo", "/undo", "/undo", "/redo", "/redo"]);
    assert!(rig.held().is_empty());
    assert!(rig.control.lock().permits.now().records);
}

#[test]
fn a_gate_plugged_in_by_hand_may_record() {
    let rig = Rig::new();
    rig.ask(&["/module/add tape recorder 0 0", "/cable/connect a.out tape.gate"]);
    assert!(rig.held().is_empty());
    assert!(rig.control.lock().permits.now().records);
}

#[test]
fn what_came_in_a_file_is_held_back_until_it_is_allowed() {
    let mut rig = Rig::new();
    let (strange, twin) = (rig.strange("strange.sostenuto"), rig.strange("twin.sostenuto"));
    rig.ask(&[&format!("/patch/load {strange}")]);
    let held = rig.held();
    assert_eq!(held.to_string(), "send OSC to 10.0.0.7:9000, and to record to disk");
    rig.ask(&["/reports/subscribe patch", "/undo"]);
    assert!(rig.held().is_empty(), "nobody wants it");
    rig.ask(&["/redo"]);
    assert_eq!(rig.held(), held);
    rig.ask(&["/patch/allow"]);
    assert!(rig.held().is_empty());
    rig.tomorrow();
    rig.ask(&[&format!("/patch/load {strange}")]);
    assert!(rig.held().is_empty(), "it was allowed");
    rig.ask(&["/patch/new", &format!("/patch/load {twin}")]);
    assert_eq!(rig.held().to_string(), "record to disk", "an address is known, a file is not");
}

#[test]
fn a_patch_of_ones_own_may_do_from_its_file_what_it_did_before() {
    let mut rig = Rig::new();
    let (mine, twin) = (rig.path("mine.sostenuto"), rig.path("twin.sostenuto"));
    rig.ask(&["/module/add tape recorder 0 0", "/param/set tape record on"]);
    rig.ask(&[&format!("/patch/save {mine}")]);
    std::fs::copy(&mine, &twin).unwrap();
    rig.tomorrow();
    rig.ask(&[&format!("/patch/load {mine}")]);
    assert!(rig.held().is_empty());
    rig.ask(&["/patch/new", &format!("/patch/load {twin}")]);
    assert_eq!(rig.held().to_string(), "record to disk");
    // What is not allowed is not allowed by saving it somewhere else.
    rig.ask(&[&format!("/patch/save {}", rig.path("third.sostenuto"))]);
    rig.tomorrow();
    rig.ask(&[&format!("/patch/load {}", rig.path("third.sostenuto"))]);
    assert_eq!(rig.held().to_string(), "record to disk");
}

#[test]
fn whoever_asks_for_the_patch_hears_what_it_wants() {
    let rig = Rig::new();
    let strange = rig.strange("strange.sostenuto");
    rig.ask(&[&format!("/patch/load {strange}")]);
    rig.held();
    rig.outbox.take();
    rig.ask(&["/patch/get"]);
    let bytes = rig.outbox.take();
    let words = "send OSC to 10.0.0.7:9000, and to record to disk";
    assert!(String::from_utf8_lossy(&bytes).contains(words));
}

#[test]
fn a_turned_knob_says_nothing_of_an_address_that_somebody_else_wrote() {
    let rig = Rig::new();
    let strange = rig.strange("strange.sostenuto");
    rig.ask(&[&format!("/patch/load {strange}"), "/param/set far rate 20"]);
    rig.ask(&["/cable/connect a.out far.value-1", "/cable/connect a.out tape.left"]);
    assert_eq!(rig.held().to_string(), "send OSC to 10.0.0.7:9000, and to record to disk");
    rig.ask(&["/param/set tape record on"]);
    assert_eq!(rig.held().to_string(), "send OSC to 10.0.0.7:9000");
}
