use eframe::egui::{Event, Key, Modifiers, PointerButton, Pos2, pos2};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use sostenuto_modules::catalog::CATALOG;
use sostenuto_osc::message::param::{SetParam, Value};

use super::*;
use crate::theme::Look;

struct Bench {
    kind: &'static str,
    display: Vec<f32>,
    asks: Asks,
    look: Look,
    zoom: f32,
}

fn bench(kind: &'static str, display: Vec<f32>) -> Harness<'static, Bench> {
    let builder = Harness::builder().with_step_dt(1.0 / 60.0).with_size(vec2(500.0, 400.0));
    let bench = Bench { kind, display, asks: Asks::default(), look: Look::Dark, zoom: 1.0 };
    builder.build_ui_state(
        |ui, bench: &mut Bench| {
            let module: ModuleId = "one".parse().unwrap();
            let params = PatchModule::new(bench.kind, 0.0, 0.0);
            let about = params.about().unwrap();
            let size = screen_size(about).unwrap() * bench.zoom;
            let spot = ScreenSpot {
                rect: Rect::from_min_size(Pos2::ZERO, size),
                zoom: bench.zoom,
                module: &module,
                about,
                params: &params,
                display: &bench.display,
                sample_rate_hz: 48_000.0,
                moved: Vec::new(),
                patch: &Patch { scenes: [(1, "Rain".to_owned())].into(), ..Patch::default() },
            };
            let theme = Theme::of(bench.look);
            glance(ui, &theme, &spot);
            screen_ui(ui, &theme, &spot, &mut bench.asks);
        },
        bench,
    )
}

fn button(harness: &mut Harness<Bench>, pos: Pos2, pressed: bool) {
    let (button, modifiers) = (PointerButton::Primary, Modifiers::NONE);
    harness.event(Event::PointerButton { pos, button, pressed, modifiers });
    harness.step();
}

fn drag(harness: &mut Harness<Bench>, from: Pos2, to: Pos2) {
    harness.hover_at(from);
    button(harness, from, true);
    harness.hover_at(to);
    harness.step();
    button(harness, to, false);
    harness.step();
}

fn asked(harness: &Harness<Bench>) -> Vec<(String, f32, i32)> {
    let requests = harness.state().asks.requests.iter();
    requests
        .map(|request| match request {
            Request::SetParam(SetParam { param, value: Value::Number(value), gesture, .. }) => {
                (param.to_string(), *value, *gesture)
            }
            other => panic!("{other:?}"),
        })
        .collect()
}

#[test]
fn every_screen_of_the_catalogue_draws_whatever_is_shown() {
    for about in CATALOG.iter().map(|entry| entry.about) {
        let Some(size) = screen_size(about) else { continue };
        assert!(size.x > 40.0 && size.y > 20.0);
        for number in [0.0, 1.0, -1e30, f32::NAN, f32::INFINITY] {
            for (look, zoom) in [(Look::Dark, 1.0), (Look::Light, 0.25), (Look::HighContrast, 4.0)]
            {
                let mut harness = bench(about.name, vec![number; about.display]);
                harness.state_mut().look = look;
                harness.state_mut().zoom = zoom;
                harness.step();
                assert!(harness.state().asks.requests.is_empty(), "{}", about.name);
            }
        }
        let mut harness = bench(about.name, Vec::new());
        harness.step();
    }
}

#[test]
fn what_a_screen_sets_itself_are_params_of_its_module() {
    for about in CATALOG.iter().map(|entry| entry.about) {
        for param in covers(about) {
            assert!(about.param(param).is_some(), "{}.{param}", about.name);
        }
    }
}

#[test]
fn a_stroke_across_the_steps_sets_their_volts_in_one_gesture() {
    let mut harness = bench("sequencer", vec![2.0]);
    let volts = |step: usize, volts: f32| {
        let height = 0.58 * 202.0;
        pos2(6.0 + 38.5 * (step as f32 + 0.5), 22.0 + height * (0.5 - volts / 10.0))
    };
    drag(&mut harness, volts(1, 0.99), volts(4, 4.0));
    let asked = asked(&harness);
    let steps: Vec<(&str, f32)> = asked.iter().map(|(name, v, _)| (name.as_str(), *v)).collect();
    assert_eq!(steps, [("step-2", 1.0), ("step-3", 2.0), ("step-4", 3.0), ("step-5", 4.0)]);
    assert!(asked.iter().all(|(.., gesture)| *gesture == 1));
    assert_eq!(harness.get_by_label("step-5 of one").value().as_deref(), Some("4 V"));
}

#[test]
fn a_stroke_over_gates_sets_them_all_alike() {
    let mut harness = bench("sequencer", vec![0.0]);
    let gate = |step: usize| pos2(6.0 + 38.5 * (step as f32 + 0.5), 22.0 + 0.66 * 202.0);
    drag(&mut harness, gate(3), gate(1));
    let wanted = ["gate-4", "gate-3", "gate-2"].map(|name| (name.to_owned(), 2.0, 1));
    assert_eq!(asked(&harness), wanted);
}

#[test]
fn a_double_click_brings_a_step_back() {
    let mut harness = bench("sequencer", vec![0.0]);
    let place = pos2(25.0, 30.0);
    for _ in 0..2 {
        harness.hover_at(place);
        button(&mut harness, place, true);
        button(&mut harness, place, false);
    }
    harness.step();
    let (name, volts, _) = asked(&harness).pop().unwrap();
    assert_eq!((name.as_str(), volts), ("step-1", 0.0));
}

#[test]
fn a_key_on_a_face_is_a_note_to_its_module() {
    let mut harness = bench("keyboard", Vec::new());
    let place = pos2(13.0, 70.0);
    harness.hover_at(place);
    button(&mut harness, place, true);
    button(&mut harness, place, false);
    let notes = harness.state().asks.requests.iter();
    let module = |request: &Request| match request {
        Request::NoteOn(note) => note.module.clone(),
        Request::NoteOff(note) => note.module.clone(),
        other => panic!("no note: {other:?}"),
    };
    assert_eq!(notes.map(module).collect::<Vec<_>>(), ["one", "one"].map(|id| id.parse().unwrap()));
}

#[test]
fn the_level_of_a_scope_is_dragged_on_its_screen() {
    let mut harness = bench("scope", Vec::new());
    drag(&mut harness, pos2(7.0, 95.0), pos2(7.0, 47.5));
    let (name, volts, gesture) = asked(&harness).pop().unwrap();
    assert_eq!((name.as_str(), gesture), ("level", 1));
    assert!((volts - 4.0).abs() < 0.01, "{volts}");
}

#[test]
fn a_pad_and_a_ribbon_are_played_by_keys_alone() {
    for (kind, place, way) in [("xy-pad", "y", 0.52), ("ribbon", "position", 0.02)] {
        let mut harness = bench(kind, Vec::new());
        for (param, value) in [(place, way), ("touch", 1.0)] {
            let label = format!("{param} of one");
            harness.get_by_label(&label).focus();
            harness.step();
            harness.key_press(Key::ArrowUp);
            harness.step();
            let (name, is, _) = asked(&harness).pop().unwrap();
            assert_eq!(name, param);
            assert!((is - value).abs() < 1e-3, "{kind}.{param}: {is}");
        }
    }
}

#[test]
fn a_band_is_pulled_by_its_frequency_and_gain_in_one_gesture() {
    let mut harness = bench("equalizer", Vec::new());
    // 800 Hz: ln 40 over ln 1000 of 360 points. A tenth of it is 0.3 decades.
    let band = pos2(5.0 + 360.0 * 0.534, 75.0);
    drag(&mut harness, band, band + eframe::egui::vec2(36.0, -14.0));
    let asked = asked(&harness);
    let last = |name: &str| asked.iter().rfind(|(asked, ..)| asked == name).unwrap().1;
    assert!((last("peak-2-frequency") - 1596.0).abs() < 5.0, "{}", last("peak-2-frequency"));
    assert!((last("peak-2-gain") - 4.0).abs() < 0.05, "{}", last("peak-2-gain"));
    assert!(asked.iter().all(|(name, _, gesture)| name.starts_with("peak-2") && *gesture == 1));
}

#[test]
fn nothing_is_turned_where_no_handle_is_near() {
    let mut harness = bench("equalizer", Vec::new());
    drag(&mut harness, pos2(190.0, 12.0), pos2(260.0, 140.0));
    assert_eq!(asked(&harness), []);
}

#[test]
fn the_wheel_over_a_handle_turns_its_third_param() {
    let mut harness = bench("equalizer", Vec::new());
    wheel(&mut harness, pos2(5.0 + 360.0 * 0.534, 75.0), 1.0);
    let (name, q, _) = asked(&harness).pop().unwrap();
    assert_eq!(name, "peak-2-resonance");
    assert!(q > 0.7, "{q}");
}

#[test]
fn a_notch_over_a_step_is_a_semitone() {
    let mut harness = bench("sequencer", vec![0.0]);
    let step = pos2(6.0 + 38.5 * 2.5, 60.0);
    wheel(&mut harness, step, 1.0);
    wheel(&mut harness, step, 1.0);
    let wanted = [("step-3".to_owned(), 1.0 / 12.0, 1), ("step-3".to_owned(), 2.0 / 12.0, 1)];
    assert_eq!(asked(&harness), wanted);
}

#[test]
fn steps_are_drawn_within_their_range() {
    let mut harness = bench("sequencer", vec![0.0]);
    for reach in ["±5 V", "±2 V", "±1 V"] {
        let badge = harness.get_by_label("range of one");
        assert_eq!(badge.value().as_deref(), Some(reach));
        badge.click();
        harness.step();
        harness.step();
    }
    harness.get_by_label("range of one").click();
    harness.step();
    harness.step();
    let top = pos2(6.0 + 38.5 * 4.5, 23.0);
    drag(&mut harness, top, top);
    assert_eq!(asked(&harness)[0], ("step-5".to_owned(), 2.0, 1));
}

#[test]
fn ratchets_are_drawn_on_their_step() {
    let mut harness = bench("sequencer", vec![0.0]);
    let top = pos2(6.0 + 38.5 * 1.5, 22.0 + 0.755 * 202.0);
    drag(&mut harness, top, top);
    assert_eq!(asked(&harness), [("ratchet-2".to_owned(), 4.0, 1)]);
    assert_eq!(harness.get_by_label("ratchet-2 of one").value().as_deref(), Some("4"));
}

#[test]
fn a_key_that_is_touched_makes_the_scale_ones_own() {
    let mut harness = bench("quantizer", vec![0.0]);
    // C major to begin with; the third white key is E.
    let key = pos2(4.0 + 208.0 / 7.0 * 2.5, 70.0);
    harness.hover_at(key);
    button(&mut harness, key, true);
    button(&mut harness, key, false);
    harness.step();
    let asked = asked(&harness);
    let off: Vec<&str> = asked
        .iter()
        .filter(|(_, value, _)| *value == 0.0)
        .map(|(name, ..)| name.as_str())
        .collect();
    let sharp = |note: char| format!("note-{note}-sharp");
    let wanted = [sharp('c'), sharp('d'), "note-e".into(), sharp('f'), sharp('g'), sharp('a')];
    assert_eq!(off, wanted);
    assert_eq!(asked.last().map(|(name, ..)| name.as_str()), Some("scale"));
    assert!(asked.iter().all(|(.., gesture)| *gesture == 1));
}

fn wheel(harness: &mut Harness<Bench>, place: Pos2, notches: f32) {
    harness.hover_at(place);
    harness.step();
    harness.event(Event::MouseWheel {
        unit: eframe::egui::MouseWheelUnit::Line,
        delta: eframe::egui::vec2(0.0, notches),
        phase: eframe::egui::TouchPhase::Move,
        modifiers: Modifiers::NONE,
    });
    harness.step();
}
