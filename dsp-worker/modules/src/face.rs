//! How a module's face is laid out, where the order of its params does not say it.

/// What stands on a face; see [`About::face`](crate::module::About::face). Within
/// [`Part::Strips`] every `#` of a name stands for the number of the strip.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Part {
    /// What [`About::screen`](crate::module::About::screen) or its text shows.
    Screen,
    /// A param, drawn as suits it.
    Param(&'static str),
    /// A param as a small knob.
    Small(&'static str),
    /// A switch as a button with its label on it.
    Button(&'static str),
    /// A level as a fader, and beside it the level at a port.
    Fader(&'static str, &'static str),
    /// An input with its label below.
    Input(&'static str),
    /// An output with its label below.
    Output(&'static str),
    /// Beside each other; their lower edges are on one line.
    Row(&'static [Part]),
    /// Below each other, under a heading where there is one.
    Column(&'static str, &'static [Part]),
    /// So many columns beside each other, from 1, with their numbers as headings.
    Strips(u8, &'static [Part]),
}
