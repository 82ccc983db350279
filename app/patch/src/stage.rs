//! The stage: what of a patch is played by, large and in an order. Each module says what
//! of it is there, so it follows its module through new names, out of the patch and back.

use std::fmt;
use std::str::FromStr;

use super::problem::Problem;
use super::{Edit, ModuleId, Part, Patch, PatchModule, check_text};

/// How a part of a module is on stage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Staged {
    /// Lower places come first; what has the same is in the order of its module's name.
    pub place: u16,
    /// What it is played by.
    pub form: Form,
}

/// What a part on stage is played by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Form {
    /// What suits it: a knob, a switch, a pad, its own screen.
    #[default]
    Own,
    /// A fader.
    Fader,
    /// The way across of a pad, where what comes next is the way [`Form::Up`].
    Across,
    /// The way up of a pad, where what comes before is the way [`Form::Across`].
    Up,
}

/// A part that is on stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StageItem {
    /// Whose.
    pub module: ModuleId,
    /// A param, or the screen.
    pub part: Part,
    /// What it is played by.
    pub form: Form,
}

/// What is played with one finger on stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tile {
    /// A knob, a fader, a switch or a screen.
    One(StageItem),
    /// A pad of two params: the way across, and the way up.
    Pad([StageItem; 2]),
}

impl Tile {
    /// What it is made of.
    pub fn items(&self) -> &[StageItem] {
        match self {
            Tile::One(item) => std::slice::from_ref(item),
            Tile::Pad(both) => both,
        }
    }

    /// The parts that it is made of.
    pub fn parts(&self) -> impl Iterator<Item = (ModuleId, Part)> {
        self.items().iter().map(|item| (item.module.clone(), item.part.clone()))
    }
}

impl Patch {
    /// What is on stage, in its order.
    pub fn stage(&self) -> Vec<Tile> {
        let mut placed: Vec<_> = self
            .modules
            .iter()
            .flat_map(|(id, module)| module.staged.iter().map(move |(part, at)| (at, id, part)))
            .collect();
        placed.sort_by_key(|(at, id, part)| (at.place, *id, *part));
        let mut tiles: Vec<Tile> = Vec::new();
        for (at, module, part) in placed {
            let item = StageItem { module: module.clone(), part: part.clone(), form: at.form };
            let before = tiles.pop_if(|last| match last {
                Tile::One(before) => before.form == Form::Across && item.form == Form::Up,
                Tile::Pad(_) => false,
            });
            tiles.push(match before {
                Some(Tile::One(before)) => Tile::Pad([before, item]),
                _ => Tile::One(item),
            });
        }
        tiles
    }

    /// Puts parts of modules at the end of the stage.
    pub fn put_on_stage(&self, parts: impl IntoIterator<Item = (ModuleId, Part)>) -> Edit {
        let all = self.modules.values().flat_map(|module| module.staged.values());
        let first = all.map(|at| at.place.saturating_add(1)).max().unwrap_or(0);
        let put = |(index, (module, part)): (u16, (ModuleId, Part))| {
            let staged = Staged { place: first.saturating_add(index), form: Form::Own };
            Edit::SetStaged { module, part, staged: Some(staged) }
        };
        one_or_several((0..u16::MAX).zip(parts).map(put).collect())
    }

    /// Takes parts off the stage.
    pub fn taken_off_stage(&self, parts: impl IntoIterator<Item = (ModuleId, Part)>) -> Edit {
        let off = |(module, part)| Edit::SetStaged { module, part, staged: None };
        one_or_several(parts.into_iter().map(off).collect())
    }

    /// Gives the stage an order, and its tiles their forms. What is not among them stays
    /// where it is.
    pub fn arranged_stage(&self, tiles: impl IntoIterator<Item = Tile>) -> Edit {
        let items = tiles.into_iter().flat_map(|tile| match tile {
            Tile::One(item) => vec![item],
            Tile::Pad([across, up]) => {
                vec![StageItem { form: Form::Across, ..across }, StageItem { form: Form::Up, ..up }]
            }
        });
        let mut edits = Vec::new();
        for (place, StageItem { module, part, form }) in (0..u16::MAX).zip(items) {
            let staged = Some(Staged { place, form });
            let was = self.modules.get(&module).and_then(|module| module.staged.get(&part));
            if was != staged.as_ref() {
                edits.push(Edit::SetStaged { module, part, staged });
            }
        }
        one_or_several(edits)
    }

    /// What the musician calls a part of a module. `None` where it has no name of its own.
    pub fn title_of(&self, module: &ModuleId, part: &Part) -> Option<&str> {
        self.modules.get(module)?.titles.get(part).map(String::as_str)
    }

    pub(crate) fn set_staged(
        &mut self,
        id: ModuleId,
        part: Part,
        staged: Option<Staged>,
    ) -> Result<Edit, Problem> {
        self.module(id.as_str())?.check_staged(&id, &part)?;
        let all = &mut self.module_mut(&id)?.staged;
        let was = match staged {
            Some(staged) => all.insert(part.clone(), staged),
            None => all.remove(&part),
        };
        Ok(Edit::SetStaged { module: id, part, staged: was })
    }

    pub(crate) fn set_part_title(
        &mut self,
        id: ModuleId,
        part: Part,
        title: String,
    ) -> Result<Edit, Problem> {
        self.module(id.as_str())?.check_title(&id, &part, &title)?;
        let titles = &mut self.module_mut(&id)?.titles;
        let was = match title.is_empty() {
            true => titles.remove(&part),
            false => titles.insert(part.clone(), title),
        };
        Ok(Edit::SetPartTitle { module: id, part, title: was.unwrap_or_default() })
    }
}

impl PatchModule {
    /// What the musician calls its param, if that has a name of its own.
    pub fn title_of_param(&self, param: &str) -> Option<&str> {
        let is_it = |part: &Part| matches!(part, Part::Param(name) if &**name == param);
        self.titles.iter().find(|(part, _)| is_it(part)).map(|(_, title)| title.as_str())
    }

    /// Whether it has such a part, and that can be on stage: ports cannot.
    pub(crate) fn check_staged(&self, id: &ModuleId, part: &Part) -> Result<(), Problem> {
        if matches!(part, Part::Input(_) | Part::Output(_)) {
            return Err(Problem::NotForStage { module: id.to_string(), part: part.to_string() });
        }
        self.check_part(id, part)
    }

    /// Whether it has such a part, and that can be called so.
    pub(crate) fn check_title(
        &self,
        id: &ModuleId,
        part: &Part,
        title: &str,
    ) -> Result<(), Problem> {
        check_text("name of the part", title)?;
        self.check_part(id, part)
    }
}

fn one_or_several(mut edits: Vec<Edit>) -> Edit {
    if edits.len() == 1 { edits.remove(0) } else { Edit::Several(edits) }
}

/// Every form, and its word in files and on the wire.
const FORMS: [(Form, &str); 4] =
    [(Form::Own, "own"), (Form::Fader, "fader"), (Form::Across, "across"), (Form::Up, "up")];

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let word = FORMS.iter().find(|(form, _)| form == self).map_or("", |(_, word)| word);
        f.write_str(word)
    }
}

impl FromStr for Form {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Form, Problem> {
        let form = FORMS.iter().find(|(_, word)| *word == text).map(|(form, _)| *form);
        form.ok_or_else(|| Problem::BadForm { text: text.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::edit::{Reach, apply};
    use crate::testing::{any_edit, id, ring, titled};
    use crate::{History, file};

    fn part(text: &str) -> Part {
        text.parse().unwrap()
    }

    fn put(patch: &mut Patch, module: &str, param: &str) {
        let edit = patch.put_on_stage([(id(module), part(param))]);
        assert_eq!(edit.reach(), Reach::Looks);
        apply(patch, edit).unwrap();
    }

    fn names(patch: &Patch) -> Vec<String> {
        let name = |item: &StageItem| format!("{} {}", item.module, item.part);
        let tiles = patch.stage();
        tiles
            .iter()
            .map(|tile| tile.items().iter().map(name).collect::<Vec<_>>().join("+"))
            .collect()
    }

    /// Three knobs on stage, not in the order of their names.
    fn staged() -> Patch {
        let mut patch = ring();
        for (module, param) in [("b", "param gain"), ("a", "param offset"), ("a", "param gain")] {
            put(&mut patch, module, param);
        }
        patch
    }

    #[test]
    fn parts_stand_in_the_order_in_which_they_were_put_and_can_be_moved() {
        let mut patch = staged();
        assert_eq!(names(&patch), ["b param gain", "a param offset", "a param gain"]);
        let mut tiles = patch.stage();
        let first = tiles.remove(0);
        tiles.push(first);
        let edit = patch.arranged_stage(tiles);
        apply(&mut patch, edit).unwrap();
        assert_eq!(names(&patch), ["a param offset", "a param gain", "b param gain"]);
        put(&mut patch, "a", "param offset");
        assert_eq!(names(&patch), ["a param gain", "b param gain", "a param offset"], "once");
    }

    #[test]
    fn two_params_are_a_pad_until_one_of_them_goes() {
        let mut patch = staged();
        let [x, y, last] = <[Tile; 3]>::try_from(patch.stage()).unwrap();
        let [Tile::One(x), Tile::One(y)] = [x, y] else { panic!("single ones") };
        let edit = patch.arranged_stage([Tile::Pad([x, y]), last]);
        apply(&mut patch, edit).unwrap();
        assert_eq!(names(&patch), ["b param gain+a param offset", "a param gain"]);
        let before = patch.clone();
        let back = apply(&mut patch, Edit::RemoveModule { id: id("a") }).unwrap();
        assert_eq!(names(&patch), ["b param gain"]);
        apply(&mut patch, back).unwrap();
        assert_eq!(patch, before);
        let edit = patch.taken_off_stage(patch.stage()[0].parts());
        apply(&mut patch, edit).unwrap();
        assert_eq!(names(&patch), ["a param gain"]);
    }

    #[test]
    fn what_is_on_stage_follows_its_module_through_a_new_name() {
        let mut patch = staged();
        let rename = Edit::RenameModule { id: id("a"), new_id: id("lead") };
        apply(&mut patch, rename).unwrap();
        assert_eq!(names(&patch), ["b param gain", "lead param offset", "lead param gain"]);
    }

    #[test]
    fn a_part_is_called_by_the_name_that_it_was_given() {
        let mut patch = ring();
        let before = patch.clone();
        let back = apply(&mut patch, titled("a", "output out", "To the echo")).unwrap();
        assert_eq!(patch.title_of(&id("a"), &part("output out")), Some("To the echo"));
        assert_eq!(patch.title_of(&id("b"), &part("output out")), None);
        apply(&mut patch, back).unwrap();
        assert_eq!(patch, before);
        for (module, part, title) in
            [("z", "param gain", "x"), ("a", "param colour", "x"), ("a", "param gain", "\0")]
        {
            apply(&mut patch, titled(module, part, title)).unwrap_err();
        }
        assert_eq!(patch, before);
    }

    #[test]
    fn ports_and_parts_that_are_not_there_are_kept_off_the_stage() {
        let mut patch = ring();
        for wrong in ["input in", "output out", "screen", "param colour"] {
            let edit = patch.put_on_stage([(id("a"), part(wrong))]);
            assert!(apply(&mut patch, edit).is_err(), "{wrong}");
        }
        assert!("wide".parse::<Form>().unwrap_err().to_string().contains("`fader`"));
        for (form, word) in FORMS {
            assert_eq!((word.parse().ok(), form.to_string().as_str()), (Some(form), word));
        }
    }

    proptest! {
        /// Whatever is done, each part on stage is one that can be played there; undo
        /// brings back what stood there, and a file holds it.
        #[test]
        fn any_edits_keep_the_stage_true(edits in prop::collection::vec(any_edit(), 0..40)) {
            let (mut patch, mut history) = (staged(), History::default());
            let before = patch.clone();
            for edit in edits {
                let _ = history.apply(&mut patch, &edit, None);
                for tile in patch.stage() {
                    for StageItem { module, part, .. } in tile.items() {
                        prop_assert!(patch.modules[module].check_staged(module, part).is_ok());
                    }
                }
                let read = file::read(file::write(&patch).as_bytes()).unwrap();
                prop_assert_eq!(read.stage(), patch.stage());
            }
            while history.undo(&mut patch).is_some() {}
            prop_assert_eq!(patch, before);
        }
    }
}
