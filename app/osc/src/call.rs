//! Reading messages: what a request asks, under its own address or a short one, and
//! what a report says.

use std::borrow::Cow;

use rosc::{OscMessage, OscType};
use sostenuto_patch::nearest;

use crate::address::{Address, Role};
use crate::message::param::is_reserved;
use crate::message::{Entry, REPORTS, REQUESTS, Report, Request, find};
use crate::unreadable::Unreadable;

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
    let Some(entry) = Entry::find(REQUESTS, path) else {
        let requests = REQUESTS.iter().map(|entry| entry.address.path);
        return Err(match find(path) {
            Some(_) => Unreadable::NoRequest,
            None => Unreadable::NoAddress { near: nearest(path, requests) },
        });
    };
    let Address { path, is_for_controllers, .. } = entry.address;
    Ok(Call { path: path.into(), is_for_controllers, request: entry.read(args)? })
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

impl Report {
    /// Reads what a host says.
    pub fn read(message: OscMessage) -> Result<Report, Unreadable> {
        if let Some(entry) = Entry::find(REPORTS, &message.addr) {
            return entry.read(message.args);
        }
        let call = Call::read(message).map_err(|refusal| refusal.error)?;
        let is_report = find(&call.path).is_none_or(|a| a.roles.contains(&Role::Report));
        match call.request {
            Request::Edit(edit) if is_report => Ok(Report::Edit(edit)),
            Request::SetParam(set) => set.edit().map(Report::Edit).ok_or(Unreadable::NoReport),
            _ => Err(Unreadable::NoReport),
        }
    }
}

#[cfg(test)]
mod tests;
