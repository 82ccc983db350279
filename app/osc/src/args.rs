//! The arguments of a message, read one by one as its address declares them.

use std::vec::IntoIter;

use rosc::OscType;
use sostenuto_modules::param::Param;
use sostenuto_patch::entry;

use crate::address::{Address, Arg, Count};
use crate::unreadable::Unreadable;

/// The arguments of a message, taken one by one.
#[derive(Debug)]
pub struct Args {
    address: &'static Address,
    values: IntoIter<OscType>,
    taken: usize,
}

impl Args {
    pub(crate) fn new(address: &'static Address, values: Vec<OscType>) -> Args {
        Args { address, values: values.into_iter(), taken: 0 }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.values.len() == 0
    }

    pub(crate) fn end(&self) -> Result<(), Unreadable> {
        if self.is_empty() { Ok(()) } else { Err(Unreadable::TooMany) }
    }

    /// What is declared of the argument that was taken last.
    fn arg(&self) -> &'static Arg {
        let args = self.address.args;
        let index = self.taken.saturating_sub(1);
        args.get(index).unwrap_or_else(|| {
            let fixed = args.iter().filter(|arg| arg.count != Count::Repeated).count();
            &args[fixed + (index - fixed) % (args.len() - fixed)]
        })
    }

    fn next(&mut self) -> Result<OscType, Unreadable> {
        let value = self.values.next().ok_or(());
        self.taken += 1;
        let Arg { name, help, .. } = *self.arg();
        value.map_err(|()| Unreadable::Missing { name, help })
    }

    fn wrong(&self) -> Unreadable {
        let Arg { name, form, help, .. } = *self.arg();
        Unreadable::Wrong { name, wanted: form.wanted(), help }
    }

    pub(crate) fn out_of_range(&self) -> Unreadable {
        let Arg { name, range, .. } = *self.arg();
        Unreadable::OutOfRange { name, range }
    }

    /// One group of arguments, and then as many as follow.
    pub(crate) fn groups<T>(
        &mut self,
        mut one: impl FnMut(&mut Args) -> Result<T, Unreadable>,
    ) -> Result<Vec<T>, Unreadable> {
        let mut all = vec![one(self)?];
        while !self.is_empty() {
            all.push(one(self)?);
        }
        Ok(all)
    }

    pub(crate) fn text(&mut self) -> Result<String, Unreadable> {
        match self.next()? {
            OscType::String(text) => Ok(text),
            _ => Err(self.wrong()),
        }
    }

    /// One of a few words.
    pub(crate) fn word<T: Copy>(
        &mut self,
        all: &[T],
        word: impl Fn(T) -> &'static str,
    ) -> Result<T, Unreadable> {
        let text = self.text()?;
        all.iter().copied().find(|&one| word(one) == text).ok_or_else(|| self.out_of_range())
    }

    pub(crate) fn number(&mut self) -> Result<f32, Unreadable> {
        let value = self.next()?;
        number(&value).ok_or_else(|| self.wrong())
    }

    /// A number in a param's unit, or as a musician types it. True stands for
    /// `on`.
    pub(crate) fn amount(&mut self, param: &Param, on: f32) -> Result<f32, Unreadable> {
        let amount = match self.next()? {
            OscType::String(text) => entry::read(&text, param, param.default)
                .map_err(|error| Unreadable::Entry { name: self.arg().name, error })?,
            OscType::Bool(is_on) => f32::from(u8::from(is_on)) * on,
            value => number(&value).ok_or_else(|| self.wrong())?,
        };
        if param.range.contains(&amount) { Ok(amount) } else { Err(self.out_of_range()) }
    }

    /// A number, or the text that stands there instead.
    pub(crate) fn number_or_text(&mut self) -> Result<Result<f32, String>, Unreadable> {
        match self.next()? {
            OscType::String(text) => Ok(Err(text)),
            value => number(&value).map(Ok).ok_or_else(|| self.wrong()),
        }
    }

    pub(crate) fn long(&mut self) -> Result<i64, Unreadable> {
        let long = match self.next()? {
            OscType::Int(int) => Some(int.into()),
            OscType::Long(long) => Some(long),
            OscType::Bool(flag) => Some(flag.into()),
            OscType::Float(number) => whole(f64::from(number)),
            OscType::Double(number) => whole(number),
            _ => None,
        };
        long.ok_or_else(|| self.wrong())
    }

    pub(crate) fn int(&mut self) -> Result<i32, Unreadable> {
        self.long()?.try_into().map_err(|_| self.wrong())
    }

    pub(crate) fn flag(&mut self) -> Result<bool, Unreadable> {
        match number(&self.next()?) {
            Some(0.0) => Ok(false),
            Some(1.0) => Ok(true),
            _ => Err(self.wrong()),
        }
    }

    pub(crate) fn blob(&mut self) -> Result<Vec<u8>, Unreadable> {
        match self.next()? {
            OscType::Blob(bytes) => Ok(bytes),
            _ => Err(self.wrong()),
        }
    }
}

fn number(value: &OscType) -> Option<f32> {
    match *value {
        OscType::Float(number) => Some(number),
        OscType::Double(number) => Some(number as f32),
        OscType::Int(number) => Some(number as f32),
        OscType::Long(number) => Some(number as f32),
        OscType::Bool(flag) => Some(f32::from(u8::from(flag))),
        _ => None,
    }
}

fn whole(number: f64) -> Option<i64> {
    let int = number as i32;
    (f64::from(int) == number).then_some(int.into())
}
