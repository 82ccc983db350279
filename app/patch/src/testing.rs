//! Small patches and edits that tests are made with.

#![allow(missing_docs, clippy::missing_panics_doc, reason = "each is what its name says")]

use proptest::prelude::*;

use crate::edit::{Edit, Move, apply};
use crate::stage::{Form, Staged};
use crate::{Comment, Group, ModuleId, Patch, PatchModule};

pub fn id(text: &str) -> ModuleId {
    text.parse().unwrap()
}

pub fn added(name: &str) -> Edit {
    Edit::AddModule { id: id(name), module: PatchModule::new("attenuverter", 0.0, 0.0) }
}

pub fn connected(cable: &str) -> Edit {
    Edit::Connect(cable.parse().unwrap())
}

pub fn set(module: &str, param: &str, value: f32) -> Edit {
    Edit::SetParam { module: id(module), param: param.into(), value }
}

/// Three modules in a loop.
pub fn ring() -> Patch {
    let mut patch = Patch::default();
    let edits = ["a", "b", "c"].map(added);
    let cables = ["a.out -> b.in", "b.out -> c.in", "c.out -> a.in"].map(connected);
    for edit in edits.into_iter().chain(cables) {
        apply(&mut patch, edit).unwrap();
    }
    patch
}

/// A module that has a text.
pub fn math(name: &str) -> Edit {
    Edit::AddModule { id: id(name), module: PatchModule::new("math", 0.0, 0.0) }
}

pub fn written(name: &str, text: &str) -> Edit {
    Edit::SetText { module: id(name), text: text.into() }
}

pub fn commented(name: &str, text: &str) -> Edit {
    let comment = Comment { text: text.into(), width: 90.0, ..Comment::default() };
    Edit::SetComment { id: name.parse().unwrap(), comment: Some(comment) }
}

/// A group of that name in another, or on the canvas.
pub fn grouped(name: &str, inside: Option<&str>) -> Edit {
    let inside = inside.map(|name| name.parse().unwrap());
    let group = Group { title: name.to_owned(), inside, ..Group::default() };
    Edit::SetGroup { id: name.parse().unwrap(), group: Some(group) }
}

/// That group, on the canvas, linked by that name.
pub fn linked(name: &str, link: Option<&str>) -> Edit {
    let link = link.map(Into::into);
    let group = Group { title: name.to_owned(), link, ..Group::default() };
    Edit::SetGroup { id: name.parse().unwrap(), group: Some(group) }
}

/// A part of a module, called that.
pub fn titled(module: &str, part: &str, title: &str) -> Edit {
    Edit::SetPartTitle { module: id(module), part: part.parse().unwrap(), title: title.to_owned() }
}

/// A granular delay that will be there one day.
pub fn grains() -> PatchModule {
    let mut module = PatchModule::new("grains", 20.0, 40.0);
    module.is_placeholder = true;
    module.params.insert("density".into(), 12.5);
    module.words.insert("window".into(), "hann".into());
    module.text = "cloud.wav".into();
    module
}

/// Any edit of a few modules: some can be done and some cannot.
pub fn any_edit() -> impl Strategy<Value = Edit> {
    let name = || prop::sample::select(vec!["a", "b", "c", "d", "e"]);
    let port = || prop::sample::select(vec!["in", "out"]);
    let cable = (name(), port(), name(), port())
        .prop_map(|(a, out, b, into)| format!("{a}.{out} -> {b}.{into}").parse().unwrap());
    let param = prop::sample::select(vec!["gain", "offset", "colour"]);
    let parts = vec!["input in", "output out", "param gain", "screen", "param colour"];
    let part = prop::sample::select(parts);
    let form = prop::sample::select(vec![Form::Own, Form::Fader, Form::Across, Form::Up]);
    let one = prop_oneof![
        4 => name().prop_map(added),
        1 => name().prop_map(|name| Edit::RemoveModule { id: id(name) }),
        1 => (name(), name())
            .prop_map(|(a, b)| Edit::RenameModule { id: id(a), new_id: id(b) }),
        6 => cable.clone().prop_map(Edit::Connect),
        2 => cable.clone().prop_map(Edit::Disconnect),
        3 => (cable, any::<bool>())
            .prop_map(|(cable, is_delayed)| Edit::SetDelay { cable, is_delayed }),
        6 => (name(), param.clone(), -2.5f32..2.5).prop_map(|(m, p, value)| set(m, p, value)),
        1 => (name(), any::<bool>())
            .prop_map(|(m, is_bypassed)| Edit::SetBypass { module: id(m), is_bypassed }),
        1 => (name(), -9f32..9.0)
            .prop_map(|(m, x)| Edit::MoveModules(vec![Move { module: id(m), x, y: -x }])),
        1 => name().prop_map(|name| {
            Edit::AddModule { id: id(name), module: grains() }
        }),
        1 => name().prop_map(math),
        2 => (name(), "[a-d+* ]{0,9}").prop_map(|(name, text)| written(name, &text)),
        2 => (name(), ".*").prop_map(|(name, text)| commented(name, &text)),
        1 => name().prop_map(|name| {
            Edit::SetComment { id: name.parse().unwrap(), comment: None }
        }),
        2 => (name(), prop::option::of(name()))
            .prop_map(|(name, inside)| grouped(name, inside)),
        1 => name().prop_map(|name| Edit::SetGroup { id: name.parse().unwrap(), group: None }),
        2 => (name(), prop::option::of(name()), 0u32..3).prop_map(|(module, group, twin)| {
            let group = group.map(|name| name.parse().unwrap());
            Edit::SetInside { module: id(module), group, twin }
        }),
        1 => (name(), prop::option::of(name())).prop_map(|(name, link)| linked(name, link)),
        1 => (name(), part.clone(), ".{0,9}")
            .prop_map(|(module, part, title)| titled(module, part, &title)),
        2 => (name(), part.clone(), prop::option::of((0u16..4, form))).prop_map(|(module, part, at)| {
            let staged = at.map(|(place, form)| Staged { place, form });
            Edit::SetStaged { module: id(module), part: part.parse().unwrap(), staged }
        }),
        1 => (name(), param, any::<bool>()).prop_map(|(module, param, is_locked)| {
            Edit::SetLocked { module: id(module), param: param.into(), is_locked }
        }),
        1 => (name(), part, 0u8..3).prop_map(|(module, part, levels)| Edit::SetShown {
            module: id(module),
            part: part.parse().unwrap(),
            levels,
        }),
        1 => (1u8..4, prop::option::of(".*"))
            .prop_map(|(number, title)| Edit::SetScene { number, title }),
        2 => (name(), 1u8..4, prop::option::of(-2.5f32..2.5)).prop_map(|(module, number, gain)| {
            let values = gain.map(|gain| [("gain".into(), gain)].into());
            Edit::KeepInScene { module: id(module), number, values }
        }),
        1 => ".*".prop_map(Edit::SetTitle),
        1 => ".*".prop_map(Edit::SetDescription),
        1 => Just(Edit::Replace(Box::new(ring()))),
        1 => Just(Edit::Replace(Box::default())),
    ];
    one.prop_recursive(2, 12, 4, |inner| prop::collection::vec(inner, 0..4).prop_map(Edit::Several))
}
