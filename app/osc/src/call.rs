//! Reading a request: which message it is, under its own address or a short one.

use std::borrow::Cow;

use rosc::{OscMessage, OscType};
use sostenuto_patch::entry::EntryError;
use sostenuto_patch::nearest;
use sostenuto_patch::problem::{Problem, did_you_mean};
use thiserror::Error;

use crate::address::{Address, Role};
use crate::message::{REQUESTS, Request, addresses, find, read};
use crate::packet::BadPacket;

/// Controllers that reports are sent to at a time.
pub const MAX_SUBSCRIBERS: usize = 16;

/// A request, and the address that it came under.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// As on the wire.
    pub path: Cow<'static, str>,
    /// Whether controllers may ask it over UDP.
    pub is_for_controllers: bool,
    /// What is asked.
    pub request: Request,
}

/// A request that could not be read, and the address that it came under.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    /// As on the wire; empty where there was none.
    pub address: String,
    /// Why.
    pub error: Unreadable,
}

/// Why a message could not be read.
#[derive(Clone, Debug, Error, PartialEq)]
#[expect(missing_docs, reason = "every variant says its sentence, and its fields are in it")]
pub enum Unreadable {
    #[error("{0}")]
    Packet(#[from] BadPacket),
    #[error("There is no such address.{}", did_you_mean(*near))]
    NoAddress { near: Option<&'static str> },
    #[error("The host sends this; it is not a request.")]
    NoRequest,
    #[error("This is a request; the host does not send it.")]
    NoReport,
    #[error("`{name}` is missing: {help}.")]
    Missing { name: &'static str, help: &'static str },
    #[error("`{name}` must be {wanted}: {help}.")]
    Wrong { name: &'static str, wanted: &'static str, help: &'static str },
    #[error("`{name}` must be in its range: {range}.")]
    OutOfRange { name: &'static str, range: &'static str },
    #[error("There are more arguments than this address takes.")]
    TooMany,
    #[error(
        "{MAX_SUBSCRIBERS} controllers are told of knobs already. End one with /feedback/end, or wait for a minute after it was switched off."
    )]
    TooManySubscribers,
    #[error("Give the whole path of the file, from the root.")]
    HalfPath,
    #[error("`{name}`: {error}")]
    Entry { name: &'static str, error: EntryError },
    #[error("{0}")]
    Problem(#[from] Problem),
}

impl Call {
    /// Reads a message as it is declared.
    pub fn read(message: OscMessage) -> Result<Call, Refusal> {
        let OscMessage { addr, args } = message;
        let call = match short(&addr, args.len()) {
            Some((path, before)) => read_call(path, before.into_iter().chain(args).collect()),
            None => read_call(&addr, args),
        };
        match call {
            Ok(call) if call.path == addr => Ok(call),
            Ok(call) => Ok(Call { path: addr.into(), ..call }),
            Err(error) => Err(Refusal { address: addr, error }),
        }
    }
}

fn read_call(path: &str, args: Vec<OscType>) -> Result<Call, Unreadable> {
    let Some(request) = read(REQUESTS, path, args) else {
        let requests = addresses().filter(|address| address.roles.contains(&Role::Request));
        return Err(match find(path) {
            Some(_) => Unreadable::NoRequest,
            None => Unreadable::NoAddress { near: nearest(path, requests.map(|a| a.path)) },
        });
    };
    let request = request?;
    let address = find(path).ok_or(Unreadable::NoRequest)?;
    let Address { path, is_for_controllers, .. } = *address;
    Ok(Call { path: path.into(), is_for_controllers, request })
}

/// Where the first arguments stand in the address: which address is meant, and
/// these arguments. For controllers that know one number to an address.
fn short(address: &str, args: usize) -> Option<(&'static str, [OscType; 2])> {
    if find(address).is_some() {
        return None;
    }
    let text = |word: &str| OscType::String(word.to_owned());
    let number = |word: &str| word.parse().ok().map(OscType::Int);
    let words: Vec<&str> = address.strip_prefix('/')?.split('/').collect();
    match words[..] {
        ["in", module, value] => Some(("/module/in", [text(module), number(value)?])),
        ["key", module, key] => Some(("/note/on", [text(module), number(key)?])),
        ["param", module, param] => Some(("/param/set", [text(module), text(param)])),
        [module, param] if args == 1 && !is_reserved(module) => {
            Some(("/param/set", [text(module), text(param)]))
        }
        _ => None,
    }
}

/// The address of a knob: `/vcf/cutoff`.
pub fn path_of_param(module: &str, param: &str) -> String {
    let long = if is_reserved(module) { "/param" } else { "" };
    format!("{long}/{module}/{param}")
}

/// Whether addresses of two words and more begin with that one: then no knob's
/// short address can.
fn is_reserved(word: &str) -> bool {
    let begins = |path: &str| path[1..].split_once('/').is_some_and(|(first, _)| first == word);
    ["in", "key"].contains(&word) || addresses().any(|address| begins(address.path))
}

#[cfg(test)]
mod tests;
