//! Types that are arguments of messages: how each is read and written, once.

use std::fmt::Display;
use std::path::PathBuf;

use rosc::OscType;
use sostenuto_patch::stage::Form as StageForm;
use sostenuto_patch::{CommentId, GroupId, InputRef, ModuleId, Name, OutputRef, Part};

use crate::address::{Count, Form};
use crate::args::Args;
use crate::unreadable::Unreadable;

/// How a `T` is read from and written to a message. Most types do it themselves;
/// where a type has several ways, each has a name.
pub trait Field<T = Self> {
    /// Its type on the wire.
    const FORM: Form;
    /// How often it stands there.
    const COUNT: Count = Count::One;
    /// Which values are taken, unless declared otherwise.
    const RANGE: &'static str = "";

    /// Takes it from a message.
    fn read(args: &mut Args) -> Result<T, Unreadable>;

    /// Puts it into a message.
    fn write(value: &T, args: &mut Vec<OscType>);
}

pub(crate) fn text(text: impl Display) -> OscType {
    // A zero byte would end it on the wire.
    OscType::String(text.to_string().replace('\0', "\u{fffd}"))
}

impl Field for String {
    const FORM: Form = Form::Text;

    fn read(args: &mut Args) -> Result<String, Unreadable> {
        args.text()
    }

    fn write(value: &String, args: &mut Vec<OscType>) {
        args.push(text(value));
    }
}

impl Field for Name {
    const FORM: Form = Form::Text;

    fn read(args: &mut Args) -> Result<Name, Unreadable> {
        Ok(args.text()?.into())
    }

    fn write(value: &Name, args: &mut Vec<OscType>) {
        args.push(text(value));
    }
}

/// A type that is text, with rules of its own.
macro_rules! parsed {
    ($($type:ty, $range:expr;)*) => {$(
        impl Field for $type {
            const FORM: Form = Form::Text;
            const RANGE: &'static str = $range;

            fn read(args: &mut Args) -> Result<$type, Unreadable> {
                Ok(args.text()?.parse()?)
            }

            fn write(value: &$type, args: &mut Vec<OscType>) {
                args.push(text(value));
            }
        }
    )*};
}

/// What names in a patch are made of.
pub(crate) const ID: &str = "lower-case letters, digits, dashes";

parsed! {
    ModuleId, ID;
    CommentId, ID;
    GroupId, ID;
    Part, "input NAME, output NAME, param NAME or screen";
    StageForm, "own, fader, across or up";
    OutputRef, "MODULE.OUTPUT";
    InputRef, "MODULE.INPUT";
}

/// A file, by its path from the root.
impl Field for PathBuf {
    const FORM: Form = Form::Text;
    const RANGE: &'static str = "a whole path";

    fn read(args: &mut Args) -> Result<PathBuf, Unreadable> {
        let path = PathBuf::from(args.text()?);
        // Not `is_absolute`: on Windows that asks for a drive too.
        if path.has_root() { Ok(path) } else { Err(Unreadable::HalfPath) }
    }

    fn write(value: &PathBuf, args: &mut Vec<OscType>) {
        args.push(text(value.display()));
    }
}

/// A name, or none where it is empty or not there.
#[derive(Debug)]
pub(crate) struct OrEmpty;

impl Field<Option<GroupId>> for OrEmpty {
    const FORM: Form = Form::Text;
    const COUNT: Count = Count::Optional;
    const RANGE: &'static str = ID;

    fn read(args: &mut Args) -> Result<Option<GroupId>, Unreadable> {
        let text = <OrEmpty as Field<Option<Name>>>::read(args)?;
        Ok(text.map(|text| text.parse()).transpose()?)
    }

    fn write(value: &Option<GroupId>, args: &mut Vec<OscType>) {
        args.push(text(value.as_ref().map_or("", GroupId::as_str)));
    }
}

impl Field<Option<Name>> for OrEmpty {
    const FORM: Form = Form::Text;
    const COUNT: Count = Count::Optional;

    fn read(args: &mut Args) -> Result<Option<Name>, Unreadable> {
        let text = if args.is_empty() { String::new() } else { args.text()? };
        Ok(Some(text).filter(|text| !text.is_empty()).map(Into::into))
    }

    fn write(value: &Option<Name>, args: &mut Vec<OscType>) {
        args.push(text(value.as_deref().unwrap_or_default()));
    }
}

/// A number, or 0 where it is not there.
#[derive(Debug)]
pub(crate) struct OrZero;

impl Field<u32> for OrZero {
    const FORM: Form = Form::Int;
    const COUNT: Count = Count::Optional;
    const RANGE: &'static str = "0 or more";

    fn read(args: &mut Args) -> Result<u32, Unreadable> {
        if args.is_empty() { Ok(0) } else { <u32 as Field>::read(args) }
    }

    fn write(value: &u32, args: &mut Vec<OscType>) {
        <u32 as Field>::write(value, args);
    }
}

/// A text, or nothing where it is empty.
#[derive(Debug)]
pub(crate) struct MaybeText;

impl Field<Option<String>> for MaybeText {
    const FORM: Form = Form::Text;

    fn read(args: &mut Args) -> Result<Option<String>, Unreadable> {
        Ok(Some(args.text()?).filter(|text| !text.is_empty()))
    }

    fn write(value: &Option<String>, args: &mut Vec<OscType>) {
        args.push(text(value.as_deref().unwrap_or_default()));
    }
}

impl Field<Option<PathBuf>> for MaybeText {
    const FORM: Form = Form::Text;

    fn read(args: &mut Args) -> Result<Option<PathBuf>, Unreadable> {
        Ok(Some(args.text()?).filter(|text| !text.is_empty()).map(PathBuf::from))
    }

    fn write(value: &Option<PathBuf>, args: &mut Vec<OscType>) {
        args.push(text(value.as_deref().unwrap_or("".as_ref()).display()));
    }
}

impl Field for f32 {
    const FORM: Form = Form::Number;

    fn read(args: &mut Args) -> Result<f32, Unreadable> {
        args.number()
    }

    fn write(value: &f32, args: &mut Vec<OscType>) {
        args.push(OscType::Float(*value));
    }
}

impl Field for f64 {
    const FORM: Form = Form::Number;

    fn read(args: &mut Args) -> Result<f64, Unreadable> {
        Ok(args.number()?.into())
    }

    fn write(value: &f64, args: &mut Vec<OscType>) {
        args.push(OscType::Float(*value as f32));
    }
}

impl Field for i32 {
    const FORM: Form = Form::Int;

    fn read(args: &mut Args) -> Result<i32, Unreadable> {
        args.int()
    }

    fn write(value: &i32, args: &mut Vec<OscType>) {
        args.push(OscType::Int(*value));
    }
}

/// A small count: bytes in a row are a blob.
#[derive(Debug)]
pub(crate) struct Small;

impl Field<u8> for Small {
    const FORM: Form = Form::Int;
    const RANGE: &'static str = "0 to 255";

    fn read(args: &mut Args) -> Result<u8, Unreadable> {
        args.int()?.try_into().map_err(|_| args.out_of_range())
    }

    fn write(value: &u8, args: &mut Vec<OscType>) {
        args.push(OscType::Int((*value).into()));
    }
}

/// A count, as far as it fits on the wire.
impl Field for u32 {
    const FORM: Form = Form::Int;
    const RANGE: &'static str = "0 or more";

    fn read(args: &mut Args) -> Result<u32, Unreadable> {
        args.int()?.try_into().map_err(|_| args.out_of_range())
    }

    fn write(value: &u32, args: &mut Vec<OscType>) {
        args.push(OscType::Int((*value).try_into().unwrap_or(i32::MAX)));
    }
}

impl Field for i64 {
    const FORM: Form = Form::Long;

    fn read(args: &mut Args) -> Result<i64, Unreadable> {
        args.long()
    }

    fn write(value: &i64, args: &mut Vec<OscType>) {
        args.push(OscType::Long(*value));
    }
}

/// A count, as far as it fits on the wire.
impl Field for u64 {
    const FORM: Form = Form::Long;
    const RANGE: &'static str = "0 or more";

    fn read(args: &mut Args) -> Result<u64, Unreadable> {
        args.long()?.try_into().map_err(|_| args.out_of_range())
    }

    fn write(value: &u64, args: &mut Vec<OscType>) {
        args.push(OscType::Long((*value).try_into().unwrap_or(i64::MAX)));
    }
}

impl Field for bool {
    const FORM: Form = Form::Flag;

    fn read(args: &mut Args) -> Result<bool, Unreadable> {
        args.flag()
    }

    fn write(value: &bool, args: &mut Vec<OscType>) {
        args.push(OscType::Bool(*value));
    }
}

impl Field for Vec<u8> {
    const FORM: Form = Form::Blob;

    fn read(args: &mut Args) -> Result<Vec<u8>, Unreadable> {
        args.blob()
    }

    fn write(value: &Vec<u8>, args: &mut Vec<OscType>) {
        args.push(OscType::Blob(value.clone()));
    }
}

impl<T: Field> Field for Option<T> {
    const FORM: Form = T::FORM;
    const COUNT: Count = Count::Optional;
    const RANGE: &'static str = T::RANGE;

    fn read(args: &mut Args) -> Result<Option<T>, Unreadable> {
        if args.is_empty() { Ok(None) } else { T::read(args).map(Some) }
    }

    fn write(value: &Option<T>, args: &mut Vec<OscType>) {
        if let Some(value) = value {
            T::write(value, args);
        }
    }
}

impl<T: Field> Field for Vec<T> {
    const FORM: Form = T::FORM;
    const COUNT: Count = Count::Repeated;
    const RANGE: &'static str = T::RANGE;

    fn read(args: &mut Args) -> Result<Vec<T>, Unreadable> {
        std::iter::from_fn(|| (!args.is_empty()).then(|| T::read(args))).collect()
    }

    fn write(value: &Vec<T>, args: &mut Vec<OscType>) {
        value.iter().for_each(|value| T::write(value, args));
    }
}

/// Things that follow, each in a message of its own: only their number is here.
#[derive(Debug)]
pub(crate) struct Following;

impl<T> Field<Vec<T>> for Following {
    const FORM: Form = Form::Following;
    const RANGE: &'static str = "0 or more";

    fn read(args: &mut Args) -> Result<Vec<T>, Unreadable> {
        u32::read(args).map(|_| Vec::new())
    }

    fn write(value: &Vec<T>, args: &mut Vec<OscType>) {
        u32::write(&u32::try_from(value.len()).unwrap_or(u32::MAX), args);
    }
}
