//! Where one was when the window closed: kept beside the preferences, for the next
//! start.

use std::path::{Path, PathBuf};

use eframe::egui::{Pos2, Rect, Vec2, ViewportBuilder, ViewportInfo};
use serde::{Deserialize, Serialize};
use sostenuto_osc::message::Request;
use sostenuto_osc::message::patch::{Load, Put};
use sostenuto_patch::{Edit, Patch, file};

use super::canvas::camera::Camera;
use super::kept;
use super::model::Model;

/// Where one was.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LastTime {
    /// The file of the patch, if it had one.
    pub file: Option<PathBuf>,
    /// The patch as a file's text, where that file does not hold it.
    pub patch: Option<String>,
    /// What the canvas showed: the place in its middle, and the zoom.
    pub view: Option<(f32, f32, f32)>,
    /// Whether that was the whole patch.
    pub is_fitted: bool,
    /// Where the window was and how large, in points.
    pub window: Option<WindowPlace>,
}

/// Where a window is, and how large it is inside.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct WindowPlace {
    /// Its left and top edge, where the system says so.
    pub corner: Option<(f32, f32)>,
    /// Its width and height.
    pub size: (f32, f32),
    /// Whether it fills the screen.
    pub is_maximised: bool,
}

impl WindowPlace {
    /// Where the window is now; `None` where that is nowhere, as while it is
    /// minimised.
    pub fn of(viewport: &ViewportInfo) -> Option<WindowPlace> {
        let inner: Rect = viewport.inner_rect.filter(|rect| rect.is_positive())?;
        if viewport.minimized.unwrap_or(false) {
            return None;
        }
        let corner = viewport.outer_rect.map(|rect| (rect.left(), rect.top()));
        let is_maximised = viewport.maximized.unwrap_or(false);
        Some(WindowPlace { corner, size: inner.size().into(), is_maximised })
    }

    /// The same window again. A screen may be gone since, so one that began far
    /// outside begins where the system likes.
    pub fn open(self, builder: ViewportBuilder) -> ViewportBuilder {
        const FAR: f32 = 8000.0;
        let least = builder.min_inner_size.unwrap_or(Vec2::ZERO);
        let size = Vec2::from(self.size).clamp(least, Vec2::splat(FAR));
        let builder = builder.with_inner_size(size).with_maximized(self.is_maximised);
        match self.corner {
            Some((x, y)) if x.abs() < FAR && y.abs() < FAR => builder.with_position([x, y]),
            _ => builder,
        }
    }
}

impl LastTime {
    /// Where that is kept for the preferences there.
    pub fn path(preferences: &Path) -> PathBuf {
        preferences.with_extension("last-time.json")
    }

    /// Reads it; where there is none, or none that can be read, nothing.
    pub fn load(path: &Path) -> LastTime {
        kept::load(path)
    }

    /// Writes it beside, and puts it in its place.
    ///
    /// # Errors
    /// Where the system does not let it.
    pub fn save(&self, path: &Path) -> std::io::Result<()> {
        kept::save(self, path)
    }

    /// Where one is now. What no file holds is kept whole where it `is_kept`.
    pub fn of(model: &Model, camera: Camera, is_kept: bool) -> LastTime {
        let is_in_file = model.file.is_saved && model.file.path.is_some();
        let is_kept = is_kept && !is_in_file && !model.patch().modules.is_empty();
        LastTime {
            file: model.file.path.clone(),
            patch: is_kept.then(|| file::write(model.patch())),
            view: Some((camera.centre.x, camera.centre.y, camera.zoom)),
            is_fitted: camera.is_fitted,
            window: None,
        }
    }

    /// What brings the patch back: its file, and then, as one step, what was not
    /// saved in it. Nothing where there was none.
    pub fn requests(&self) -> Vec<Request> {
        let load = self.file.as_ref().filter(|path| path.is_file());
        let load = load.map(|path| (path, disk_patch(path)));
        let kept = self.patch.as_ref().and_then(|text| file::read(text.as_bytes()).ok());
        match (load, kept, &self.patch) {
            (Some((path, Some(saved))), Some(kept), _) if !has_placeholders(&kept) => {
                let load = Request::Load(Load { path: path.clone() });
                vec![load, Request::Edit(becoming(&saved, &kept))]
            }
            (_, Some(_), Some(text)) => {
                vec![Request::Put(Put { json: text.clone().into_bytes() })]
            }
            (Some((path, Some(_))), None, _) => vec![Request::Load(Load { path: path.clone() })],
            _ => Vec::new(),
        }
    }

    /// What the canvas showed.
    pub fn camera(&self) -> Option<Camera> {
        let (x, y, zoom) = self.view?;
        let mut camera = Camera::there(Pos2::new(x, y), zoom)?;
        camera.is_fitted = self.is_fitted;
        Some(camera)
    }
}

fn disk_patch(path: &Path) -> Option<Patch> {
    file::load(path).ok()
}

fn has_placeholders(patch: &Patch) -> bool {
    patch.modules.values().any(|module| module.is_placeholder)
}

/// One patch, changed until it is another: the file's name stays with it.
fn becoming(from: &Patch, to: &Patch) -> Edit {
    let remove = from.modules.keys().map(|id| Edit::RemoveModule { id: id.clone() });
    let wipe = from.comments.keys().map(|id| Edit::SetComment { id: id.clone(), comment: None });
    let mut groups: Vec<_> = from.groups.keys().collect();
    groups.sort_by_key(|id| std::cmp::Reverse(from.around(Some(*id)).count()));
    let apart = groups.into_iter().map(|id| Edit::SetGroup { id: id.clone(), group: None });
    let mut groups: Vec<_> = to.groups.iter().collect();
    groups.sort_by_key(|(id, _)| to.around(Some(*id)).count());
    let together = groups
        .into_iter()
        .map(|(id, group)| Edit::SetGroup { id: id.clone(), group: Some(group.clone()) });
    let scene = |number: &u8, title: Option<&String>| Edit::SetScene {
        number: *number,
        title: title.cloned(),
    };
    let apart = apart.chain(from.scenes.keys().map(|number| scene(number, None)));
    let together =
        together.chain(to.scenes.iter().map(|(number, title)| scene(number, Some(title))));
    let add = to
        .modules
        .iter()
        .map(|(id, module)| Edit::AddModule { id: id.clone(), module: module.clone() });
    let connect = to.cables.iter().cloned().map(Edit::Connect);
    let write = to
        .comments
        .iter()
        .map(|(id, comment)| Edit::SetComment { id: id.clone(), comment: Some(comment.clone()) });
    let names = [Edit::SetTitle(to.title.clone()), Edit::SetDescription(to.description.clone())];
    let edits = remove
        .chain(wipe)
        .chain(apart)
        .chain(together)
        .chain(add)
        .chain(connect)
        .chain(write)
        .chain(names);
    super::patching::with_delays(from, edits.collect(), &to.delayed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sostenuto_patch::{apply, factory};

    fn model(patch: &Patch) -> Model {
        let mirror = sostenuto_osc::mirror::Mirror::of(patch.clone());
        Model { mirror, ..Model::default() }
    }

    #[test]
    fn any_patch_becomes_any_other_in_one_step() {
        let patches: Vec<Patch> = factory::PATCHES.iter().map(factory::Factory::patch).collect();
        for pair in patches.windows(2) {
            let mut patch = pair[0].clone();
            apply(&mut patch, becoming(&pair[0], &pair[1])).unwrap();
            assert_eq!(patch, pair[1]);
        }
    }

    #[test]
    fn what_no_file_holds_is_kept_whole_and_what_one_holds_is_loaded() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rain.sostenuto");
        let [saved, changed] = [0, 1].map(|index| factory::PATCHES[index].patch());
        std::fs::write(&path, file::write(&saved)).unwrap();
        let mut there = model(&saved);
        there.file.path = Some(path.clone());
        there.file.is_saved = true;
        let load = Request::Load(Load { path: path.clone() });
        let last = LastTime::of(&there, Camera::default(), true);
        assert_eq!(last.requests(), std::slice::from_ref(&load));

        let mut unsaved = model(&changed);
        unsaved.file.path = Some(path);
        let last = LastTime::of(&unsaved, Camera::default(), true);
        let requests = last.requests();
        assert_eq!(requests[0], load);
        assert!(matches!(&requests[1], Request::Edit(Edit::Several(_))), "{requests:?}");
        let discarded = LastTime::of(&unsaved, Camera::default(), false);
        assert_eq!(discarded.requests(), [load]);

        let nameless = LastTime::of(&model(&changed), Camera::default(), true);
        let json = file::write(&changed).into_bytes();
        assert_eq!(nameless.requests(), [Request::Put(Put { json })]);
        assert_eq!(LastTime::default().requests(), []);
    }

    #[test]
    fn it_is_read_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = LastTime::path(&folder.path().join("preferences.json"));
        let window = WindowPlace { corner: None, size: (900.0, 700.0), is_maximised: false };
        let last = LastTime {
            view: Some((1.0, 2.0, 0.5)),
            window: Some(window),
            ..LastTime::of(&model(&factory::PATCHES[0].patch()), Camera::default(), true)
        };
        last.save(&path).unwrap();
        assert_eq!(LastTime::load(&path), last);
        assert_eq!(LastTime::load(&folder.path().join("none.json")), LastTime::default());
        let builder = window.open(ViewportBuilder::default());
        assert_eq!(builder.inner_size, Some(Vec2::new(900.0, 700.0)));
        assert_eq!(builder.position, None);
    }
}
