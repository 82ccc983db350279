//! What Audio In listens to, by a process that has no such card.

#![allow(unsafe_code, reason = "the environment is set")]

use std::sync::mpsc::channel;

use sostenuto_host::engine::intake::intake;
use sostenuto_host::sound_card::ear::{Ear, Input, InputState, Wanted};

#[test]
fn a_card_that_is_not_there_is_told_of_once_and_no_longer_wanted_is_rest() {
    // SAFETY: this is the only test of its program, and nothing runs beside it yet.
    unsafe {
        std::env::set_var("SOSTENUTO_CARD", env!("CARGO_BIN_EXE_test-sostenuto"));
    }
    let (telling, told) = channel();
    let (input_feed, _intake) = intake();
    let ear = Ear::start(input_feed, move |news| telling.send(news).unwrap()).unwrap();
    let input = Input::of("alsa:no-such-card");
    let wanted = Wanted { input, sample_rate_hz: 48_000, block_frames: 256 };
    ear.listen(Some(wanted.clone()));
    let InputState::Deaf(error) = told.recv().unwrap() else { panic!("there is such a card") };
    assert!(error.contains("alsa:no-such-card"), "{error}");
    ear.listen(Some(wanted.clone()));
    ear.listen(Some(Wanted { input: Input::of("alsa:another"), ..wanted }));
    let InputState::Deaf(error) = told.recv().unwrap() else { panic!("there is such a card") };
    assert!(error.contains("alsa:another"), "another that is missing is news: {error}");
    ear.listen(None);
    assert_eq!(told.recv().unwrap(), InputState::Resting);
    drop(ear);
    assert!(told.recv().is_err());
}
