//! What is declared of a message: its address, its arguments, who sends it.

/// An address: what may follow it, and what it means.
#[derive(Debug)]
pub struct Address {
    /// As on the wire: `/param/set`.
    pub path: &'static str,
    /// Who sends it when; the first is where the manual has it.
    pub roles: &'static [Role],
    /// Its arguments. Optional and repeated ones come last.
    pub args: &'static [Arg],
    /// Whether controllers may send it over UDP.
    pub is_for_controllers: bool,
    /// A message as one would type it.
    pub example: &'static str,
    /// One sentence, and what would surprise.
    pub help: &'static str,
}

/// Who sends a message when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// To the host.
    Request,
    /// From the host, to the client that asked.
    Reply,
    /// From the host, to subscribers.
    Report,
}

/// An argument of a message.
#[derive(Debug)]
pub struct Arg {
    /// What the manual calls it.
    pub name: &'static str,
    /// Its type on the wire.
    pub form: Form,
    /// How often it stands there.
    pub count: Count,
    /// What a number counts, or nothing.
    pub unit: &'static str,
    /// Which values are taken.
    pub range: &'static str,
    /// What it means.
    pub help: &'static str,
}

/// How often an argument stands in a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// Once.
    One,
    /// Once, or not at all; then so are all behind it.
    Optional,
    /// Any number of times, together with all others that are repeated.
    Repeated,
}

/// The type of an argument on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `s`
    Text,
    /// `f`; `d`, `i`, `h`, `T` and `F` are taken too.
    Number,
    /// `i`; `h`, `T`, `F`, and an `f` or `d` without a fraction, are taken too.
    Int,
    /// `i`: how many messages of another address follow.
    Following,
    /// `h`; `i` is taken too.
    Long,
    /// `T` or `F`; the numbers 1 and 0 are taken too.
    Flag,
    /// `f` or `s`: a number, or what a musician would type, such as `1.5 kHz` or
    /// a word of a choice; `T` and `F` are on and off.
    Value,
    /// `b`
    Blob,
}

impl Form {
    /// The type tag, as the manual has it.
    pub const fn tag(self) -> &'static str {
        match self {
            Form::Text => "s",
            Form::Number => "f",
            Form::Int | Form::Following => "i",
            Form::Long => "h",
            Form::Flag => "T or F",
            Form::Value => "f, s, T or F",
            Form::Blob => "b",
        }
    }

    /// As a sentence asks for it.
    pub const fn wanted(self) -> &'static str {
        match self {
            Form::Text => "a string",
            Form::Number => "a number",
            Form::Int | Form::Following | Form::Long => "a whole number",
            Form::Flag => "true or false",
            Form::Value => "a number or a word",
            Form::Blob => "a blob",
        }
    }
}

impl Arg {
    /// One that stands once.
    pub(crate) const fn new(
        name: &'static str,
        form: Form,
        unit: &'static str,
        range: &'static str,
        help: &'static str,
    ) -> Arg {
        Arg { name, form, count: Count::One, unit, range, help }
    }

    /// The same, any number of times.
    pub(crate) const fn repeated(self) -> Arg {
        Arg { count: Count::Repeated, ..self }
    }
}

impl Address {
    const fn of(roles: &'static [Role]) -> Address {
        Address { path: "", roles, args: &[], is_for_controllers: false, example: "", help: "" }
    }

    /// The same, also taken from controllers.
    pub(crate) const fn over_udp(self) -> Address {
        Address { is_for_controllers: true, ..self }
    }
}

/// To the host only.
pub(crate) const REQUEST: Address = Address::of(&[Role::Request]);
/// To the host, which reports it to subscribers of the patch when it is done.
pub(crate) const EDIT: Address = Address::of(&[Role::Request, Role::Report]);
/// From the host, only when asked for.
pub(crate) const REPLY: Address = Address::of(&[Role::Reply]);
/// From the host, when asked for, and to subscribers.
pub(crate) const ANSWER: Address = Address::of(&[Role::Reply, Role::Report]);
/// From the host, to subscribers only.
pub(crate) const REPORT: Address = Address::of(&[Role::Report]);
