//! Modules of one's own while they are written: built again whenever their files change,
//! and heard at once.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, SystemTime};

use sostenuto_modules::clip::Text;
use sostenuto_modules::own::file_of;
use sostenuto_patch::{ModuleId, Patch};
use sostenuto_wasm::project;

use super::files::reveal::reveal;
use super::model::Asks;
use super::parts::file_title;
use super::preferences::Preferences;

/// How often files are looked at.
const GLANCE: Duration = Duration::from_millis(100);

/// What is being written, and a thread that builds it.
pub struct Workshop {
    orders: Sender<Order>,
    news: Receiver<Told>,
    /// Where new projects lie.
    folder: Option<PathBuf>,
}

/// What the thread is asked for.
enum Order {
    /// A module is made of this file now, and whenever it changes.
    Watch(PathBuf, ModuleId),
    /// Nobody has a module of this file any more.
    Forget(PathBuf),
    /// A project is made in this folder, shown, and watched.
    Create(PathBuf, ModuleId),
}

/// What came of it.
#[derive(Debug)]
struct Told {
    file: PathBuf,
    /// The module that asked for it, the first time.
    module: Option<ModuleId>,
    /// Its text, or why there is none.
    text: Result<String, String>,
}

impl Workshop {
    /// `wake` is called when something was built.
    pub fn new(folder: Option<PathBuf>, wake: impl Fn() + Send + 'static) -> Workshop {
        let (orders, inbox) = channel();
        let (outbox, news) = channel();
        let work = move || {
            let mut bench = Bench { watched: BTreeMap::new(), outbox, wake };
            bench.work(&inbox);
        };
        if let Err(error) = thread::Builder::new().name("workshop".to_owned()).spawn(work) {
            tracing::warn!("no thread to build modules: {error}");
        }
        Workshop { orders, news, folder }
    }

    /// Once a frame: does what was asked for, and gives modules the code that was built.
    /// Returns what there is to say.
    pub fn poll(
        &mut self,
        patch: &Patch,
        preferences: &mut Preferences,
        asks: &mut Asks,
    ) -> Vec<String> {
        let mut said = Vec::new();
        if let Some((module, file)) = asks.build.take() {
            self.send(Order::Watch(file, module));
        }
        if let Some((module, file)) = asks.build_again.take() {
            if preferences.module_files.contains(&file) {
                self.send(Order::Watch(file, module));
            } else {
                // To build is to run a command. Whose, a patch from a stranger may say.
                let file = file.display();
                said.push(format!("{file} was never opened here. Open it by hand to build it."));
            }
        }
        if let (Some(module), Some(folder)) = (asks.new_module.take(), &self.folder) {
            self.send(Order::Create(folder.clone(), module));
        }
        let news: Vec<Told> = self.news.try_iter().collect();
        for told in news {
            if told.module.is_some() {
                preferences.module_files.insert(told.file.clone());
            }
            said.push(self.hear(told, patch, asks));
        }
        said
    }

    fn send(&self, order: Order) {
        // It fails where there is no thread, which was said then.
        let _ = self.orders.send(order);
    }

    fn hear(&self, told: Told, patch: &Patch, asks: &mut Asks) -> String {
        let Told { file, module, text } = told;
        let name = file_title(file.parent().unwrap_or(&file));
        let text = match text {
            Ok(text) => text,
            Err(why) => return why,
        };
        let is_of_it = |text: &str| file_of(text).is_some_and(|of| Path::new(of) == file);
        let own = patch.modules.iter().filter(|(id, there)| {
            let is_own = there.text_form() == Some(Text::Code);
            is_own && (is_of_it(&there.text) || Some(*id) == module.as_ref())
        });
        let own: Vec<_> = own.collect();
        if own.is_empty() {
            self.send(Order::Forget(file));
            return format!("{name} was built, and no module in this patch is made of it.");
        }
        for (id, there) in own {
            if *there.text != *text {
                asks.set_text(id, &text);
            }
        }
        format!("{name} is built, and built again whenever its files change.")
    }
}

/// The thread's own.
struct Bench<W> {
    watched: BTreeMap<PathBuf, Option<SystemTime>>,
    outbox: Sender<Told>,
    wake: W,
}

impl<W: Fn()> Bench<W> {
    fn work(&mut self, inbox: &Receiver<Order>) {
        loop {
            let order = if self.watched.is_empty() {
                inbox.recv().map_err(|_| RecvTimeoutError::Disconnected)
            } else {
                inbox.recv_timeout(GLANCE)
            };
            let has_told = match order {
                Ok(Order::Watch(file, module)) => self.build(file, Some(module)),
                Ok(Order::Create(folder, module)) => self.create(&folder, module),
                Ok(Order::Forget(file)) => {
                    self.watched.remove(&file);
                    Ok(())
                }
                Err(RecvTimeoutError::Timeout) => self.glance(),
                Err(RecvTimeoutError::Disconnected) => return,
            };
            if has_told.is_err() {
                return;
            }
        }
    }

    /// Builds what has changed.
    fn glance(&mut self) -> Result<(), ()> {
        let has_changed = |(file, seen): (&PathBuf, &Option<SystemTime>)| {
            let now = project::changed(file);
            (now.is_some() && now != *seen).then(|| file.clone())
        };
        let changed: Vec<PathBuf> = self.watched.iter().filter_map(has_changed).collect();
        changed.into_iter().try_for_each(|file| self.build(file, None))
    }

    /// What is saved meanwhile is built once more.
    fn build(&mut self, file: PathBuf, module: Option<ModuleId>) -> Result<(), ()> {
        self.watched.insert(file.clone(), project::changed(&file));
        let text = project::text_of(&file).map_err(|error| error.to_string());
        self.tell(Told { file, module, text })
    }

    fn create(&mut self, folder: &Path, module: ModuleId) -> Result<(), ()> {
        let mut projects = (1u32..).map(|number| folder.join(format!("module-{number}")));
        let project = projects.find(|project| !project.exists()).expect("numbers do not end");
        let facts = project.join(project::FACTS_FILE);
        match project::create(&project) {
            Ok(()) => {
                // Where there is no file manager, its place is on the module's face.
                let _ = reveal(&facts);
                self.build(facts, Some(module))
            }
            Err(error) => {
                self.tell(Told { file: facts, module: None, text: Err(error.to_string()) })
            }
        }
    }

    /// Fails where the window is gone.
    fn tell(&self, told: Told) -> Result<(), ()> {
        self.outbox.send(told).map_err(drop)?;
        (self.wake)();
        Ok(())
    }
}

/// Where new projects of this user lie.
pub fn folder_of_this_user() -> Option<PathBuf> {
    let folders = directories::ProjectDirs::from("", "", "sostenuto")?;
    Some(folders.data_dir().join("code"))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use sostenuto_osc::message::Request;
    use sostenuto_patch::{Edit, PatchModule, apply};

    use super::*;

    const BARE: &str = "sostenuto 1\ntitle Bare\noutput out\n";

    /// A project that needs no compiler.
    fn project(folder: &Path, wasm: &[u8]) -> PathBuf {
        fs::create_dir_all(folder).unwrap();
        fs::write(folder.join("made"), wasm).unwrap();
        fs::write(folder.join(project::BUILD_FILE), "cp made module.wasm").unwrap();
        fs::write(folder.join(project::FACTS_FILE), BARE).unwrap();
        folder.join(project::FACTS_FILE)
    }

    struct Room {
        workshop: Workshop,
        patch: Patch,
        preferences: Preferences,
        asks: Asks,
        woken: Receiver<()>,
    }

    impl Room {
        fn new(folder: &Path) -> Room {
            let (wake, woken) = channel();
            let workshop = Workshop::new(Some(folder.to_owned()), move || {
                let _ = wake.send(());
            });
            let mut patch = Patch::default();
            let own = PatchModule::new("code", 0.0, 0.0);
            let id = "own".parse().unwrap();
            apply(&mut patch, Edit::AddModule { id, module: own }).unwrap();
            Room {
                workshop,
                patch,
                preferences: Preferences::default(),
                asks: Asks::default(),
                woken,
            }
        }

        /// Waits for what was built, and does what is asked for.
        fn hear(&mut self) -> String {
            self.poll();
            self.woken.recv_timeout(Duration::from_secs(60)).expect("something was built");
            let said = self.poll();
            for request in self.asks.requests.drain(..) {
                let Request::Edit(edit) = request else { panic!("{request:?}") };
                apply(&mut self.patch, edit).unwrap();
            }
            said
        }

        fn poll(&mut self) -> String {
            let said = self.workshop.poll(&self.patch, &mut self.preferences, &mut self.asks);
            said.concat()
        }

        fn title(&self) -> &'static str {
            self.patch.modules["own"].about().unwrap().title
        }
    }

    #[test]
    fn what_is_saved_is_built_and_what_fails_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut room = Room::new(folder.path());
        let wasm = include_bytes!("../../../dsp-worker/wasm/tests/corpus/wobble-1.wasm");
        let facts = project(&folder.path().join("glow"), wasm);
        room.asks.build = Some(("own".parse().unwrap(), facts.clone()));
        let said = room.hear();
        assert!(said.starts_with("glow is built"), "{said}");
        assert_eq!(room.title(), "Bare");

        fs::write(&facts, BARE.replace("Bare", "Other")).unwrap();
        room.hear();
        assert_eq!(room.title(), "Other");

        fs::write(&facts, "sostenuto 1\ntitel Odd\n").unwrap();
        let said = room.hear();
        assert!(said.contains("line 2"), "{said}");
        assert_eq!(room.title(), "Other");
    }

    #[test]
    fn what_a_patch_names_is_built_only_where_it_was_opened_by_hand() {
        let folder = tempfile::tempdir().unwrap();
        let mut room = Room::new(folder.path());
        let facts = project(&folder.path().join("glow"), b"");
        let again = Some(("own".parse().unwrap(), facts));
        room.asks.build_again.clone_from(&again);
        let said = room.poll();
        assert!(said.contains("never opened here"), "{said}");
        room.asks.build = again.clone();
        room.hear();
        room.asks.build_again = again;
        let said = room.hear();
        assert!(!said.contains("never opened here"), "{said}");
    }

    #[test]
    fn a_new_project_lies_where_none_was() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("module-1")).unwrap();
        let mut room = Room::new(folder.path());
        room.asks.new_module = Some("own".parse().unwrap());
        // Whether it can be built depends on the compilers of this machine.
        room.hear();
        assert!(folder.path().join("module-2").join("module.c").exists());
    }
}
