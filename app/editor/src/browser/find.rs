//! Which modules the browser shows, and in which order.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use sostenuto_modules::catalog::CATALOG;
use sostenuto_modules::module::{About, Tag};
use sostenuto_patch::{Cable, InputRef, ModuleId, OutputRef, Patch};

use super::{BrowseFor, Shelf};
use crate::habits::habits;
use crate::preferences::Preferences;
use crate::search::{Clue, Finder};

/// A kind that is in so many patches is none that one seldom means.
const OFTEN: u32 = 2;
/// So many are shown as usual at a port.
const USUAL: usize = 8;

/// How usual which kinds are where a module is looked for.
pub(super) type Usual = BTreeMap<&'static str, u32>;

/// What is usually patched there.
pub(super) fn usual(wish: &BrowseFor, patch: &Patch) -> Usual {
    let kind = |id: &ModuleId| patch.modules.get(id).map_or("", |module| &*module.kind);
    let after = |from: &OutputRef, about| habits().after(kind(&from.module), &from.port, about);
    let before = |to: &InputRef, about| habits().before(kind(&to.module), &to.port, about);
    let often = |about: &'static About| match wish {
        BrowseFor::New | BrowseFor::Replace(_) => None,
        BrowseFor::From(from) => after(from, about).map(|(often, _)| often),
        BrowseFor::Into(to) => before(to, about).map(|(often, _)| often),
        BrowseFor::Insert(Cable { from, to }) => {
            let (after, before) = (after(from, about)?.0, before(to, about)?.0);
            Some(after.min(before))
        }
    };
    let abouts = CATALOG.iter().map(|entry| entry.about);
    abouts.filter_map(|about| Some((about.name, often(about)?))).collect()
}

/// Every module that fits, best first.
pub(super) fn find(
    finder: &mut Finder,
    shelf: &Shelf,
    wish: &BrowseFor,
    usual: &Usual,
    preferences: &Preferences,
) -> Vec<&'static About> {
    let abouts: Vec<&'static About> = CATALOG
        .iter()
        .map(|entry| entry.about)
        .filter(|about| wish.fits(about))
        .filter(|about| shelf.tag.is_none_or(|tag| about.tags.contains(&tag)))
        .filter(|about| !shelf.only_favourites || preferences.favourites.contains(about.name))
        .filter(|about| !about.tags.contains(&Tag::Test) || is_named(&shelf.typed, about))
        .collect();
    let used = |about: &About| {
        habits().uses(about.name).min(OFTEN) + 100 * usual.get(about.name).copied().unwrap_or(0)
    };
    let things = abouts.iter().map(|about| (clues(about), used(about)));
    let ranked = finder.rank(&shelf.typed, things);
    ranked.into_iter().map(|index| abouts[index]).collect()
}

/// Sorts a list that nothing was typed for: what is usual there comes first, then
/// what was used last. Says where which part of it begins.
pub(super) fn sort_by_use(
    list: &mut [&'static About],
    usual: &Usual,
    preferences: &Preferences,
) -> Vec<(usize, &'static str)> {
    let recent = |about: &About| {
        preferences.recent_modules.iter().position(|kind| kind == about.name).unwrap_or(usize::MAX)
    };
    list.sort_by_key(|about| recent(about));
    list.sort_by_key(|about| Reverse(usual.get(about.name).copied().unwrap_or(0)));
    let is_usual = |about: &&&About| usual.contains_key(about.name);
    let first = list.iter().take_while(is_usual).count().min(USUAL);
    list[first..].sort_by_key(|about| recent(about));
    let is_recent = |about: &&&About| recent(about) != usize::MAX;
    let second = first + list[first..].iter().take_while(is_recent).count();
    let heads = [(0, first, "Usual here"), (first, second, "Recently used")];
    let mut parts: Vec<_> = heads
        .into_iter()
        .filter(|(begin, end, _)| begin < end)
        .map(|(begin, _, head)| (begin, head))
        .collect();
    if second > 0 {
        parts.push((second, "All"));
    }
    parts
}

fn clues(about: &'static About) -> Vec<Clue<'static>> {
    let mut clues =
        vec![Clue::Name(about.title), Clue::Name(about.name), Clue::Summary(about.summary)];
    clues.extend(about.tags.iter().map(|&tag| Clue::Tag(tag_title(tag))));
    clues.extend(about.aliases.iter().map(|alias| Clue::Alias(alias)));
    let ports = about.inputs.iter().chain(about.outputs);
    clues.extend(ports.flat_map(|port| [Clue::Help(port.name), Clue::Help(port.help)]));
    clues.extend(about.params.iter().map(|param| Clue::Help(param.name)));
    clues
}

/// Modules that break on purpose are shown only when searched by name.
fn is_named(typed: &str, about: &About) -> bool {
    let typed = typed.trim().to_lowercase();
    typed.chars().count() >= 3 && about.name.starts_with(&typed)
}

/// The tags of what could be chosen, in the order of the catalogue's shelves.
pub(super) fn tags(wish: &BrowseFor) -> Vec<Tag> {
    let all = [
        Tag::Source,
        Tag::Filter,
        Tag::Dynamics,
        Tag::Modulator,
        Tag::Effect,
        Tag::Sequencing,
        Tag::Play,
        Tag::Notes,
        Tag::Random,
        Tag::Utility,
        Tag::Display,
        Tag::Output,
        Tag::Polyphonic,
    ];
    let is_there = |tag: &Tag| {
        CATALOG.iter().any(|entry| entry.about.tags.contains(tag) && wish.fits(entry.about))
    };
    all.into_iter().filter(is_there).collect()
}

/// What the browser calls a shelf.
pub fn tag_title(tag: Tag) -> &'static str {
    match tag {
        Tag::Source => "Source",
        Tag::Filter => "Filter",
        Tag::Dynamics => "Dynamics",
        Tag::Modulator => "Modulator",
        Tag::Effect => "Effect",
        Tag::Sequencing => "Sequencing",
        Tag::Utility => "Utility",
        Tag::Display => "Display",
        Tag::Play => "Play",
        Tag::Notes => "Notes",
        Tag::Output => "Output",
        Tag::Polyphonic => "Polyphonic",
        Tag::Random => "Random",
        Tag::Test => "Test",
    }
}
