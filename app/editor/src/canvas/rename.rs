//! A module's name, typed where it stands.

use eframe::egui::{
    FontId, Key, Modifiers, Rect, Response, TextEdit, Ui, WidgetInfo, WidgetType, vec2,
};
use sostenuto_patch::{Edit, Group, ModuleId};

use super::face::TITLE_HEIGHT;
use super::modules::Spot;
use super::{Canvas, Desk};
use crate::patching::{meant, spoken};

/// What is being typed.
#[derive(Debug)]
pub(super) struct Renaming {
    id: ModuleId,
    typed: String,
    is_fresh: bool,
}

impl Canvas {
    /// From the next frame on, its name is typed.
    pub(super) fn begin_rename(&mut self, id: &ModuleId, name: &str) {
        self.renaming = Some(Renaming { id: id.clone(), typed: name.to_owned(), is_fresh: true });
    }

    /// A double click on the title begins it, Enter ends it.
    pub(super) fn rename_ui(
        &mut self,
        ui: &mut Ui,
        desk: &mut Desk,
        spot: &Spot,
        response: &Response,
    ) {
        let zoom = self.camera.zoom;
        let title =
            Rect::from_min_size(spot.rect.min, vec2(spot.rect.width(), TITLE_HEIGHT * zoom));
        let pointer = response.interact_pointer_pos();
        let is_group = spot.id.is_stand_in();
        if !is_group && response.double_clicked() && pointer.is_some_and(|at| title.contains(at)) {
            self.begin_rename(spot.id, &spoken(spot.id));
        }
        let Some(renaming) = self.renaming.as_mut().filter(|one| one.id == *spot.id) else {
            return;
        };
        let (is_done, is_left) = ui.input_mut(|input| {
            let pressed = |key| input.consume_key(Modifiers::NONE, key);
            [Key::Enter, Key::Escape].map(pressed).into()
        });
        let field = TextEdit::singleline(&mut renaming.typed)
            .font(FontId::proportional(14.0 * zoom))
            .margin(vec2(6.0, 2.0) * zoom);
        let field = ui.put(title.shrink(2.0 * zoom), field);
        let typed = renaming.typed.clone();
        field.widget_info(|| {
            let what = if is_group { "Name of the group" } else { "Name of the module" };
            let mut info = WidgetInfo::labeled(WidgetType::TextEdit, true, what);
            info.current_text_value = Some(typed.clone());
            info
        });
        if std::mem::take(&mut renaming.is_fresh) {
            field.request_focus();
            return;
        }
        if !is_done && !is_left && !field.lost_focus() {
            return;
        }
        self.renaming = None;
        if let Some(id) = spot.id.stands_for() {
            let group = desk.scene.model.patch().groups.get(&id);
            if let Some(group) = group.filter(|group| !is_left && group.title != typed) {
                let group = Group { title: typed, ..group.clone() };
                desk.asks.edit(Edit::SetGroup { id, group: Some(group) });
            }
            return;
        }
        let new_id = meant(desk.scene.patch, &typed);
        match new_id.filter(|_| !is_left) {
            Some(new_id) => desk.asks.edit(Edit::RenameModule { id: spot.id.clone(), new_id }),
            None if !is_left && typed != spoken(spot.id) => {
                desk.say("Another module has that name, or it has no letters.");
            }
            None => {}
        }
    }
}
