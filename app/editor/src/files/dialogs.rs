//! The system's file dialogs, asked without waiting for them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use rfd::{AsyncFileDialog, FileHandle};
use sostenuto_modules::clip::Text;
use sostenuto_patch::sounds::{ENDINGS, TUNING_ENDINGS};

/// What patch files end in.
pub const EXTENSION: &str = "sostenuto";

/// Asks for a file; the answer comes later.
pub trait FileDialogs: Send {
    /// Asks which patch to open.
    fn open(&mut self, folder: Option<&Path>);
    /// Asks where to save under such a name.
    fn save(&mut self, folder: Option<&Path>, name: &str);
    /// Asks for a sound or a tuning, as a text of that kind wants it.
    fn file(&mut self, folder: Option<&Path>, form: Text);
    /// Asks for a folder.
    fn folder(&mut self, folder: Option<&Path>);
    /// The answer, once it is there: `Some(None)` is none. That is a musician who
    /// thought better of it, or a system without dialogs: it does not say which.
    fn poll(&mut self) -> Option<Option<PathBuf>>;
}

/// Those of the system.
pub struct SystemDialogs {
    answers: Receiver<Option<PathBuf>>,
    answer: Sender<Option<PathBuf>>,
    wake: Arc<dyn Fn() + Send + Sync>,
}

impl SystemDialogs {
    /// `wake` is called when an answer is there.
    pub fn new(wake: impl Fn() + Send + Sync + 'static) -> SystemDialogs {
        let (answer, answers) = channel();
        SystemDialogs { answers, answer, wake: Arc::new(wake) }
    }

    /// macOS wants the dialog made on the window's thread, which this is; it may
    /// be waited for on any other.
    fn ask(&self, dialog: impl Future<Output = Option<FileHandle>> + Send + 'static) {
        let (answer, wake) = (self.answer.clone(), Arc::clone(&self.wake));
        let wait = move || {
            let file = pollster::block_on(dialog);
            // It fails where the window is gone, and nobody asks any more.
            _ = answer.send(file.map(|file| file.path().to_owned()));
            wake();
        };
        if let Err(error) = thread::Builder::new().name("file dialog".to_owned()).spawn(wait) {
            tracing::warn!("no thread for a file dialog: {error}");
            _ = self.answer.send(None);
        }
    }
}

impl FileDialogs for SystemDialogs {
    fn open(&mut self, folder: Option<&Path>) {
        self.ask(patches(folder).set_title("Open a patch").pick_file());
    }

    fn save(&mut self, folder: Option<&Path>, name: &str) {
        self.ask(patches(folder).set_title("Save the patch").set_file_name(name).save_file());
    }

    fn file(&mut self, folder: Option<&Path>, form: Text) {
        let (title, kind, endings): (_, _, &[&str]) = match form {
            Text::Code => {
                ("Open a module of your own", "Modules and their facts", &["wasm", "txt"])
            }
            form if form.takes_tuning() => ("Choose a tuning", "Scala files", &TUNING_ENDINGS),
            _ => ("Choose a sound", "Sounds", &ENDINGS),
        };
        let dialog = within(folder).add_filter(kind, &in_any_case(endings));
        self.ask(dialog.add_filter("All files", &["*"]).set_title(title).pick_file());
    }

    fn folder(&mut self, folder: Option<&Path>) {
        self.ask(within(folder).set_title("Choose a folder").pick_folder());
    }

    fn poll(&mut self) -> Option<Option<PathBuf>> {
        self.answers.try_recv().ok()
    }
}

fn patches(folder: Option<&Path>) -> AsyncFileDialog {
    let patches = in_any_case(&[EXTENSION]);
    within(folder).add_filter("Sostenuto patches", &patches).add_filter("All files", &["*"])
}

/// Dialogs on Linux tell `KICK.WAV` from `kick.wav`.
fn in_any_case(endings: &[&str]) -> Vec<String> {
    let capital = |ending: &str| ending[..1].to_uppercase() + &ending[1..];
    let cases = |ending: &&str| [(*ending).to_owned(), ending.to_uppercase(), capital(ending)];
    endings.iter().flat_map(cases).collect()
}

fn within(folder: Option<&Path>) -> AsyncFileDialog {
    match folder {
        Some(folder) => AsyncFileDialog::new().set_directory(folder),
        None => AsyncFileDialog::new(),
    }
}
