use super::*;
use sostenuto_patch::find_kind;

fn id(name: &str) -> ModuleId {
    name.parse().unwrap()
}

fn cable(text: &str) -> Cable {
    text.parse().unwrap()
}

fn ids(names: &[&str]) -> BTreeSet<ModuleId> {
    names.iter().map(|name| id(name)).collect()
}

/// A VCO through a ladder and a VCA to the loudspeakers.
fn voice() -> Patch {
    let mut patch = Patch::default();
    for (x, kind) in ["vco", "ladder", "vca", "audio-out"].into_iter().enumerate() {
        patch.modules.insert(id(kind), PatchModule::new(kind, 300.0 * x as f32, 0.0));
    }
    for text in ["vco.saw -> ladder.in", "ladder.lowpass -> vca.in", "vca.out -> audio-out.left"] {
        patch.cables.insert(cable(text));
    }
    patch
}

fn after(mut patch: Patch, edit: Edit) -> Patch {
    let before = patch.clone();
    let back = apply(&mut patch, edit).unwrap();
    let mut undone = patch.clone();
    apply(&mut undone, back).unwrap();
    assert_eq!(undone, before, "and it can be taken back");
    patch
}

#[test]
fn a_removed_module_leaves_its_way_through() {
    let patch = voice();
    let healed = after(patch.clone(), remove(&patch, &ids(&["ladder"])));
    assert!(healed.cables.contains(&cable("vco.saw -> vca.in")));
    let healed = after(patch.clone(), remove(&patch, &ids(&["ladder", "vca"])));
    assert_eq!(healed.cables, BTreeSet::from([cable("vco.saw -> audio-out.left")]));
}

#[test]
fn a_removed_source_leaves_nothing() {
    let patch = voice();
    let rest = after(patch.clone(), remove(&patch, &ids(&["vco", "audio-out"])));
    assert_eq!(rest.cables, BTreeSet::from([cable("ladder.lowpass -> vca.in")]));
}

#[test]
fn a_module_dropped_on_a_cable_goes_into_it() {
    let mut patch = voice();
    let (svf, edit) = add(&patch, "svf", 0.0, 0.0);
    apply(&mut patch, edit).unwrap();
    let into = cable("vco.saw -> ladder.in");
    let edit = insert(&patch, &svf, find_kind("svf").unwrap(), &into).unwrap();
    let patch = after(patch, edit);
    assert!(patch.cables.contains(&cable("vco.saw -> svf.in")));
    assert!(patch.cables.contains(&cable("svf.lowpass -> ladder.in")));
    assert!(!patch.cables.contains(&cable("vco.saw -> ladder.in")));
    let ladder = find_kind("ladder").unwrap();
    assert_eq!(insert(&patch, &id("ladder"), ladder, &into), None);
}

/// Two sides of a sound go to the loudspeakers.
fn stereo(cables: &[&str]) -> Patch {
    let mut patch = Patch::default();
    for (x, kind) in ["vco", "supersaw", "mixer", "audio-out"].into_iter().enumerate() {
        patch.modules.insert(id(kind), PatchModule::new(kind, 700.0 * x as f32, 0.0));
    }
    patch.cables = cables.iter().map(|text| cable(text)).collect();
    patch
}

fn cables_after(patch: &Patch, kind: &str, into: &str) -> Vec<String> {
    let (new, edit) = add(patch, kind, 0.0, 500.0);
    let patch = after(patch.clone(), edit);
    let edit = insert(&patch, &new, find_kind(kind).unwrap(), &cable(into)).unwrap();
    after(patch, edit).cables.iter().map(Cable::to_string).collect()
}

#[test]
fn a_stereo_effect_carries_both_sides_whichever_it_is_put_into() {
    let both = ["supersaw.left -> audio-out.left", "supersaw.right -> audio-out.right"];
    let through = [
        "delay.left -> audio-out.left",
        "delay.right -> audio-out.right",
        "supersaw.left -> delay.left",
        "supersaw.right -> delay.right",
    ];
    for into in both {
        assert_eq!(cables_after(&stereo(&both), "delay", into), through, "{into}");
    }
    let mono = ["vco.saw -> audio-out.left", "vco.saw -> audio-out.right"];
    let through = [
        "delay.left -> audio-out.left",
        "delay.right -> audio-out.right",
        "vco.saw -> delay.left",
        "vco.saw -> delay.right",
    ];
    assert_eq!(cables_after(&stereo(&mono), "delay", mono[1]), through);
    let apart = ["mixer.out -> audio-out.right", "vco.saw -> audio-out.left"];
    assert_eq!(cables_after(&stereo(&apart), "delay", apart[1]).len(), 4, "two mono sides");
}

#[test]
fn a_mono_effect_takes_the_one_cable_it_is_put_into() {
    let both = ["supersaw.left -> audio-out.left", "supersaw.right -> audio-out.right"];
    let through = [
        "distortion.out -> audio-out.left",
        "supersaw.left -> distortion.in",
        "supersaw.right -> audio-out.right",
    ];
    assert_eq!(cables_after(&stereo(&both), "distortion", both[0]), through);
}

#[test]
fn what_is_dropped_on_space_gets_the_port_that_is_usual() {
    let mut patch = voice();
    patch.modules.insert(id("keyboard"), PatchModule::new("keyboard", 0.0, 0.0));
    let new = id("new");
    let before = |to: &str, kind: &str| {
        let about = find_kind(kind).unwrap();
        output_before(&patch, &to.parse().unwrap(), &new, about).unwrap().port.to_string()
    };
    assert_eq!(before("vco.voct", "keyboard"), "voct");
    assert_eq!(before("vco.voct", "piano-roll"), "voct");
    assert_eq!(before("vca.cv", "adsr"), "env");
    let after = |from: &str, kind: &str| {
        let about = find_kind(kind).unwrap();
        input_after(&patch, &from.parse().unwrap(), &new, about).unwrap().port.to_string()
    };
    assert_eq!(after("keyboard.gate", "adsr"), "gate");
    assert_eq!(after("keyboard.voct", "vco"), "voct");
    assert_eq!(after("vco.saw", "vca"), "in");
}

/// A voice whose filter is fed back, through an amp: the last of the cables
/// closes the loop. Then its delay is moved to the first.
fn feedback() -> Patch {
    let mut patch = voice();
    let (_, added) = add(&patch, "attenuverter", 0.0, 300.0);
    for edit in [
        added,
        Edit::Connect(cable("ladder.lowpass -> attenuverter.in")),
        Edit::Connect(cable("attenuverter.out -> ladder.in")),
    ] {
        apply(&mut patch, edit).unwrap();
    }
    assert_eq!(delayed(&patch), ["attenuverter.out -> ladder.in"]);
    let edit = delay_instead(&patch, &cable("ladder.lowpass -> attenuverter.in")).unwrap();
    after(patch, edit)
}

fn delayed(patch: &Patch) -> Vec<String> {
    patch.delayed.iter().map(Cable::to_string).collect()
}

#[test]
fn another_cable_of_the_loop_is_delayed_instead() {
    let patch = feedback();
    assert_eq!(delayed(&patch), ["ladder.lowpass -> attenuverter.in"]);
    for not_so in ["ladder.lowpass -> attenuverter.in", "vco.saw -> ladder.in"] {
        assert_eq!(delay_instead(&patch, &cable(not_so)), None, "{not_so}");
    }
}

#[test]
fn a_loop_with_many_delays_keeps_only_the_one_that_is_asked_for() {
    let mut patch = feedback();
    let other = cable("attenuverter.out -> ladder.in");
    let more = Edit::SetDelay { cable: other.clone(), is_delayed: true };
    let itself = Edit::Connect(cable("vca.out -> vca.in"));
    for edit in [more, itself] {
        apply(&mut patch, edit).unwrap();
    }
    let edit = delay_instead(&patch, &other).unwrap();
    let patch = after(patch, edit);
    assert_eq!(delayed(&patch), ["attenuverter.out -> ladder.in", "vca.out -> vca.in"]);
}

#[test]
fn what_takes_a_place_in_a_loop_or_is_a_copy_of_one_is_delayed_alike() {
    let patch = feedback();
    let (_, edit) = replace(&patch, &id("ladder"), find_kind("svf").unwrap()).unwrap();
    assert_eq!(delayed(&after(patch.clone(), edit)), ["svf.lowpass -> attenuverter.in"]);
    let both = ids(&["ladder", "attenuverter"]);
    let copies = ["ladder.lowpass -> attenuverter.in", "ladder-2.lowpass -> attenuverter-2.in"];
    let (_, edit) = duplicate(&patch, None, &both, &BTreeSet::new());
    assert_eq!(delayed(&after(patch.clone(), edit)), copies);
    let copied = copy(&patch, None, &both, &BTreeSet::new());
    let copied = sostenuto_patch::file::write(&copied);
    let copied = sostenuto_patch::file::read(copied.as_bytes()).unwrap();
    let (_, edit) = paste(&patch, &copied, 0.0, 0.0);
    assert_eq!(delayed(&after(patch.clone(), edit)), copies);
    let healed = after(patch.clone(), remove(&patch, &ids(&["attenuverter"])));
    assert_eq!(delayed(&healed), ["ladder.lowpass -> ladder.in"]);
    let (svf, edit) = add(&patch, "svf", 0.0, 0.0);
    let patch = after(patch, edit);
    let into = cable("ladder.lowpass -> attenuverter.in");
    let edit = insert(&patch, &svf, find_kind("svf").unwrap(), &into).unwrap();
    assert_eq!(delayed(&after(patch, edit)), ["svf.lowpass -> attenuverter.in"]);
}

#[test]
fn a_replaced_filter_keeps_cables_and_cutoff() {
    let mut patch = voice();
    patch.modules.get_mut("ladder").unwrap().params.insert("cutoff".into(), 440.0);
    let (new_id, edit) = replace(&patch, &id("ladder"), find_kind("svf").unwrap()).unwrap();
    let patch = after(patch, edit);
    assert_eq!(new_id, id("svf"));
    assert_eq!(patch.modules["svf"].param("cutoff"), Some(440.0));
    assert!(patch.cables.contains(&cable("vco.saw -> svf.in")));
    assert!(patch.cables.contains(&cable("svf.lowpass -> vca.in")));
}

#[test]
fn a_named_module_keeps_its_name_when_it_is_replaced() {
    let mut patch = voice();
    let edit = Edit::RenameModule { id: id("ladder"), new_id: id("growl") };
    apply(&mut patch, edit).unwrap();
    let (new_id, edit) = replace(&patch, &id("growl"), find_kind("reverb").unwrap()).unwrap();
    assert_eq!(new_id, id("growl"));
    let patch = after(patch, edit);
    assert_eq!(patch.cables_of(&id("growl")).count(), 2, "by the way through");
}

#[test]
fn duplicates_are_fed_as_what_they_are_copies_of() {
    let patch = voice();
    let (names, edit) = duplicate(&patch, None, &ids(&["ladder", "vca"]), &BTreeSet::new());
    let patch = after(patch, edit);
    assert_eq!(names, ids(&["ladder-2", "vca-2"]));
    for text in ["vco.saw -> ladder-2.in", "ladder-2.lowpass -> vca-2.in"] {
        assert!(patch.cables.contains(&cable(text)), "{text}");
    }
    assert_eq!(patch.cables.len(), 5, "and nothing goes on from them");
    assert_eq!(patch.modules["ladder-2"].x, 340.0);
}

#[test]
fn a_duplicate_is_in_the_scenes_of_what_it_is_a_copy_of_and_a_paste_in_none() {
    let mut patch = voice();
    let kept = patch.kept_scene(3, "Rain", &ids(&["ladder"]));
    patch = after(patch, kept);
    let copied = copy(&patch, None, &ids(&["ladder"]), &BTreeSet::new());
    let (_, edit) = paste(&patch, &copied, 0.0, 0.0);
    assert!(after(patch.clone(), edit).modules["ladder-2"].scenes.is_empty());
    let (_, edit) = duplicate(&patch, None, &ids(&["ladder"]), &BTreeSet::new());
    let patch = after(patch, edit);
    assert_eq!(patch.modules["ladder-2"].scenes, patch.modules["ladder"].scenes);
}

#[test]
fn a_paste_lies_where_it_is_wanted_with_its_own_cables() {
    let patch = voice();
    let copied = copy(&patch, None, &ids(&["ladder", "vca"]), &BTreeSet::new());
    let (names, edit) = paste(&patch, &copied, 1000.0, 500.0);
    let patch = after(patch, edit);
    assert_eq!(names, ids(&["ladder-2", "vca-2"]));
    let places: Vec<_> =
        names.iter().map(|id| (patch.modules[id].x, patch.modules[id].y)).collect();
    assert_eq!(places, [(1000.0, 500.0), (1300.0, 500.0)]);
    assert!(patch.cables.contains(&cable("ladder-2.lowpass -> vca-2.in")));
    assert_eq!(patch.cables.len(), 4);
}

#[test]
fn a_comment_is_pasted_around_its_modules_and_names_do_not_clash() {
    let mut patch = voice();
    let around = Comment {
        text: "the filter".into(),
        x: 280.0,
        y: -40.0,
        width: 300.0,
        height: 200.0,
        colour: 3,
        group: None,
        twin: 0,
    };
    patch.comments.insert(patch.fresh_comment_id(), around.clone());
    let comments = patch.comments.keys().cloned().collect();
    let copied = copy(&patch, None, &ids(&["ladder"]), &comments);
    let (_, edit) = paste(&patch, &copied, 1000.0, 500.0);
    let patch = after(patch, edit);
    let pasted = patch.comments.values().find(|comment| **comment != around).unwrap();
    assert_eq!(*pasted, Comment { x: 1000.0, y: 500.0, ..around });
    assert_eq!((patch.modules["ladder-2"].x, patch.modules["ladder-2"].y), (1020.0, 540.0));
}

#[test]
fn modules_line_up_by_their_edges() {
    let patch = voice();
    let all = ids(&["vco", "ladder"]);
    let size = |id: &ModuleId| if id.as_str() == "vco" { (100.0, 50.0) } else { (60.0, 80.0) };
    let place = |by, name: &str| {
        let patch = after(patch.clone(), align(&patch, &all, by, size));
        (patch.modules[name].x, patch.modules[name].y)
    };
    assert_eq!(place(Align::Left, "ladder"), (0.0, 0.0));
    assert_eq!(place(Align::Right, "vco"), (260.0, 0.0));
    assert_eq!(place(Align::Bottom, "vco"), (0.0, 30.0));
}

#[test]
fn a_knob_is_modulated_by_what_is_asked_for() {
    let mut patch = voice();
    patch.modules.insert(id("keyboard"), PatchModule::new("keyboard", 0.0, 0.0));
    let edit = modulate(&patch, &id("ladder"), "cutoff", Modulator::Envelope).unwrap();
    let patch = after(patch, edit);
    assert!(patch.cables.contains(&cable("adsr.env -> ladder.cutoff")));
    assert!(patch.cables.contains(&cable("keyboard.gate -> adsr.gate")));
    let edit = modulate(&patch, &id("vco"), "pulse-width", Modulator::Lfo).unwrap();
    let patch = after(patch, edit);
    assert!(patch.cables.contains(&cable("lfo.sine -> vco.pw")));
    assert_eq!(patch.modules["vco"].param("pwm-amount"), Some(0.25), "it is heard");
    assert_eq!(modulate(&patch, &id("vco"), "oversample", Modulator::Lfo), None);
}

#[test]
fn connected_goes_both_ways_but_not_round_the_corner() {
    let mut patch = voice();
    for kind in ["lfo", "noise"] {
        patch.modules.insert(id(kind), PatchModule::new(kind, 0.0, 0.0));
    }
    patch.cables.insert(cable("lfo.sine -> vca.cv"));
    let found = connected(&patch, &id("ladder"));
    assert_eq!(found, ids(&["vco", "ladder", "vca", "audio-out"]));
}

#[test]
fn a_cable_is_refused_with_a_reason() {
    let patch = voice();
    assert!(can_connect(&patch, &cable("vco.sine -> ladder.in")).is_ok());
    assert!(can_connect(&patch, &cable("vco.saw -> ladder.in")).is_err());
    assert!(can_connect(&patch, &cable("ladder.in -> vco.saw")).is_err());
}

#[test]
fn a_name_is_typed_as_one_says_it() {
    let mut patch = Patch::default();
    patch.modules.insert("bass".parse().unwrap(), PatchModule::new("vco", 0.0, 0.0));
    let name = |words: &str| meant(&patch, words).map(|id| id.to_string());
    assert_eq!(name(" My  Filter_2!").as_deref(), Some("my-filter-2"));
    assert_eq!(name("bass"), None, "it is taken");
    assert_eq!(name("…"), None);
    assert_eq!(spoken(&"my-filter-2".parse().unwrap()), "my filter 2");
}

/// Ladder and VCA of the voice in a group.
fn grouped() -> (Patch, GroupId) {
    let patch = voice();
    let (group, edit) = patch.grouped(&ids(&["ladder", "vca"]), None, "Tone", (0.0, 0.0));
    (after(patch, edit), group)
}

/// What a host makes of an edit, which comes to it piece by piece.
fn at_the_host(patch: &Patch, edit: &Edit) -> Patch {
    fn pieces(edit: &Edit) -> Vec<&Edit> {
        match edit {
            Edit::Several(edits) => edits.iter().flat_map(pieces).collect(),
            edit => vec![edit],
        }
    }
    let mut patch = patch.clone();
    for edit in pieces(edit) {
        let edit = followed(&patch, edit).unwrap();
        apply(&mut patch, edit).unwrap();
    }
    patch.check().unwrap();
    patch
}

#[test]
fn a_linked_copy_is_fed_as_the_group_is_and_follows_it() {
    let (patch, group) = grouped();
    let (names, edit) = linked_copy(&patch, None, &group).unwrap();
    assert_eq!(names, ids(&["ladder-2", "vca-2"]));
    let mut patch = at_the_host(&patch, &edit);
    assert_eq!(patch.modules.len(), 6, "and not twice");
    assert!(patch.cables.contains(&cable("vco.saw -> ladder-2.in")));
    assert_eq!(patch.linked("Tone").count(), 2);
    let turn = Edit::SetParam { module: id("ladder-2"), param: "resonance".into(), value: 0.5 };
    patch = at_the_host(&patch, &turn);
    assert_eq!(patch.modules["ladder"].param("resonance"), Some(0.5));
    // A copy of the copy is one of them; one alone may be pasted elsewhere.
    let copied = copy(&patch, None, &names, &BTreeSet::new());
    let pasted = at_the_host(&patch, &paste(&patch, &copied, 0.0, 900.0).1);
    assert_eq!((pasted.linked("Tone").count(), pasted.modules.len()), (3, 8));
    let alone = at_the_host(&voice(), &paste(&voice(), &copied, 0.0, 900.0).1);
    assert_eq!((alone.linked("Tone").count(), alone.modules.len()), (1, 6));
}

#[test]
fn what_is_pasted_follows_what_the_patch_has_under_its_name() {
    let (patch, group) = grouped();
    let patch = after(patch.clone(), linked(&patch, &group).unwrap());
    let kept = copy(&patch, None, &ids(&["ladder", "vca"]), &BTreeSet::new());
    let drive = Edit::SetParam { module: id("ladder"), param: "drive".into(), value: 0.75 };
    let newer = at_the_host(&patch, &drive);
    let pasted = at_the_host(&newer, &paste(&newer, &kept, 0.0, 900.0).1);
    assert_eq!(pasted.modules["ladder-2"].param("drive"), Some(0.75));
    let root = kept.linked("Tone").next().unwrap();
    let back = at_the_host(&pasted, &pasted.made_like(&group, &kept, root).unwrap());
    assert_ne!(back.modules["ladder"].param("drive"), Some(0.75));
    assert_ne!(back.modules["ladder-2"].param("drive"), Some(0.75));
}

#[test]
fn voices_have_their_own_channels_and_come_together_again() {
    let (patch, group) = grouped();
    let (_, edit) = voices(&patch, None, &group, 4, 200.0).unwrap();
    let patch = at_the_host(&patch, &edit);
    assert_eq!(patch.linked("Tone").count(), 4);
    assert_eq!(patch.modules.len(), 4 + 3 * 2 + 2);
    for text in [
        "vco.saw -> split.in",
        "split.out-1 -> ladder.in",
        "split.out-4 -> ladder-4.in",
        "ladder-3.lowpass -> vca-3.in",
        "vca.out -> merge.in-1",
        "vca-4.out -> merge.in-4",
        "merge.out -> audio-out.left",
    ] {
        assert!(patch.cables.contains(&cable(text)), "{text}");
    }
    assert_eq!(patch.cables.len(), 1 + 4 + 4 + 4 + 1);
    assert_eq!(patch.modules["split"].param("repeat"), Some(1.0));
}
