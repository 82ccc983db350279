//! Modules, with where they are and how their params are set.

use rosc::{OscMessage, OscType};
use sostenuto_patch::{Edit, ModuleId, Name, PatchModule};
use sostenuto_patch::{check_value, find_kind, find_param, read_value};

use crate::address::{Address, Arg, EDIT, Form, REPLY};
use crate::args::Args;
use crate::field::Field;
use crate::message::module::{MODULE, X, Y, text_of};
use crate::message::param::Value;
use crate::message::{EditMessage, Message};
use crate::unreadable::Unreadable;

const KIND: Arg =
    Arg::new("kind", Form::Text, "", "see `sostenuto modules`", "its name in the catalogue");
const PARAM: Arg =
    Arg::new("param", Form::Text, "", "see `sostenuto modules`", "a param's name").repeated();
const VALUE: Arg = Arg::new(
    "value",
    Form::Value,
    "the param's",
    "the param's",
    "where it is set: a number, a choice's word, or a string with a unit, such as `1.5 kHz`, `A4`, `50 %` or `-6 dB`",
)
.repeated();

/// Params by their names, and where they are set.
type Params = Vec<(Name, Value)>;

fn read_params(args: &mut Args) -> Result<Params, Unreadable> {
    if args.is_empty() {
        Ok(Vec::new())
    } else {
        args.groups(|args| Ok((Name::read(args)?, Value::read(args)?)))
    }
}

fn write_params(params: &Params, args: &mut Vec<OscType>) {
    for (param, value) in params {
        Name::write(param, args);
        Value::write(value, args);
    }
}

/// Puts a module on the canvas.
#[derive(Clone, Debug, PartialEq)]
pub struct Add {
    /// Its name in the patch.
    pub module: ModuleId,
    /// Its name in the catalogue.
    pub kind: Name,
    /// Its left edge on the canvas, in points.
    pub x: f32,
    /// Its top edge on the canvas, in points.
    pub y: f32,
    /// Params that are not at their default.
    pub params: Params,
}

impl Message for Add {
    const ADDRESS: Address = Address {
        path: "/module/add",
        args: &[MODULE, KIND, X, Y, PARAM, VALUE],
        example: "/module/add lead attenuverter 40.0 80.0 gain 0.5",
        help: "Puts a module on the canvas. Params that are not named start at their default.",
        ..EDIT
    };

    fn read(args: &mut Args) -> Result<Add, Unreadable> {
        Ok(Add {
            module: ModuleId::read(args)?,
            kind: Name::read(args)?,
            x: f32::read(args)?,
            y: f32::read(args)?,
            params: read_params(args)?,
        })
    }

    fn write(&self, args: &mut Vec<OscType>) {
        ModuleId::write(&self.module, args);
        Name::write(&self.kind, args);
        f32::write(&self.x, args);
        f32::write(&self.y, args);
        write_params(&self.params, args);
    }
}

impl EditMessage for Add {
    fn edit(self) -> Result<Edit, Unreadable> {
        let Add { module: id, kind, x, y, params } = self;
        let about = find_kind(&kind)?;
        let mut module = PatchModule::new(&kind, x, y);
        for (name, value) in params {
            let (_, param) = find_param(about, id.as_str(), &name)?;
            let value = match value {
                Value::Number(number) => check_value(id.as_str(), param, number)?,
                Value::Word(word) => read_value(id.as_str(), param, &word, param.default)?,
            };
            module.params.insert(param.name.into(), value);
        }
        Ok(Edit::AddModule { id, module })
    }
}

/// Puts something on the canvas that this version does not know.
#[derive(Clone, Debug, PartialEq)]
pub struct AddPlaceholder(pub Add);

impl Message for AddPlaceholder {
    const ADDRESS: Address = Address {
        path: "/placeholder/add",
        args: &[
            MODULE,
            Arg::new("kind", Form::Text, "", "none that is known", "what it is"),
            X,
            Y,
            Arg::new("param", Form::Text, "", "", "a param's name").repeated(),
            Arg::new("value", Form::Value, "", "", "where it is set, kept as it is").repeated(),
        ],
        example: "/placeholder/add cloud grains 40.0 80.0 density 12.5 window hann",
        help: "Puts something on the canvas that a file holds and this version does not know. It is kept as it is and not heard; for the rest it is treated as a module.",
        ..EDIT
    };

    fn read(args: &mut Args) -> Result<AddPlaceholder, Unreadable> {
        Add::read(args).map(AddPlaceholder)
    }

    fn write(&self, args: &mut Vec<OscType>) {
        self.0.write(args);
    }
}

impl EditMessage for AddPlaceholder {
    fn edit(self) -> Result<Edit, Unreadable> {
        let Add { module: id, kind, x, y, params } = self.0;
        let mut module = PatchModule::new(&kind, x, y);
        module.is_placeholder = true;
        for (name, value) in params {
            match value {
                Value::Number(number) => drop(module.params.insert(name, number)),
                Value::Word(word) => drop(module.words.insert(name, word.into())),
            }
        }
        Ok(Edit::AddModule { id, module })
    }
}

/// What a module is, with every param that it has.
#[derive(Clone, Debug, PartialEq)]
pub struct Described {
    /// What it is, and where.
    pub module: Add,
    /// Whether signals pass it by.
    pub is_bypassed: bool,
}

impl Message for Described {
    const ADDRESS: Address = Address {
        path: "/module",
        args: &[
            MODULE,
            KIND,
            X,
            Y,
            Arg::new("is_bypassed", Form::Flag, "", "", "whether signals pass it by"),
            PARAM,
            VALUE,
        ],
        example: "/module lead attenuverter 40.0 80.0 false gain 0.5 offset 0.0",
        help: "What a module is, with every param that it has.",
        ..REPLY
    };

    fn read(args: &mut Args) -> Result<Described, Unreadable> {
        let module = ModuleId::read(args)?;
        let (kind, x, y) = (Name::read(args)?, f32::read(args)?, f32::read(args)?);
        let is_bypassed = bool::read(args)?;
        let params = read_params(args)?;
        Ok(Described { module: Add { module, kind, x, y, params }, is_bypassed })
    }

    fn write(&self, args: &mut Vec<OscType>) {
        let Add { module, kind, x, y, params } = &self.module;
        ModuleId::write(module, args);
        Name::write(kind, args);
        f32::write(x, args);
        f32::write(y, args);
        bool::write(&self.is_bypassed, args);
        write_params(params, args);
    }
}

impl Add {
    /// A module as it is, with the params that are not at their default.
    pub fn new(id: &ModuleId, module: &PatchModule) -> Add {
        let numbers = module.params.iter();
        let numbers = numbers.map(|(name, &value)| (name.clone(), Value::Number(value)));
        let words = module.words.iter();
        let words = words.map(|(name, word)| (name.clone(), Value::Word(word.to_string())));
        let params = numbers.chain(words).collect();
        let PatchModule { kind, x, y, .. } = module;
        Add { module: id.clone(), kind: kind.clone(), x: *x, y: *y, params }
    }
}

/// What a module is, with every param; and its text, if it has one.
pub fn describe(id: &ModuleId, module: &PatchModule) -> Vec<OscMessage> {
    let mut described = Add::new(id, module);
    if let Ok(about) = module.about() {
        let value = |name: &str| module.params.get(name).copied();
        let params = about.params.iter();
        let params = params.map(|p| (p.name, value(p.name).unwrap_or(p.default)));
        described.params =
            params.map(|(name, value)| (name.into(), Value::Number(value))).collect();
    }
    let described = Described { module: described, is_bypassed: module.is_bypassed };
    std::iter::once(described.encode()).chain(text_of(id, module)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Request;
    use crate::testing::{example, read, refused};

    #[test]
    fn a_placeholder_is_added_with_whatever_it_has() {
        let Request::Edit(Edit::AddModule { module, .. }) =
            read("/placeholder/add cloud grains 1 2.5 density 3 window \"hann 2\"")
        else {
            panic!("an edit")
        };
        assert!(module.is_placeholder);
        assert_eq!((module.params["density"], &*module.words["window"]), (3.0, "hann 2"));
    }

    #[test]
    fn a_module_is_added_with_its_params() {
        let Request::Edit(Edit::AddModule { id, module }) =
            read("/module/add lead attenuverter 1 2.5 gain 0.5 offset \"-3 V\"")
        else {
            panic!("an edit")
        };
        assert_eq!((id.as_str(), module.x, module.y), ("lead", 1.0, 2.5));
        assert_eq!((module.params["gain"], module.params["offset"]), (0.5, -3.0));
        assert!(refused("/module/add lead atenuverter 0 0").contains("`attenuverter`"));
        assert!(refused("/module/add lead attenuverter 0 0 gain").contains("`value` is missing"));
        assert!(refused("/module/add lead attenuverter 0 0 gain 9").contains("from -2 to 2"));
    }

    #[test]
    fn a_module_is_described_with_every_param_it_has() {
        let module = PatchModule::new("attenuverter", 40.0, 80.0);
        let described = describe(&"lead".parse().unwrap(), &module);
        let all = "/module lead attenuverter 40.0 80.0 false gain 1.0 offset 0.0";
        assert_eq!(described, [example(all)]);
    }
}
