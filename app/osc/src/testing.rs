//! Messages that tests are made with, as the manual writes them.

#![allow(clippy::missing_panics_doc, reason = "tests want nothing else")]

use rosc::{OscMessage, OscType};

use crate::address::{Count, Form};
use crate::call::Call;
use crate::message::{Request, find};

/// Reads an example as a musician reads it.
pub fn example(text: &str) -> OscMessage {
    let mut words = words(text).into_iter();
    let addr = words.next().unwrap();
    OscMessage { addr, args: words.map(|word| value(&word)).collect() }
}

fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (index, part) in text.split('"').enumerate() {
        match text.contains("blob:") || index % 2 == 0 {
            _ if text.contains("blob:") => return text.split(' ').map(str::to_owned).collect(),
            true => words.extend(part.split_whitespace().map(str::to_owned)),
            false => words.push(part.to_owned()),
        }
    }
    words
}

fn value(word: &str) -> OscType {
    if let Some(json) = word.strip_prefix("blob:") {
        return OscType::Blob(json.as_bytes().to_vec());
    }
    let long = word.strip_suffix('h').and_then(|word| word.parse().ok());
    let flag = word.parse().ok().map(OscType::Bool);
    let int = word.parse().ok().map(OscType::Int);
    let float = word.parse().ok().map(OscType::Float);
    let number = long.map(OscType::Long).or(flag).or(int).or(float);
    number.unwrap_or_else(|| OscType::String(word.to_owned()))
}

fn fits(form: Form, value: &OscType) -> bool {
    match value {
        OscType::String(_) => matches!(form, Form::Text | Form::Value),
        OscType::Float(_) => matches!(form, Form::Number | Form::Value),
        OscType::Int(_) => matches!(form, Form::Int | Form::Following),
        OscType::Long(_) => form == Form::Long,
        OscType::Bool(_) => form == Form::Flag,
        OscType::Blob(_) => form == Form::Blob,
        _ => false,
    }
}

/// Whether a message is as its address declares.
pub fn keeps_to_its_address(message: &OscMessage) -> bool {
    let Some(address) = find(&message.addr) else { return false };
    let of = |count| address.args.iter().filter(move |arg| arg.count == count);
    let fixed = address.args.len() - of(Count::Repeated).count();
    let (fixed, rest) = message.args.split_at(message.args.len().min(fixed));
    let forms = of(Count::Repeated).cycle();
    fixed.len() >= of(Count::One).count()
        && fixed.iter().zip(address.args).all(|(value, arg)| fits(arg.form, value))
        && (rest.is_empty() || of(Count::Repeated).count() > 0)
        && rest.len() % of(Count::Repeated).count().max(1) == 0
        && rest.iter().zip(forms).all(|(value, arg)| fits(arg.form, value))
}

/// What a message asks for.
pub fn read(text: &str) -> Request {
    Call::read(example(text)).unwrap().request
}

/// Why a message is refused.
pub fn refused(text: &str) -> String {
    Call::read(example(text)).unwrap_err().error.to_string()
}
