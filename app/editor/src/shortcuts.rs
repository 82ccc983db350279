//! Every key: one table, from which keys are obeyed and the sheet is drawn, so
//! that the sheet cannot lie.

use eframe::egui::{
    Button, Context, Event, Grid, Key, KeyboardShortcut, Modifiers, RichText, ScrollArea, Ui,
    WidgetInfo, WidgetType,
};

use super::panel::Panel;
use super::parts::{caption, is_typing};
use super::theme::Theme;

/// What a key asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Command {
    New,
    Open,
    Save,
    SaveAs,
    Undo,
    Redo,
    Cut,
    Copy,
    Paste,
    Duplicate,
    Delete,
    SelectAll,
    TidyUp,
    AlignLeft,
    AlignTop,
    AlignRight,
    AlignBottom,
    AddModule,
    AddComment,
    GroupModules,
    Ungroup,
    TakeOut,
    Bypass,
    FitAll,
    FitSelection,
    ZoomIn,
    ZoomOut,
    ZoomReset,
    FullScreen,
    PlayStop,
    Tap,
    Panic,
    Record,
    SaveLast,
    KillWorker,
    ShowKeyboard,
    ShowLoad,
    ShowStage,
    ShowScenes,
    ShowHealth,
    ShowRecorder,
    ShowHistory,
    ShowNotices,
    ShowSound,
    ShowPreferences,
    ShowShortcuts,
    ShowSetList,
    NextScene,
    PreviousScene,
    NextPatch,
    PreviousPatch,
}

/// A part of the sheet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// Files and steps.
    Patch,
    /// Modules on the canvas.
    Modules,
    /// What is seen of the canvas.
    View,
    /// What is heard.
    Sound,
    /// Panels.
    Window,
}

impl Group {
    const ALL: [Group; 5] =
        [Group::Patch, Group::Modules, Group::View, Group::Sound, Group::Window];

    fn title(self) -> &'static str {
        match self {
            Group::Patch => "Patch",
            Group::Modules => "Modules",
            Group::View => "View",
            Group::Sound => "Sound",
            Group::Window => "Window",
        }
    }
}

/// Keys, and what they do.
#[derive(Clone, Copy, Debug)]
pub struct Shortcut {
    /// Any of these.
    pub keys: &'static [KeyboardShortcut],
    /// What they ask for.
    pub command: Command,
    /// What the sheet says of it.
    pub what: &'static str,
    /// Where the sheet says it.
    pub group: Group,
    /// Whether it is obeyed while a text is typed.
    pub is_for_typing: bool,
}

const fn plain(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(Modifiers::NONE, key)
}

const fn command(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(Modifiers::COMMAND, key)
}

const fn command_shift(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(Modifiers::COMMAND.plus(Modifiers::SHIFT), key)
}

const fn always(
    keys: &'static [KeyboardShortcut],
    command: Command,
    group: Group,
    what: &'static str,
) -> Shortcut {
    Shortcut { keys, command, what, group, is_for_typing: true }
}

const fn idle(
    keys: &'static [KeyboardShortcut],
    command: Command,
    group: Group,
    what: &'static str,
) -> Shortcut {
    Shortcut { keys, command, what, group, is_for_typing: false }
}

/// Every key there is.
pub const SHORTCUTS: &[Shortcut] = &[
    always(&[command(Key::N)], Command::New, Group::Patch, "New patch"),
    always(&[command(Key::O)], Command::Open, Group::Patch, "Open a patch"),
    always(&[command(Key::S)], Command::Save, Group::Patch, "Save"),
    always(&[command_shift(Key::S)], Command::SaveAs, Group::Patch, "Save as"),
    idle(&[command(Key::Z)], Command::Undo, Group::Patch, "Undo"),
    idle(&[command_shift(Key::Z), command(Key::Y)], Command::Redo, Group::Patch, "Redo"),
    idle(
        &[command(Key::K), plain(Key::Insert)],
        Command::AddModule,
        Group::Modules,
        "Add a module",
    ),
    idle(&[command_shift(Key::K)], Command::AddComment, Group::Modules, "Add a comment"),
    idle(&[command(Key::G)], Command::GroupModules, Group::Modules, "Group the selection"),
    idle(&[command_shift(Key::G)], Command::Ungroup, Group::Modules, "Ungroup the selection"),
    idle(&[], Command::TakeOut, Group::Modules, "Take the selection out of its group"),
    idle(&[command(Key::X)], Command::Cut, Group::Modules, "Cut the selection"),
    idle(&[command(Key::C)], Command::Copy, Group::Modules, "Copy the selection"),
    idle(&[command(Key::V)], Command::Paste, Group::Modules, "Paste"),
    idle(&[command(Key::D)], Command::Duplicate, Group::Modules, "Duplicate the selection"),
    idle(
        &[plain(Key::Delete), plain(Key::Backspace)],
        Command::Delete,
        Group::Modules,
        "Delete the selection",
    ),
    idle(&[command(Key::A)], Command::SelectAll, Group::Modules, "Select all"),
    idle(&[command(Key::L)], Command::TidyUp, Group::Modules, "Tidy up"),
    idle(&[], Command::AlignLeft, Group::Modules, "Align left edges"),
    idle(&[], Command::AlignTop, Group::Modules, "Align top edges"),
    idle(&[], Command::AlignRight, Group::Modules, "Align right edges"),
    idle(&[], Command::AlignBottom, Group::Modules, "Align bottom edges"),
    idle(&[command(Key::B)], Command::Bypass, Group::Modules, "Bypass the selection"),
    idle(&[command(Key::Num0)], Command::FitAll, Group::View, "Show the whole patch"),
    idle(&[command(Key::Num1)], Command::FitSelection, Group::View, "Show the selection"),
    idle(&[command(Key::Plus), command(Key::Equals)], Command::ZoomIn, Group::View, "Zoom in"),
    idle(&[command(Key::Minus)], Command::ZoomOut, Group::View, "Zoom out"),
    idle(&[command(Key::Num2)], Command::ZoomReset, Group::View, "Zoom to actual size"),
    always(&[plain(Key::F11)], Command::FullScreen, Group::View, "Full screen"),
    idle(&[plain(Key::Space)], Command::PlayStop, Group::Sound, "Start and stop the clocks"),
    idle(&[command(Key::T)], Command::Tap, Group::Sound, "Tap the tempo"),
    idle(&[plain(Key::PageDown)], Command::NextScene, Group::Sound, "Next scene"),
    idle(&[plain(Key::PageUp)], Command::PreviousScene, Group::Sound, "Previous scene"),
    idle(&[command(Key::PageDown)], Command::NextPatch, Group::Sound, "Next patch of the set list"),
    idle(
        &[command(Key::PageUp)],
        Command::PreviousPatch,
        Group::Sound,
        "Previous patch of the set list",
    ),
    always(
        &[plain(Key::F9)],
        Command::Panic,
        Group::Sound,
        "Panic: release all notes, cut echoes and tails",
    ),
    always(&[command(Key::R)], Command::Record, Group::Sound, "Start and stop recording"),
    always(&[command_shift(Key::R)], Command::SaveLast, Group::Sound, "Save what was just played"),
    always(
        &[command_shift(Key::F9)],
        Command::KillWorker,
        Group::Sound,
        "Kill a worker: the sound goes on",
    ),
    always(&[plain(Key::F1)], Command::ShowShortcuts, Group::Window, "Keyboard shortcuts"),
    always(&[plain(Key::F3)], Command::ShowKeyboard, Group::View, "Keyboard"),
    always(&[plain(Key::F2)], Command::ShowStage, Group::View, "Stage"),
    idle(&[], Command::ShowLoad, Group::View, "Load of each module, and its worker"),
    always(&[plain(Key::F8)], Command::ShowRecorder, Group::Window, "Recorder"),
    always(&[plain(Key::F10)], Command::ShowScenes, Group::Window, "Scenes"),
    always(&[plain(Key::F12)], Command::ShowSetList, Group::Window, "Set list"),
    always(&[plain(Key::F4)], Command::ShowHealth, Group::Window, "Health"),
    always(&[plain(Key::F5)], Command::ShowHistory, Group::Window, "History"),
    always(&[plain(Key::F6)], Command::ShowNotices, Group::Window, "Notices"),
    always(&[plain(Key::F7)], Command::ShowSound, Group::Window, "Sound settings"),
    always(&[command(Key::Comma)], Command::ShowPreferences, Group::Window, "Preferences"),
];

/// What was asked for by keys in this frame. The keys are taken, so that no
/// widget hears them too. Call it once a frame, before any panel.
pub fn dispatch(ctx: &Context) -> Vec<Command> {
    let is_typing = is_typing(ctx);
    let mut asked = clipboard(ctx, is_typing);
    // A widget that has the keyboard's focus is pressed by the space bar.
    let has_focus = ctx.memory(|memory| memory.focused().is_some());
    // The keys with more modifiers first: a shortcut is also heard under more
    // modifiers than it names.
    let mut all: Vec<(&KeyboardShortcut, &Shortcut)> =
        SHORTCUTS.iter().flat_map(|one| one.keys.iter().map(move |keys| (keys, one))).collect();
    all.sort_by_key(|(keys, _)| !keys.modifiers.shift);
    for (keys, shortcut) in all {
        let is_taken =
            (is_typing && !shortcut.is_for_typing) || (has_focus && *keys == plain(Key::Space));
        if !is_taken && ctx.input_mut(|input| input.consume_shortcut(keys)) {
            asked.push(shortcut.command);
        }
    }
    asked
}

/// The system makes events of their own out of these keys. They stay where
/// they are: who pastes wants the text.
fn clipboard(ctx: &Context, is_typing: bool) -> Vec<Command> {
    if is_typing {
        return Vec::new();
    }
    let of = |event: &Event| match event {
        Event::Copy => Some(Command::Copy),
        Event::Cut => Some(Command::Cut),
        Event::Paste(_) => Some(Command::Paste),
        _ => None,
    };
    ctx.input(|input| input.events.iter().filter_map(of).collect())
}

/// The first keys of a command, as a menu shows them.
pub fn keys_of(ctx: &Context, command: Command) -> String {
    let shortcut = SHORTCUTS.iter().find(|shortcut| shortcut.command == command);
    let keys = shortcut.and_then(|shortcut| shortcut.keys.first());
    keys.map_or_else(String::new, |keys| ctx.format_shortcut(keys))
}

/// A menu of the window that is made of commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Menu {
    Edit,
    View,
    Sound,
}

/// What is in a menu, in groups. Files and panels have menus of their own.
pub fn menu_of(menu: Menu) -> &'static [&'static [Command]] {
    use Command::*;
    match menu {
        Menu::Edit => &[
            &[Undo, Redo],
            &[Cut, Copy, Paste, Duplicate, Delete, SelectAll],
            &[AddModule, AddComment, Bypass],
            &[GroupModules, Ungroup, TakeOut],
            &[TidyUp, AlignLeft, AlignTop, AlignRight, AlignBottom],
        ],
        Menu::View => &[
            &[FitAll, FitSelection],
            &[ZoomIn, ZoomOut, ZoomReset],
            &[ShowStage, FullScreen, ShowKeyboard, ShowLoad],
        ],
        Menu::Sound => &[
            &[PlayStop, Tap, Panic],
            &[PreviousScene, NextScene, PreviousPatch, NextPatch],
            &[Record, SaveLast],
            &[KillWorker],
        ],
    }
}

/// What menus and sheets call a command.
pub fn title_of(command: Command) -> &'static str {
    SHORTCUTS.iter().find(|one| one.command == command).map_or("", |one| one.what)
}

/// An entry of a menu, with its key beside it.
pub fn entry(ui: &mut Ui, name: &str, command: Command) -> bool {
    entry_of(ui, name, command, true, None)
}

/// The same of a command that cannot always be obeyed, or that is on or off.
pub fn entry_of(
    ui: &mut Ui,
    name: &str,
    command: Command,
    is_enabled: bool,
    is_on: Option<bool>,
) -> bool {
    let keys = keys_of(ui.ctx(), command);
    let button = match is_on {
        Some(is_on) => Button::selectable(is_on, name),
        None => Button::new(name),
    };
    let response = ui.add_enabled(is_enabled, button.right_text(keys.clone()));
    response.widget_info(|| match is_on {
        Some(is_on) => WidgetInfo::selected(WidgetType::Button, is_enabled, is_on, name),
        None => WidgetInfo::labeled(WidgetType::Button, is_enabled, name),
    });
    ui.ctx().accesskit_node_builder(response.id, |node| node.set_keyboard_shortcut(keys));
    response.clicked()
}

/// What opens and closes a panel.
pub fn command_of(panel: Panel) -> Command {
    match panel {
        Panel::Scenes => Command::ShowScenes,
        Panel::SetList => Command::ShowSetList,
        Panel::Health => Command::ShowHealth,
        Panel::Sound => Command::ShowSound,
        Panel::Recorder => Command::ShowRecorder,
        Panel::History => Command::ShowHistory,
        Panel::Notices => Command::ShowNotices,
        Panel::Shortcuts => Command::ShowShortcuts,
        Panel::Preferences => Command::ShowPreferences,
    }
}

/// The sheet of all keys.
pub fn shortcuts_ui(ui: &mut Ui, theme: &Theme) {
    ScrollArea::vertical().max_height(480.0).min_scrolled_height(360.0).show(ui, |ui| {
        for group in Group::ALL {
            caption(ui, theme, group.title());
            Grid::new(group.title()).num_columns(2).min_col_width(130.0).show(ui, |ui| {
                let has_keys = |one: &&Shortcut| one.group == group && !one.keys.is_empty();
                for shortcut in SHORTCUTS.iter().filter(has_keys) {
                    let ctx = ui.ctx().clone();
                    let keys = shortcut.keys.iter().map(|keys| ctx.format_shortcut(keys));
                    let keys = keys.collect::<Vec<_>>().join("  or  ");
                    ui.label(RichText::new(keys).strong().color(theme.accent));
                    ui.label(shortcut.what);
                    ui.end_row();
                }
            });
            ui.add_space(8.0);
        }
    });
}

#[cfg(test)]
mod tests {
    use egui_kittest::Harness;

    use super::*;

    #[test]
    fn no_keys_are_given_twice() {
        let all: Vec<_> = SHORTCUTS.iter().flat_map(|shortcut| shortcut.keys).collect();
        for (index, keys) in all.iter().enumerate() {
            assert!(!all[..index].contains(keys), "{keys:?}");
        }
    }

    #[test]
    fn every_command_is_in_exactly_one_menu() {
        let menus = [Menu::Edit, Menu::View, Menu::Sound].map(menu_of).concat().concat();
        let panels = Panel::ALL.map(command_of).into_iter();
        let files = [Command::New, Command::Open, Command::Save, Command::SaveAs];
        let all: Vec<Command> = menus.into_iter().chain(panels).chain(files).collect();
        for shortcut in SHORTCUTS {
            let times = all.iter().filter(|command| **command == shortcut.command).count();
            assert_eq!(times, 1, "{:?}", shortcut.command);
            assert!(!title_of(shortcut.command).is_empty());
        }
        assert_eq!(all.len(), SHORTCUTS.len());
    }

    fn asked(press: impl Fn(&Harness<(String, Vec<Command>)>)) -> Vec<Command> {
        let app = |ui: &mut Ui, (text, asked): &mut (String, Vec<Command>)| {
            asked.extend(dispatch(ui.ctx()));
            if !text.is_empty() {
                ui.text_edit_singleline(text).request_focus();
            }
        };
        let mut harness = Harness::builder().build_ui_state(app, Default::default());
        harness.run_steps(2);
        press(&harness);
        harness.run_steps(3);
        harness.state().1.clone()
    }

    #[test]
    fn every_key_of_the_sheet_does_what_it_says() {
        for shortcut in SHORTCUTS {
            // These three come as events of the system.
            if [Command::Cut, Command::Copy, Command::Paste].contains(&shortcut.command) {
                continue;
            }
            for keys in shortcut.keys {
                let pressed = asked(|harness| {
                    harness.key_press_modifiers(keys.modifiers, keys.logical_key);
                });
                assert_eq!(pressed, [shortcut.command], "{keys:?}");
            }
        }
    }

    #[test]
    fn the_clipboard_is_heard_as_the_system_says_it() {
        assert_eq!(asked(|harness| harness.event(Event::Copy)), [Command::Copy]);
        let paste = Event::Paste("x".to_owned());
        assert_eq!(asked(|harness| harness.event(paste.clone())), [Command::Paste]);
    }

    #[test]
    fn who_types_a_text_keeps_its_keys() {
        let app = |ui: &mut Ui, (text, asked): &mut (String, Vec<Command>)| {
            asked.extend(dispatch(ui.ctx()));
            ui.text_edit_singleline(text).request_focus();
        };
        let mut harness = Harness::builder().build_ui_state(app, ("abc".to_owned(), Vec::new()));
        harness.run_steps(2);
        harness.key_press(Key::Backspace);
        harness.key_press_modifiers(Modifiers::COMMAND, Key::S);
        harness.run_steps(3);
        let (text, asked) = harness.state();
        assert_eq!((text.as_str(), asked.as_slice()), ("ab", [Command::Save].as_slice()));
    }
}
