use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::address::{Count, Form};
use crate::call::Call;
use crate::testing::{example, keeps_to_its_address};

/// A message, read and written, and read again as the same.
pub(super) fn round_trip<M: Message + 'static>(
    args: Vec<OscType>,
) -> Result<OscMessage, Unreadable> {
    let read = |args| {
        let address = find(M::ADDRESS.path).expect("it is in a list");
        let mut args = Args::new(address, args);
        M::read(&mut args).and_then(|message| args.end().map(|()| message))
    };
    let message = read(args)?;
    let encoded = message.encode();
    assert!(keeps_to_its_address(&encoded), "{encoded:?}");
    assert_eq!(read(encoded.args.clone()).as_ref(), Ok(&message), "{encoded:?}");
    Ok(encoded)
}

type RoundTrip = fn(Vec<OscType>) -> Result<OscMessage, Unreadable>;

fn all() -> impl Iterator<Item = (&'static Address, RoundTrip)> {
    let requests = REQUESTS.iter().map(|entry| (&entry.address, entry.round_trip));
    requests.chain(REPORTS.iter().map(|entry| (&entry.address, entry.round_trip)))
}

#[test]
fn every_address_is_declared_once_with_its_example() {
    for (index, address) in addresses().enumerate() {
        let path = address.path;
        assert_eq!(addresses().position(|a| a.path == path), Some(index), "{path}");
        assert!(!address.roles.is_empty() && address.help.ends_with('.'), "{path}");
        let count = |arg: &crate::address::Arg| arg.count as u8;
        assert!(address.args.is_sorted_by_key(count), "{path}: what may be left out comes last");
        assert!(keeps_to_its_address(&example(address.example)), "{}", address.example);
        assert_eq!(example(address.example).addr, path);
    }
}

#[test]
fn every_example_is_written_as_it_was_read() {
    for (address, round_trip) in all() {
        let told = example(address.example);
        let mut written = round_trip(told.args.clone()).unwrap();
        for ((value, told), arg) in written.args.iter_mut().zip(&told.args).zip(address.args) {
            // What follows is not here.
            if arg.form == Form::Following {
                value.clone_from(told);
            }
        }
        // Where it is left out, it may be written all the same.
        written.args.truncate(told.args.len());
        let numbers =
            |message: OscMessage| message.args.into_iter().map(as_number).collect::<Vec<_>>();
        assert_eq!(numbers(written), numbers(told), "{}", address.path);
    }
}

/// A musician writes `2` where a number is wanted.
fn as_number(value: OscType) -> OscType {
    match value {
        OscType::Int(int) => OscType::Float(int as f32),
        value => value,
    }
}

#[test]
fn every_request_without_its_last_argument_or_with_one_more_is_refused() {
    for entry in REQUESTS {
        let path = entry.address.path;
        let mut message = example(entry.address.example);
        let args = message.args.len();
        message.args.push(OscType::Nil);
        assert!(Call::read(message.clone()).is_err(), "{path}");
        message.args.truncate(args);
        let fixed = entry.address.args.iter().filter(|arg| arg.count == Count::One).count();
        let repeated = entry.address.args.iter().filter(|arg| arg.count == Count::Repeated).count();
        if message.args.pop().is_some() && fixed.max(repeated) == args {
            assert!(Call::read(message).is_err(), "{path}");
        }
    }
}

#[test]
fn every_argument_of_the_wrong_type_is_named() {
    for entry in REQUESTS {
        let args = example(entry.address.example).args.len();
        for (index, arg) in entry.address.args.iter().enumerate().take(args) {
            let mut message = example(entry.address.example);
            message.args[index] = OscType::Inf;
            let error = Call::read(message).unwrap_err().error;
            let is_named = matches!(error, Unreadable::Wrong { name, .. } if name == arg.name);
            assert!(is_named, "{}: {error}", entry.address.path);
        }
    }
}

fn any_arg() -> impl Strategy<Value = OscType> {
    let words =
        vec!["a", "b-2", "a.out", "b.in", "/a/b.wav", "f32", "s16", "patch", "view", "", "1.5 kHz"];
    let states =
        vec!["working", "spare", "rests", "quarantine", "info", "trouble", "device", "input"];
    prop_oneof![
        (-20f32..20.0).prop_map(OscType::Float),
        (0i32..20).prop_map(OscType::Int),
        any::<i32>().prop_map(OscType::Int),
        (0i64..i64::MAX).prop_map(OscType::Long),
        any::<bool>().prop_map(OscType::Bool),
        select([words, states].concat()).prop_map(OscType::from),
        "\\PC{0,20}".prop_map(OscType::String),
        prop::collection::vec(any::<u8>(), 0..9).prop_map(OscType::Blob),
    ]
}

/// An example with some of its arguments changed, left out or added.
fn any_args() -> impl Strategy<Value = (usize, Vec<OscType>)> {
    let changes = prop::collection::vec((any::<prop::sample::Index>(), any_arg()), 0..3);
    let added = prop::collection::vec(any_arg(), 0..3);
    let all: Vec<usize> = (0..all().count()).collect();
    (select(all.clone()), changes, added, any::<bool>()).prop_map(
        |(which, changes, added, is_cut)| {
            let mut args = example(all_nth(which).0.example).args;
            for (at, value) in changes {
                if !args.is_empty() {
                    let at = at.index(args.len());
                    args[at] = value;
                }
            }
            if is_cut {
                args.pop();
            }
            args.extend(added);
            (which, args)
        },
    )
}

fn all_nth(which: usize) -> (&'static Address, RoundTrip) {
    all().nth(which).expect("one of them")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]
    #[test]
    fn whatever_is_read_is_written_and_read_as_the_same((which, args) in any_args()) {
        // What cannot be read is refused; the rest is compared there.
        let _ = all_nth(which).1(args);
    }
}
