use eframe::egui::accesskit::{ActionRequest, Role};
use eframe::egui::{TouchPhase, pos2};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};
use sostenuto_osc::message::Request;
use sostenuto_osc::message::param::{SetParam, Value};

use super::*;
use crate::theme::Look;

static MIX: Param = Param::linear("mix", 0.0..=1.0, 0.25, Unit::Fraction, "How much of it");
static CUTOFF: Param = Param::log("cutoff", 20.0..=20_000.0, 1000.0, Unit::Hz, "");
static OCTAVE: Param = Param::steps("octave", -4.0..=4.0, 0.0, "");
static RUN: Param = Param::switch("run", false, "");
static SLOPE: Param = Param::choice("slope", &["rising", "falling"], 0, "");
static SCALE: Param =
    Param::choice("scale", &["chromatic", "major", "minor", "dorian", "blues"], 1, "");

/// A param on a face whose host never answers: the worst that lag can be.
struct Bench {
    module: ModuleId,
    param: &'static Param,
    value: f32,
    asks: Asks,
    /// What the wheel left for those behind.
    scrolled: f32,
}

fn bench(param: &'static Param) -> Harness<'static, Bench> {
    let module = "ladder-2".parse().unwrap();
    let bench = Bench { module, param, value: param.default, asks: Asks::default(), scrolled: 0.0 };
    let builder = Harness::builder().with_step_dt(1.0 / 60.0).with_size(vec2(400.0, 400.0));
    builder.build_ui_state(
        |ui, bench: &mut Bench| {
            let kind = WidgetKind::of(bench.param);
            let rect = Rect::from_center_size(pos2(200.0, 200.0), kind.size());
            let Bench { module, param, value, .. } = &*bench;
            let (module, param, value) = (&module.clone(), *param, *value);
            let spot = ParamSpot {
                rect,
                zoom: 1.0,
                module,
                param,
                value,
                moved: Some(value),
                label: param.name,
                title: None,
                meter_volts: None,
                kind,
            };
            param_ui(ui, &Theme::of(Look::Dark), &spot, &mut bench.asks, &mut |_| {});
            bench.scrolled += ui.input(|input| input.smooth_scroll_delta).length();
        },
        bench,
    )
}

/// What was asked for: values, and the gestures that they are of.
fn asked(harness: &Harness<Bench>) -> (Vec<f32>, Vec<i32>) {
    let requests = harness.state().asks.requests.iter();
    requests
        .map(|request| match request {
            Request::SetParam(SetParam { value: Value::Number(value), gesture, .. }) => {
                (*value, *gesture)
            }
            other => panic!("{other:?}"),
        })
        .unzip()
}

#[track_caller]
fn ends_at(harness: &Harness<Bench>, value: f32) {
    let (values, _) = asked(harness);
    let last = values.last().copied().unwrap();
    assert!((last - value).abs() < 1e-4 * value.abs().max(1.0), "{last}, not {value}");
}

/// How many gestures there were, each without a break.
fn gestures(harness: &Harness<Bench>) -> usize {
    let (_, mut gestures) = asked(harness);
    gestures.dedup();
    let count = gestures.len();
    gestures.sort_unstable();
    gestures.dedup();
    assert_eq!(gestures.len(), count, "a gesture was taken up again");
    count
}

fn button(harness: &mut Harness<Bench>, at: Pos2, button: PointerButton, pressed: bool) {
    let modifiers = harness.ctx.input(|input| input.modifiers);
    harness.event(Event::PointerButton { pos: at, button, pressed, modifiers });
    harness.step();
}

fn drag_up(harness: &mut Harness<Bench>, with: PointerButton, pixels: usize) {
    let start = pos2(200.0, 195.0);
    harness.hover_at(start);
    button(harness, start, with, true);
    for pixel in 1..=pixels {
        harness.hover_at(start - vec2(0.0, pixel as f32));
    }
    harness.step();
    button(harness, start - vec2(0.0, pixels as f32), with, false);
    harness.step();
}

fn wheel(harness: &mut Harness<Bench>, notches: f32) {
    let (unit, phase) = (MouseWheelUnit::Line, TouchPhase::Move);
    let modifiers = harness.ctx.input(|input| input.modifiers);
    harness.event(Event::MouseWheel { unit, delta: vec2(0.0, notches), phase, modifiers });
    harness.step();
}

fn click(harness: &mut Harness<Bench>, at: Pos2) {
    harness.hover_at(at);
    harness.step();
    button(harness, at, PointerButton::Primary, true);
    button(harness, at, PointerButton::Primary, false);
    harness.step();
}

fn seconds(harness: &mut Harness<Bench>, secs: f32) {
    harness.run_steps((secs * 60.0) as usize);
}

#[test]
fn a_hundred_pixels_up_are_half_of_the_way_in_one_gesture() {
    let mut harness = bench(&MIX);
    drag_up(&mut harness, PointerButton::Primary, 100);
    ends_at(&harness, 0.75);
    assert_eq!(gestures(&harness), 1);
}

#[test]
fn a_second_drag_goes_on_from_the_first_as_a_new_gesture() {
    let mut harness = bench(&MIX);
    drag_up(&mut harness, PointerButton::Primary, 20);
    drag_up(&mut harness, PointerButton::Primary, 20);
    ends_at(&harness, 0.45);
    assert_eq!(gestures(&harness), 2);
}

#[test]
fn shift_and_the_right_button_are_ten_times_finer() {
    let mut harness = bench(&MIX);
    harness.event(Event::ModifiersChanged(Modifiers::SHIFT));
    harness.step();
    drag_up(&mut harness, PointerButton::Primary, 100);
    ends_at(&harness, 0.3);
    let mut harness = bench(&MIX);
    drag_up(&mut harness, PointerButton::Secondary, 100);
    ends_at(&harness, 0.3);
    assert!(harness.query_by_role(Role::TextInput).is_none(), "a drag is no click");
}

#[test]
fn whole_numbers_are_reached_by_a_slow_hand() {
    let mut harness = bench(&OCTAVE);
    drag_up(&mut harness, PointerButton::Primary, 60);
    assert_eq!(asked(&harness).0, [1.0, 2.0]);
    assert_eq!(gestures(&harness), 1);
}

#[test]
fn notches_in_a_row_are_one_gesture_and_nobody_else_hears_them() {
    let mut harness = bench(&MIX);
    harness.hover_at(pos2(200.0, 195.0));
    harness.step();
    for _ in 0..3 {
        wheel(&mut harness, 1.0);
    }
    ends_at(&harness, 0.31);
    assert_eq!(gestures(&harness), 1);
    seconds(&mut harness, 1.0);
    assert_eq!(harness.state().scrolled, 0.0);
    wheel(&mut harness, -1.0);
    assert_eq!(gestures(&harness), 2);
    harness.hover_at(pos2(20.0, 20.0));
    harness.step();
    wheel(&mut harness, 1.0);
    assert!(harness.state().scrolled > 0.0, "beside it the wheel is the canvas's");
}

#[test]
fn a_notch_with_shift_is_finer_and_whole_numbers_move_by_one() {
    let mut harness = bench(&MIX);
    harness.hover_at(pos2(200.0, 195.0));
    harness.step();
    harness.event(Event::ModifiersChanged(Modifiers::SHIFT));
    harness.step();
    wheel(&mut harness, 1.0);
    ends_at(&harness, 0.252);
    let mut harness = bench(&OCTAVE);
    harness.hover_at(pos2(200.0, 195.0));
    harness.step();
    wheel(&mut harness, -1.0);
    wheel(&mut harness, -1.0);
    assert_eq!(asked(&harness).0, [-1.0, -2.0]);
}

#[test]
fn a_double_click_goes_back_to_the_default() {
    for clicks in [2, 3] {
        let mut harness = bench(&CUTOFF);
        harness.state_mut().value = 77.0;
        for _ in 0..clicks {
            click(&mut harness, pos2(200.0, 195.0));
        }
        ends_at(&harness, 1000.0);
        assert_eq!(gestures(&harness), 1);
    }
}

#[test]
fn arrows_turn_what_has_the_focus_and_home_is_the_default() {
    let mut harness = bench(&MIX);
    harness.get_by_label("mix of ladder-2").focus();
    harness.step();
    harness.key_press(Key::ArrowUp);
    harness.key_press(Key::ArrowRight);
    harness.key_press(Key::ArrowDown);
    harness.step();
    ends_at(&harness, 0.27);
    assert_eq!(gestures(&harness), 1);
    harness.key_press_modifiers(Modifiers::SHIFT, Key::ArrowUp);
    harness.step();
    ends_at(&harness, 0.272);
    harness.key_press(Key::Home);
    harness.step();
    ends_at(&harness, 0.25);
    assert!(harness.get_by_label("mix of ladder-2").is_focused());
}

#[test]
fn enter_opens_a_field_to_type_in() {
    let mut harness = bench(&CUTOFF);
    harness.get_by_label("cutoff of ladder-2").focus();
    harness.step();
    harness.key_press(Key::Enter);
    harness.run_steps(4);
    let field = harness.get_by_role(Role::TextInput);
    assert_eq!(field.value().as_deref(), Some("1 kHz"));
    assert!(field.is_focused());
    field.type_text("a4 + 12 st");
    harness.run_steps(2);
    harness.get_by_label_contains("= 880 Hz");
    harness.key_press(Key::Enter);
    harness.run_steps(4);
    ends_at(&harness, 880.0);
    assert_eq!(gestures(&harness), 1);
    assert!(harness.query_by_role(Role::TextInput).is_none(), "it is closed");
}

#[test]
fn a_right_click_opens_the_menu_and_what_is_no_value_stays_in_it() {
    let mut harness = bench(&CUTOFF);
    harness.state_mut().value = 77.0;
    harness.get_by_label("cutoff of ladder-2").click_secondary();
    harness.run_steps(4);
    harness.get_by_role(Role::TextInput).type_text("loud");
    harness.run_steps(2);
    harness.key_press(Key::Enter);
    harness.run_steps(4);
    harness.get_by_label_contains("`loud` is not a value here");
    assert!(asked(&harness).0.is_empty());
    harness.get_by_label("Reset to 1 kHz").click();
    harness.run_steps(4);
    ends_at(&harness, 1000.0);
}

#[test]
fn a_switch_is_thrown_by_a_click_or_a_key() {
    let mut harness = bench(&RUN);
    click(&mut harness, pos2(200.0, 195.0));
    assert_eq!(asked(&harness).0, [1.0]);
    seconds(&mut harness, 1.0);
    harness.state_mut().value = 1.0;
    harness.get_by_label("run of ladder-2").focus();
    harness.step();
    harness.key_press(Key::Space);
    harness.step();
    assert_eq!(asked(&harness).0, [1.0, 0.0]);
    assert_eq!(gestures(&harness), 2);
}

#[test]
fn words_beside_each_other_are_clicked_and_many_words_are_a_menu() {
    let mut harness = bench(&SLOPE);
    click(&mut harness, pos2(240.0, 195.0));
    assert_eq!(asked(&harness).0, [1.0]);
    let mut harness = bench(&SCALE);
    click(&mut harness, pos2(200.0, 195.0));
    harness.run_steps(2);
    harness.get_by_label("dorian").click();
    harness.run_steps(2);
    assert_eq!(asked(&harness).0, [3.0]);
}

#[test]
fn the_arrows_of_a_stepper_step() {
    let mut harness = bench(&OCTAVE);
    for _ in 0..3 {
        click(&mut harness, pos2(225.0, 195.0));
    }
    click(&mut harness, pos2(175.0, 195.0));
    assert_eq!(asked(&harness).0, [1.0, 2.0, 3.0, 2.0]);
}

#[test]
fn a_screen_reader_finds_it_and_sets_it() {
    let mut harness = bench(&CUTOFF);
    harness.step();
    let node = harness.get_by_role_and_label(Role::Slider, "cutoff of ladder-2");
    let slider = node.accesskit_node();
    assert_eq!(slider.value().as_deref(), Some("1 kHz"));
    assert_eq!(slider.numeric_value(), Some(1000.0));
    assert_eq!(slider.min_numeric_value(), Some(20.0));
    let (target_node, target_tree) = slider.locate();
    let data = Some(ActionData::NumericValue(440.0));
    let request = ActionRequest { action: Action::SetValue, target_node, target_tree, data };
    harness.event(Event::AccessKitActionRequest(request));
    harness.step();
    ends_at(&harness, 440.0);
}

#[test]
fn what_the_hand_does_is_shown_until_the_host_has_answered() {
    let mut harness = bench(&MIX);
    drag_up(&mut harness, PointerButton::Primary, 100);
    let shown = |harness: &Harness<Bench>| harness.get_by_label("mix of ladder-2").value();
    assert_eq!(shown(&harness).as_deref(), Some("75 %"));
    seconds(&mut harness, 1.0);
    assert_eq!(shown(&harness).as_deref(), Some("25 %"));
}
