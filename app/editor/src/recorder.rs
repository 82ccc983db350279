//! The recorder: from now on, or what was just played.

use std::path::{Path, PathBuf};

use eframe::egui::{Button, RichText, Slider, Ui, WidgetInfo, WidgetType, vec2};
use sostenuto_osc::message::Request;
use sostenuto_osc::message::record::{Recorded, RecorderStatus, SaveLast, Start, Stop, WavFormat};

use super::errands::Errands;
use super::files::dialogs::FileDialogs;
use super::files::{file_stem, reveal::reveal};
use super::model::{Asks, Model};
use super::parts::file_title;
use super::parts::{button, caption, chip, clock_time, faint, main_button, row};
use super::preferences::Preferences;
use super::theme::Theme;

/// What a sample may be written as, and what people call it.
const FORMATS: [FileFormat; 4] = [
    FileFormat { word: "f32", words: "32 bit float", ending: "wav", samples: WavFormat::F32 },
    FileFormat { word: "s24", words: "24 bit", ending: "wav", samples: WavFormat::S24 },
    FileFormat { word: "s16", words: "16 bit", ending: "wav", samples: WavFormat::S16 },
    FileFormat { word: "flac", words: "FLAC", ending: "flac", samples: WavFormat::S24 },
];
/// The one where none is chosen.
const USUAL: FileFormat = FORMATS[1];

/// How recordings are written.
#[derive(Clone, Copy, Debug, PartialEq)]
struct FileFormat {
    /// As the preferences have it.
    word: &'static str,
    /// As it is shown.
    words: &'static str,
    /// Of the file.
    ending: &'static str,
    samples: WavFormat,
}
/// The longest time that can be saved afterwards, in minutes.
const MOST_MINUTES: f32 = 60.0;

/// What a file is wanted for.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Take {
    Start,
    Last { secs: f32 },
}

enum RecorderEvent {
    Free(Take, PathBuf),
    Trouble(String),
}

/// The recorder's panel.
pub struct Recorder {
    minutes: f32,
    dialogs: Box<dyn FileDialogs>,
    errands: Errands<RecorderEvent>,
    said: Vec<String>,
}

impl Recorder {
    /// `wake` is called when there is something new to show.
    pub fn new(dialogs: Box<dyn FileDialogs>, wake: impl Fn() + Send + 'static) -> Recorder {
        let errands = Errands::new("recorder", wake);
        Recorder { minutes: 1.0, dialogs, errands, said: Vec::new() }
    }

    /// What went wrong since the last time.
    pub fn said(&mut self) -> std::vec::Drain<'_, String> {
        self.said.drain(..)
    }

    /// Once a frame, whether it is shown or not: hears files and folders.
    pub fn poll(&mut self, preferences: &mut Preferences, asks: &mut Asks) {
        let news: Vec<RecorderEvent> = self.errands.news().collect();
        for news in news {
            self.hear(news, preferences, asks);
        }
        if let Some(Some(folder)) = self.dialogs.poll() {
            preferences.recordings = Some(folder);
        }
    }

    fn hear(&mut self, news: RecorderEvent, preferences: &Preferences, asks: &mut Asks) {
        let format = format(preferences).samples;
        match news {
            RecorderEvent::Trouble(sentence) => self.said.push(sentence),
            RecorderEvent::Free(Take::Start, path) => {
                asks.requests.push(Request::StartRecording(Start { path, format }));
            }
            RecorderEvent::Free(Take::Last { secs }, path) => {
                let secs = Some(f64::from(secs));
                asks.requests.push(Request::SaveLast(SaveLast { path, format, secs }));
            }
        }
    }

    /// Starts, or stops where it runs.
    pub fn toggle(&self, model: &Model, preferences: &Preferences, asks: &mut Asks) {
        if model.recorder.path.is_some() {
            asks.requests.push(Request::StopRecording(Stop {}));
        } else {
            self.find_file(Take::Start, model, preferences);
        }
    }

    /// Saves what was played in the last minutes.
    pub fn save_last(&self, model: &Model, preferences: &Preferences) {
        let secs = (self.minutes * 60.0).min((model.recorder.remembered_secs as f32).max(1.0));
        self.find_file(Take::Last { secs }, model, preferences);
    }

    /// Looks for a name that is free.
    fn find_file(&self, take: Take, model: &Model, preferences: &Preferences) {
        let folder = folder(preferences);
        let (title, ending) = (title(model), format(preferences).ending);
        self.errands.send(move || match free_file(&folder, &title, ending) {
            Ok(path) => Some(RecorderEvent::Free(take, path)),
            Err(error) => Some(RecorderEvent::Trouble(format!(
                "Nothing can be recorded there ({error}). Choose another folder: {}",
                folder.display()
            ))),
        });
    }

    /// The button alone, for the window's edge.
    pub fn button_ui(
        &self,
        ui: &mut Ui,
        theme: &Theme,
        model: &Model,
        preferences: &Preferences,
        asks: &mut Asks,
    ) {
        let is_on = model.recorder.path.is_some();
        let (text, words, ink) = match is_on {
            true => (
                format!("⏺ {}", clock_time(model.recorder.secs as f32)),
                "Stop recording",
                theme.trouble,
            ),
            false => ("⏺".to_owned(), "Record", theme.faint),
        };
        let response =
            ui.add(Button::new(RichText::new(text).color(ink)).min_size(vec2(34.0, 28.0)));
        response.widget_info(|| WidgetInfo::selected(WidgetType::Button, true, is_on, words));
        if response.on_hover_text(words).clicked() {
            self.toggle(model, preferences, asks);
        }
    }

    /// The whole panel.
    pub fn ui(
        &mut self,
        ui: &mut Ui,
        theme: &Theme,
        model: &Model,
        preferences: &mut Preferences,
        asks: &mut Asks,
    ) {
        ui.set_width(320.0);
        self.record_ui(ui, theme, model, preferences, asks);
        ui.add_space(10.0);
        self.last_ui(ui, theme, model, preferences);
        ui.add_space(10.0);
        caption(ui, theme, "Format");
        row(ui, |ui| {
            for one in FORMATS {
                if chip(ui, theme, one.words, format(preferences) == one).clicked() {
                    preferences.recording_format = one.word.to_owned();
                }
            }
        });
        ui.add_space(10.0);
        self.folder_ui(ui, theme, preferences);
        if let Some(recorded) = &model.recorded {
            self.finished_ui(ui, theme, recorded);
        }
    }

    fn record_ui(
        &self,
        ui: &mut Ui,
        theme: &Theme,
        model: &Model,
        preferences: &Preferences,
        asks: &mut Asks,
    ) {
        let RecorderStatus { path, secs, .. } = &model.recorder;
        row(ui, |ui| {
            let words = if path.is_some() { "⏹ Stop recording" } else { "⏺ Record" };
            if main_button(ui, theme, words).clicked() {
                self.toggle(model, preferences, asks);
            }
            let ink = if path.is_some() { theme.trouble } else { theme.faint };
            ui.label(RichText::new(clock_time(*secs as f32)).size(20.0).monospace().color(ink));
        });
        match path {
            Some(path) => faint(ui, theme, format!("Into {}", file_title(path))),
            None => {
                faint(ui, theme, "Records what you hear into a file, with the patch beside it.")
            }
        };
    }

    fn last_ui(&mut self, ui: &mut Ui, theme: &Theme, model: &Model, preferences: &Preferences) {
        let remembered_secs = model.recorder.remembered_secs as f32;
        caption(ui, theme, "Save what I just played");
        row(ui, |ui| {
            let most = (remembered_secs / 60.0).ceil().clamp(1.0, MOST_MINUTES);
            ui.spacing_mut().slider_width = 120.0;
            let minutes = Slider::new(&mut self.minutes, 0.5..=most).step_by(0.5).max_decimals(1);
            let minutes = minutes.suffix(" min");
            ui.add(minutes).widget_info(|| {
                WidgetInfo::slider(true, f64::from(self.minutes), "Minutes to save")
            });
            ui.add_enabled_ui(remembered_secs > 0.0, |ui| {
                if button(ui, "Save it").clicked() {
                    self.save_last(model, preferences);
                }
            });
        });
        let remembered = clock_time(remembered_secs);
        faint(ui, theme, format!("The last {remembered} can be saved."));
    }

    fn folder_ui(&mut self, ui: &mut Ui, theme: &Theme, preferences: &Preferences) {
        let folder = folder(preferences);
        caption(ui, theme, "Folder");
        row(ui, |ui| {
            if button(ui, "Choose…").clicked() {
                self.dialogs.folder(Some(&folder));
            }
            faint(ui, theme, folder.display().to_string());
        });
    }

    fn finished_ui(&self, ui: &mut Ui, theme: &Theme, recorded: &Recorded) {
        let path = &recorded.path;
        ui.add_space(10.0);
        caption(ui, theme, "Latest recordings");
        row(ui, |ui| {
            if button(ui, "Show").on_hover_text("Show in folder").clicked() {
                let path = path.clone();
                self.errands.send(move || {
                    let error = reveal(&path).err()?;
                    let sentence =
                        format!("The folder cannot be shown ({error}): {}", path.display());
                    Some(RecorderEvent::Trouble(sentence))
                });
            }
            ui.label(file_title(path)).on_hover_text(path.display().to_string());
        });
    }
}

/// Where recordings go.
fn folder(preferences: &Preferences) -> PathBuf {
    preferences.recordings.clone().unwrap_or_else(|| {
        let folders = directories::UserDirs::new();
        let folder =
            folders.as_ref().map(|folders| folders.audio_dir().unwrap_or(folders.home_dir()));
        folder.map_or_else(std::env::temp_dir, |folder| folder.join("Sostenuto"))
    })
}

/// How samples are written; what no version knows of is as if it was not said.
fn format(preferences: &Preferences) -> FileFormat {
    let word = &preferences.recording_format;
    FORMATS.into_iter().find(|format| format.word == word).unwrap_or(USUAL)
}

/// What the recordings of a patch are called.
fn title(model: &Model) -> String {
    let file = model.file.path.as_deref().map(file_title);
    let title = model.patch().title.trim().to_owned();
    file_stem(if title.is_empty() { file.as_deref().unwrap_or_default() } else { &title })
}

/// `Title 1.wav`, or the first number that is free. Makes the folder.
fn free_file(folder: &Path, title: &str, ending: &str) -> std::io::Result<PathBuf> {
    std::fs::create_dir_all(folder)?;
    let is_free = |path: &PathBuf| !path.exists() && !path.with_extension("sostenuto").exists();
    let mut paths = (1u64..).map(|number| folder.join(format!("{title} {number}.{ending}")));
    Ok(paths.find(is_free).expect("numbers do not end"))
}

#[cfg(test)]
mod tests {
    use egui_kittest::Harness;
    use egui_kittest::kittest::Queryable;
    use sostenuto_modules::clip::Text;
    use sostenuto_osc::mirror::Mirror;

    use super::*;
    use crate::theme::Look;

    struct NoDialogs;

    impl FileDialogs for NoDialogs {
        fn open(&mut self, _folder: Option<&Path>) {}
        fn save(&mut self, _folder: Option<&Path>, _name: &str) {}
        fn file(&mut self, _folder: Option<&Path>, _: Text) {}
        fn folder(&mut self, _folder: Option<&Path>) {}
        fn poll(&mut self) -> Option<Option<PathBuf>> {
            None
        }
    }

    struct Studio {
        recorder: Recorder,
        model: Model,
        preferences: Preferences,
        asks: Asks,
    }

    fn studio(folder: &Path) -> Harness<'static, Studio> {
        let recorder = Recorder::new(Box::new(NoDialogs), || {});
        let preferences =
            Preferences { recordings: Some(folder.to_owned()), ..Preferences::default() };
        let mut model = Model::default();
        model.recorder.remembered_secs = 600.0;
        let studio = Studio { recorder, model, preferences, asks: Asks::default() };
        let app = |ui: &mut Ui, studio: &mut Studio| {
            let Studio { recorder, model, preferences, asks } = studio;
            recorder.ui(ui, &Theme::of(Look::Dark), model, preferences, asks);
        };
        let mut harness = Harness::builder().with_step_dt(1.0 / 60.0).build_ui_state(app, studio);
        harness.run_steps(2);
        harness
    }

    fn press(harness: &mut Harness<Studio>, label: &str) {
        harness.get_by_label(label).click();
        harness.run_steps(2);
    }

    fn wait(harness: &mut Harness<Studio>) -> Option<Request> {
        let Studio { recorder, preferences, asks, .. } = harness.state_mut();
        let news = recorder.errands.wait();
        recorder.hear(news, preferences, asks);
        asks.requests.pop()
    }

    #[test]
    fn recording_begins_in_the_first_free_file_and_ends_with_the_same_button() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("Untitled 1.wav"), "").unwrap();
        let mut harness = studio(folder.path());
        press(&mut harness, "⏺ Record");
        let path = folder.path().join("Untitled 2.wav");
        let format = WavFormat::S24;
        assert_eq!(
            wait(&mut harness),
            Some(Request::StartRecording(Start { path: path.clone(), format }))
        );
        harness.state_mut().model.recorder.path = Some(path);
        harness.run_steps(2);
        press(&mut harness, "⏹ Stop recording");
        assert_eq!(harness.state().asks.requests, [Request::StopRecording(Stop {})]);
    }

    #[test]
    fn what_was_just_played_is_saved_as_long_as_was_said() {
        let folder = tempfile::tempdir().unwrap();
        let mut harness = studio(folder.path());
        press(&mut harness, "16 bit");
        harness.state_mut().recorder.minutes = 3.0;
        press(&mut harness, "Save it");
        let path = folder.path().join("Untitled 1.wav");
        let (format, secs) = (WavFormat::S16, Some(180.0));
        assert_eq!(wait(&mut harness), Some(Request::SaveLast(SaveLast { path, format, secs })));
    }

    #[test]
    fn a_flac_is_called_so_and_has_24_bits() {
        let folder = tempfile::tempdir().unwrap();
        let mut harness = studio(folder.path());
        press(&mut harness, "FLAC");
        press(&mut harness, "⏺ Record");
        let (path, format) = (folder.path().join("Untitled 1.flac"), WavFormat::S24);
        assert_eq!(wait(&mut harness), Some(Request::StartRecording(Start { path, format })));
    }

    #[test]
    fn a_folder_that_cannot_be_is_told_of() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        let mut harness = studio(&file);
        press(&mut harness, "⏺ Record");
        assert_eq!(wait(&mut harness), None);
        let said: Vec<String> = harness.state_mut().recorder.said().collect();
        assert!(said[0].starts_with("Nothing can be recorded there"), "{said:?}");
    }

    #[test]
    fn a_title_becomes_a_file() {
        let title_text = " Night/Train: 2 ".to_owned();
        let patch = sostenuto_patch::Patch { title: title_text, ..Default::default() };
        let model = Model { mirror: Mirror::of(patch), ..Model::default() };
        assert_eq!(title(&model), "Night-Train- 2");
    }
}
