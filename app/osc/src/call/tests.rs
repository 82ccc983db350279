use proptest::prelude::*;
use sostenuto_modules::module::Event;

use super::*;
use crate::message::addresses;
use crate::message::param::path_of_param;
use crate::testing::{example, read, refused};

#[test]
fn every_example_of_a_request_is_read_and_of_an_answer_is_not() {
    for address in addresses() {
        let call = Call::read(example(address.example));
        if address.roles.contains(&Role::Request) {
            assert_eq!(call.unwrap().path, address.path);
        } else {
            assert_eq!(call.unwrap_err().error, Unreadable::NoRequest, "{}", address.path);
        }
    }
}

#[test]
fn a_key_without_a_voct_has_the_pitch_of_its_key() {
    let event = |text| match read(text) {
        Request::NoteOn(note) => note.event().unwrap(),
        _ => panic!("a note"),
    };
    let note = |voct| Event::NoteOn { key: 72, voct, velocity: 0.5 };
    assert_eq!(event("/note/on keys 72 0.5"), note(1.0));
    assert_eq!(event("/note/on keys 72 0.5 0.25"), note(0.25));
    assert_eq!(event("/note/on keys 72.0 0.5"), note(1.0));
    assert_eq!(event("/note/on keys 72 0"), Event::NoteOff { key: 72 });
    let Request::NoteOn(note) = read("/note/on keys 100000 1") else { panic!("a note") };
    assert!(note.event().unwrap_err().to_string().contains("0 to 180"));
}

#[test]
fn a_value_of_osc_in_is_set_by_its_address() {
    let Request::SetValue(set) = read("/in/pad-2/8 -2.5") else { panic!("a value") };
    assert_eq!((set.module.as_str(), set.index, set.volts), ("pad-2", 7, -2.5));
    assert_eq!(read("/in/pad-2/8 -2.5"), read("/module/in pad-2 8 -2.5"));
    assert!(refused("/in/pad/9 1").contains("1 to 8"));
    assert!(refused("/in/pad/0 1").contains("1 to 8"));
    assert!(refused("/in/pad/1 11").contains("-10 to 10"));
    assert!(refused("/in/pad/1").contains("`volts` is missing"));
    assert!(refused("/in/pad 1").contains("no such address"));
    assert!(refused("/in/Pad/1 1").contains("`Pad`"));
}

#[test]
fn every_knob_has_an_address_of_its_own() {
    let set = read("/param/set vcf cutoff 440.0");
    assert_eq!(read("/vcf/cutoff 440.0"), set);
    assert_eq!(read("/param/vcf/cutoff 440.0"), set);
    assert_eq!(read("/param/sound/cutoff 1"), read("/param/set sound cutoff 1"));
    assert_eq!(read("/mix/mute-1 true"), read("/param/set mix mute-1 1"));
    assert_eq!(read("/mix/mute-1 false"), read("/param/set mix mute-1 0.0"));
    assert_eq!(read("/vcf/cutoff \"1.5 kHz\""), read("/param/set vcf cutoff \"1.5 kHz\""));
    let call = Call::read(example("/vcf/cutoff 440.0")).unwrap();
    assert_eq!((&*call.path, call.is_for_controllers), ("/vcf/cutoff", true));
    assert!(refused("/vcf/cutoff").contains("no such address"));
    assert!(refused("/vcf/cutoff 1 2").contains("no such address"));
    assert!(refused("/sound/cutoff 1").contains("no such address"));
    assert!(refused("/Vcf/cutoff 1").contains("`Vcf`"));
}

#[test]
fn no_knob_of_a_new_module_is_taken_for_another_address() {
    for entry in sostenuto_modules::catalog::CATALOG {
        let kind = entry.about.name;
        assert!(!is_reserved(kind), "{kind}");
        for param in entry.about.params {
            let path = path_of_param(kind, param.name);
            assert!(find(&path).is_none() && path.matches('/').count() == 2, "{path}");
        }
    }
    assert_eq!(path_of_param("sound", "cutoff"), "/param/sound/cutoff");
    assert!(["in", "key", "param", "module"].into_iter().all(is_reserved));
}

#[test]
fn a_key_and_a_button_of_a_tablet_send_one_number() {
    assert_eq!(read("/key/keys/72 0.5"), read("/note/on keys 72 0.5"));
    assert_eq!(read("/key/keys/72 true"), read("/note/on keys 72 1.0"));
    assert_eq!(read("/key/keys/72 false"), read("/note/on keys 72 0.0"));
    assert_eq!(read("/note/on keys 69 \"50 %\" A4"), read("/note/on keys 69 0.5 0.75"));
    for path in ["/undo", "/redo", "/panic"] {
        let request = read(path);
        for down in ["1", "1.0", "true", "0.3", "127"] {
            assert_eq!(read(&format!("{path} {down}")), request);
        }
        for up in ["0", "0.0", "false"] {
            assert_ne!(read(&format!("{path} {up}")), request);
        }
    }
    let port = |text| match read(text) {
        Request::Feedback(feedback) => feedback.port,
        _ => panic!("feedback"),
    };
    assert_eq!(port("/feedback 9001.0"), Some(9001));
    assert_eq!(port("/feedback 1.0"), None);
    assert!(refused("/feedback 80").contains("1024 to 65535"));
}

#[test]
fn a_gate_is_sent_as_true_or_as_volts() {
    for (volts, text) in [(10.0, "true"), (0.0, "false"), (2.5, "\"2.5 V\""), (1.0, "C5")] {
        let Request::SetValue(set) = read(&format!("/in/pad/1 {text}")) else { panic!("a value") };
        assert_eq!((set.index, set.volts), (0, volts), "{text}");
    }
    assert!(refused("/in/pad/1 loud").contains("`volts`: `loud` is not a value"));
    assert!(refused("/in/pad/1 \"11 V\"").contains("out of range"));
}

#[test]
fn what_is_out_of_range_is_refused_with_its_range() {
    assert!(refused("/note/on keys -1 0.5").contains("0 or more"));
    assert!(refused("/note/on keys 60 1.5").contains("0 to 1"));
    assert!(refused("/note/on keys 60 0.5 11.0").contains("-10 to 10"));
    assert!(refused("/note/on keys 60 NaN").contains("0 to 1"));
    assert!(refused("/note/on keys 60.5 1").contains("whole number"));
    assert!(refused("/reports/subscribe patch weather").contains("patch, meters, health"));
    assert!(refused("/module/bypass lead 2").contains("true or false"));
    assert!(refused("/patch/save lead.sostenuto").contains("full path"));
    assert!(refused("/record/start /tmp/a.wav mp3").contains("f32, s24, s16"));
    assert!(refused("/record/save-last /tmp/a.wav s24 0").contains("3600"));
    assert!(refused("/drill/kill -1").contains("0 or more"));
}

#[test]
fn an_address_that_is_not_there_is_answered_with_its_neighbour() {
    assert!(refused("/param/ste a gain 1").contains("`/param/set`"));
    assert!(refused("/").contains("no such address"));
}

proptest! {
    #[test]
    fn any_message_is_read_or_refused_in_a_sentence(
        words in prop::collection::vec("[a-z]{0,6}|in|key|param|set|module|vcf|60|1", 0..5),
        args in prop::collection::vec(prop_oneof![
            any::<f32>().prop_map(OscType::Float),
            any::<f64>().prop_map(OscType::Double),
            any::<i32>().prop_map(OscType::Int),
            any::<i64>().prop_map(OscType::Long),
            any::<bool>().prop_map(OscType::Bool),
            "\\PC{0,20}".prop_map(OscType::String),
            Just(OscType::Nil),
            Just(OscType::Inf),
            prop::collection::vec(any::<u8>(), 0..9).prop_map(OscType::Blob),
        ], 0..4)
    ) {
        let addr = format!("/{}", words.join("/"));
        if let Err(refusal) = Call::read(OscMessage { addr: addr.clone(), args }) {
            prop_assert_eq!(refusal.address, addr);
            prop_assert!(!refusal.error.to_string().is_empty());
        }
    }
}
