use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use sostenuto_modules::catalog::CATALOG;

use super::*;
use crate::theme::Look;

fn found(typed: &str, wish: &BrowseFor) -> Vec<&'static str> {
    let shelf = Shelf { typed: typed.to_owned(), ..Shelf::default() };
    let preferences = Preferences::default();
    let found = find(&mut Finder::default(), &shelf, wish, &Usual::new(), &preferences);
    found.into_iter().map(|about| about.name).collect()
}

#[test]
fn a_few_letters_find_a_module() {
    let new = BrowseFor::New;
    assert_eq!(found("lad", &new)[0], "ladder");
    assert_eq!(found("vc", &new)[..2], ["vco", "vca"]);
    assert!(found("envelope", &new)[..4].contains(&"adsr"));
    assert!(found("filter", &new).contains(&"ladder"));
    assert_eq!(found("turing", &new)[0], "gated-random");
    assert_eq!(found("echo", &new)[..2], ["delay", "tape-delay"]);
    assert_eq!(found("qqq", &new), [""; 0]);
}

/// What musicians type who know other instruments, and what they should get first.
#[test]
fn what_is_typed_finds_first_what_is_meant() {
    let words = [
        ("vco", "vco"),
        ("osc", "vco"),
        ("oscillator", "vco"),
        ("saw", "vco"),
        ("supersaw", "supersaw"),
        ("unison", "supersaw"),
        ("wavetable", "wavetable-vco"),
        ("fm", "fm-operator"),
        ("dx7", "fm-operator"),
        ("plaits", "macro-oscillator"),
        ("rings", "modal"),
        ("clouds", "granular"),
        ("noise", "noise"),
        ("sample", "sampler"),
        ("string", "pluck"),
        ("808", "kick"),
        ("909", "kick"),
        ("kick", "kick"),
        ("hihat", "hi-hat"),
        ("cymbal", "hi-hat"),
        ("drum machine", "drum-grid"),
        ("303", "ladder"),
        ("moog", "ladder"),
        ("low pass", "ladder"),
        ("lowpass", "ladder"),
        ("high pass", "svf"),
        ("vcf", "ladder"),
        ("eq", "equalizer"),
        ("wah", "svf"),
        ("vca", "vca"),
        ("gain", "vca"),
        ("volume", "vca"),
        ("attenuator", "attenuverter"),
        ("cv", "attenuverter"),
        ("offset", "attenuverter"),
        ("adsr", "adsr"),
        ("envelope", "adsr"),
        ("maths", "function"),
        ("lfo", "lfo"),
        ("vibrato", "lfo"),
        ("random", "random"),
        ("s&h", "sample-hold"),
        ("sample and hold", "sample-hold"),
        ("turing", "gated-random"),
        ("chance", "bernoulli"),
        ("glide", "slew"),
        ("portamento", "slew"),
        ("scale", "quantizer"),
        ("quantize", "quantizer"),
        ("arp", "arpeggiator"),
        ("sequencer", "sequencer"),
        ("seq", "sequencer"),
        ("midi", "keyboard"),
        ("piano", "keyboard"),
        ("clock", "clock"),
        ("tempo", "clock"),
        ("mixer", "mixer"),
        ("pan", "stereo-vca"),
        ("sidechain", "compressor"),
        ("comp", "compressor"),
        ("limiter", "limiter"),
        ("delay", "delay"),
        ("echo", "delay"),
        ("looper", "delay"),
        ("reverb", "reverb"),
        ("verb", "reverb"),
        ("hall", "reverb"),
        ("pitch shift", "granular"),
        ("fuzz", "distortion"),
        ("lofi", "bitcrusher"),
        ("ring mod", "ring-mod"),
        ("vocoder", "vocoder"),
        ("scope", "scope"),
        ("mic", "audio-in"),
        ("audio", "audio-out"),
        ("output", "audio-out"),
    ];
    let first = |typed: &str| found(typed, &BrowseFor::New).first().copied().unwrap_or("nothing");
    let wrong: Vec<_> = words.iter().filter(|(typed, kind)| first(typed) != *kind).collect();
    let said: Vec<_> = wrong.iter().map(|(typed, kind)| (typed, kind, first(typed))).collect();
    assert!(said.is_empty(), "typed, wanted, found: {said:#?}");
}

#[test]
fn what_fits_by_chance_is_no_tail_of_what_fits() {
    for (typed, most) in [("vco", 4), ("adsr", 2), ("chorus", 4), ("audio out", 3), ("303", 3)] {
        let found = found(typed, &BrowseFor::New);
        assert!(found.len() <= most, "{typed}: {found:?}");
    }
}

#[test]
fn a_cable_that_is_dropped_is_offered_what_is_usual_there() {
    let patch = patch();
    let first = |wish: &BrowseFor, count: usize| {
        let mut list: Vec<&About> = CATALOG.iter().map(|entry| entry.about).collect();
        list.retain(|about| wish.fits(about));
        let parts = sort_by_use(&mut list, &usual(wish, &patch), &Preferences::default());
        assert_eq!(parts[0], (0, "Usual here"));
        list.into_iter().map(|about| about.name).take(count).collect::<Vec<_>>()
    };
    let pitch = first(&BrowseFor::Into("vco.voct".parse().unwrap()), 5);
    let makes_pitch = [
        "quantizer",
        "sequencer",
        "keyboard",
        "piano-roll",
        "octave",
        "chord",
        "gated-random",
        "shift-register",
        "mult",
        "slew",
        "sample-hold",
        "arpeggiator",
        "split",
        "mixer",
        "ribbon",
    ];
    assert!(pitch.iter().all(|kind| makes_pitch.contains(kind)), "{pitch:?}");
    let gates = first(&BrowseFor::Into("adsr.gate".parse().unwrap()), 5);
    let makes_gates = [
        "sequencer",
        "clock",
        "keyboard",
        "piano-roll",
        "euclid",
        "gate-tools",
        "drum-grid",
        "bernoulli",
        "divider",
        "arpeggiator",
        "gated-random",
        "logic",
        "split",
        "random",
    ];
    assert!(gates.iter().all(|kind| makes_gates.contains(kind)), "{gates:?}");
    let after = first(&BrowseFor::From("keyboard.voct".parse().unwrap()), 3);
    assert!(after.contains(&"vco"), "{after:?}");
}

fn patch() -> Patch {
    let mut patch = Patch::default();
    for kind in ["vco", "adsr", "keyboard"] {
        let module = sostenuto_patch::PatchModule::new(kind, 0.0, 0.0);
        patch.modules.insert(kind.parse().unwrap(), module);
    }
    patch
}

#[test]
fn a_module_is_carried_onto_the_canvas() {
    let mut harness = stage(pos2(20.0, 20.0), &[]);
    type_text(&mut harness, "reverb");
    let row = harness.get_all_by_label("Reverb").next().unwrap().rect().center();
    let to = pos2(700.0, 600.0);
    harness.drag_at(row);
    harness.run_steps(2);
    for step in 1..=4 {
        harness.hover_at(row + (to - row) * (step as f32 / 4.0));
        harness.run_steps(1);
    }
    let is_shown = harness.query_by_label("Search modules").is_some();
    assert!(!is_shown, "the browser is out of the way");
    harness.event(eframe::egui::Event::PointerButton {
        pos: to,
        button: eframe::egui::PointerButton::Primary,
        pressed: false,
        modifiers: Modifiers::NONE,
    });
    harness.run_steps(2);
    let chosen = harness.state().chosen.clone().expect("it was dropped");
    assert_eq!((chosen.kind.name, chosen.dropped), ("reverb", Some(to)));
    assert!(!harness.state().browser.is_open());
}

#[test]
fn only_what_has_the_ports_is_shown() {
    let after = BrowseFor::From("vco.saw".parse().unwrap());
    assert!(found("", &after).contains(&"audio-out") && !found("", &after).contains(&"keyboard"));
    let before = BrowseFor::Into("ladder.in".parse().unwrap());
    assert!(!found("", &before).contains(&"scope"));
    let between = BrowseFor::Insert("vco.saw -> ladder.in".parse().unwrap());
    let found = found("", &between);
    assert!(found.contains(&"delay") && !found.contains(&"scope"));
}

#[test]
fn what_breaks_on_purpose_comes_only_when_called() {
    assert!(!found("", &BrowseFor::New).contains(&"saboteur"));
    assert!(!found("worker", &BrowseFor::New).contains(&"saboteur"));
    assert_eq!(found("sabot", &BrowseFor::New), ["saboteur"]);
}

struct Stage {
    browser: Browser,
    preferences: Preferences,
    chosen: Option<Chosen>,
    own: BTreeMap<String, Own>,
}

fn stage(corner: Pos2, recent: &[&str]) -> Harness<'static, Stage> {
    let recent_modules = recent.iter().map(|&kind| kind.to_owned()).collect();
    let preferences = Preferences { recent_modules, ..Preferences::default() };
    let mut browser = Browser::default();
    browser.open(BrowseFor::New, corner, pos2(100.0, 40.0), &Patch::default());
    let app = |ui: &mut Ui, stage: &mut Stage| {
        let theme = Theme::of(Look::Dark);
        let Stage { browser, preferences, own, .. } = stage;
        let chosen = browser.ui(ui.ctx(), &theme, preferences, own);
        stage.chosen = chosen.or(stage.chosen.take());
    };
    let kept = || Own { patch: Patch::default(), is_kept: true };
    let own = ["Crane", "Heron"].map(|name| (name.to_owned(), kept()));
    let stage = Stage { browser, preferences, chosen: None, own: own.into() };
    let builder = Harness::builder().with_size(vec2(900.0, 700.0)).with_step_dt(1.0 / 60.0);
    let mut harness = builder.build_ui_state(app, stage);
    harness.run_steps(3);
    harness
}

fn type_text(harness: &mut Harness<Stage>, text: &str) {
    harness.event(eframe::egui::Event::Text(text.to_owned()));
    harness.run_steps(2);
}

fn press(harness: &mut Harness<Stage>, key: Key) {
    harness.key_press(key);
    harness.run_steps(2);
}

#[test]
fn typing_and_enter_is_enough() {
    let mut harness = stage(pos2(20.0, 20.0), &[]);
    type_text(&mut harness, "rev");
    press(&mut harness, Key::Enter);
    let chosen = harness.state().chosen.clone().expect("Enter takes the first");
    assert_eq!((chosen.kind.name, chosen.at), ("reverb", pos2(100.0, 40.0)));
    assert!(!harness.state().browser.is_open());
    assert_eq!(harness.state().preferences.recent_modules, ["reverb"]);
}

#[test]
fn arrows_walk_and_escape_leaves() {
    let mut harness = stage(pos2(20.0, 20.0), &["delay", "lfo"]);
    press(&mut harness, Key::ArrowDown);
    press(&mut harness, Key::ArrowDown);
    press(&mut harness, Key::ArrowUp);
    press(&mut harness, Key::Enter);
    let chosen = harness.state().chosen.clone();
    assert_eq!(chosen.unwrap().kind.name, "lfo", "what was used last comes first");
    let mut harness = stage(pos2(20.0, 20.0), &[]);
    press(&mut harness, Key::Escape);
    assert!(!harness.state().browser.is_open() && harness.state().chosen.is_none());
}

#[test]
fn a_star_is_given_by_keyboard_and_kept() {
    let mut harness = stage(pos2(20.0, 20.0), &[]);
    type_text(&mut harness, "vco");
    harness.key_press_modifiers(Modifiers::COMMAND, Key::D);
    harness.run_steps(2);
    assert!(harness.state().preferences.favourites.contains("vco"));
    harness.get_by_label("VCO is a favourite").click();
    harness.run_steps(2);
    assert!(harness.state().preferences.favourites.is_empty());
}

#[test]
fn a_shelf_is_chosen_by_its_chip_and_a_module_by_a_click() {
    let mut harness = stage(pos2(20.0, 20.0), &[]);
    harness.get_by_label("Effect").click();
    harness.run_steps(2);
    assert!(harness.query_by_label("VCO").is_none());
    // The first is chosen already; the next is in sight.
    let effects = CATALOG.iter().map(|entry| entry.about);
    let second = effects.filter(|about| about.tags.contains(&Tag::Effect)).nth(1).unwrap();
    harness.get_by_label(second.title).click();
    harness.run_steps(2);
    assert_eq!(harness.state().chosen.as_ref().unwrap().kind.name, second.name);
}

#[test]
fn what_a_musician_kept_is_found_behind_the_catalogues_own() {
    let mut harness = stage(pos2(20.0, 20.0), &[]);
    type_text(&mut harness, "heron");
    assert!(harness.query_by_label("Crane").is_none());
    harness.get_by_label("Heron").click();
    harness.run_steps(2);
    let state = harness.state_mut();
    assert!(state.chosen.is_none() && !state.browser.is_open());
    let own = ChosenOwn { name: "Heron".to_owned(), at: pos2(100.0, 40.0) };
    assert_eq!(state.browser.take_own(), Some(own));
    let mut harness = stage(pos2(20.0, 20.0), &[]);
    type_text(&mut harness, "crane");
    // Behind whatever else is like it, and the last of all.
    press(&mut harness, Key::PageDown);
    press(&mut harness, Key::PageDown);
    harness.get_by_label("Remove from My modules").click();
    harness.run_steps(2);
    let state = harness.state_mut();
    assert!(state.browser.is_open(), "it can be gone on with");
    assert_eq!(state.browser.take_removed().as_deref(), Some("Crane"));
}

#[test]
fn it_stays_inside_the_window() {
    let harness = stage(pos2(880.0, 690.0), &[]);
    let star = harness.get_by_label("Search modules").rect();
    assert!(star.right() < 900.0 && star.top() > 0.0);
    let last = harness.get_by_label("★ Favourites").rect();
    assert!(last.bottom() + BODY_HEIGHT < 700.0);
}
