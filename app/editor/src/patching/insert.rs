//! A module into a cable, with both sides of a stereo sound.

use sostenuto_modules::module::About;
use sostenuto_patch::{Cable, Edit, InputRef, ModuleId, Name, OutputRef, Patch};

use super::{way_through, with_delays};

/// Puts a module into a cable, and into that of the other side where the module is
/// stereo and the cable is one of two. `None` where it has no way through.
pub fn insert(patch: &Patch, id: &ModuleId, about: &About, cable: &Cable) -> Option<Edit> {
    if cable.from.module == *id || cable.to.module == *id {
        return None;
    }
    let (input, output) = way_of_the_side(id, about, cable)?;
    let mut ways = vec![(cable.clone(), Some(input.clone()), output.clone())];
    if let Some(other) = other_side(patch, cable).filter(|other| other.from.module != *id)
        && let Some(output) = mirrored_output(about, &output)
    {
        let is_mono = other.from == cable.from;
        match mirrored_input(about, &input) {
            Some(input) => ways.push((other, Some(input), output)),
            // One signal for both sides goes in once, and comes out twice.
            None if is_mono => ways.push((other, None, output)),
            None => {}
        }
    }
    let mut delayed = patch.delayed.clone();
    let mut edits = Vec::new();
    for (cable, input, output) in ways {
        let after = Cable { from: output, to: cable.to.clone() };
        if delayed.remove(&cable) {
            delayed.insert(after.clone());
        }
        let before = input.map(|to| Cable { from: cable.from.clone(), to });
        edits.push(Edit::Disconnect(cable));
        edits.extend(before.map(Edit::Connect));
        edits.push(Edit::Connect(after));
    }
    Some(with_delays(patch, edits, &delayed))
}

/// The way through a module for what goes to such a port: `right` takes the right.
fn way_of_the_side(id: &ModuleId, about: &About, cable: &Cable) -> Option<(InputRef, OutputRef)> {
    let (input, output) = way_through(id, about)?;
    let is_other = side(&input.port).zip(side(&cable.to.port)).is_some_and(|(own, its)| own != its);
    let other = mirrored_input(about, &input).zip(mirrored_output(about, &output));
    Some(other.filter(|_| is_other).unwrap_or((input, output)))
}

fn mirrored_input(about: &About, input: &InputRef) -> Option<InputRef> {
    let port: Name = mirrored(&input.port)?.into();
    about.input(&port)?;
    Some(InputRef { module: input.module.clone(), port })
}

fn mirrored_output(about: &About, output: &OutputRef) -> Option<OutputRef> {
    let port: Name = mirrored(&output.port)?.into();
    about.output(&port)?;
    Some(OutputRef { module: output.module.clone(), port })
}

/// The cable beside this one that carries the other side of the same sound.
fn other_side(patch: &Patch, cable: &Cable) -> Option<Cable> {
    let port = mirrored(&cable.to.port)?;
    let to = InputRef { module: cable.to.module.clone(), port: port.as_str().into() };
    let there: Vec<&Cable> = patch.cables.iter().filter(|other| other.to == to).collect();
    let from = &cable.from;
    let is_twin = |other: &&&Cable| {
        other.from == *from
            || other.from.module == from.module
                && mirrored(&from.port).as_deref() == Some(&*other.from.port)
    };
    // Each side may come from a module of its own.
    let only = || Some(there.first()?).filter(|_| there.len() == 1);
    there.iter().find(is_twin).or_else(only).map(|other| (*other).clone())
}

/// `left` or `right`, where a port is one of two sides.
fn side(port: &str) -> Option<&str> {
    port.split('-').find(|word| ["left", "right"].contains(word))
}

/// The port of the other side.
fn mirrored(port: &str) -> Option<String> {
    side(port)?;
    let swap = |word| match word {
        "left" => "right",
        "right" => "left",
        other => other,
    };
    Some(port.split('-').map(swap).collect::<Vec<_>>().join("-"))
}
