//! Thousands of edits of every kind, by one hand and by two, while it plays:
//! host and editors have the same patch, all of it can be taken back, nothing
//! clicks.
//!
//! `FUZZ_EDITS=10000 cargo test -p sostenuto-tests --test fuzz_edits -- --nocapture`
//! does more of them, and says how it went.

use std::f32::consts::TAU;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use rosc::{OscMessage, OscType};
use sostenuto_dsp::random::Random;
use sostenuto_editor::patching;
use sostenuto_host::control::sound::ChangeSound;
use sostenuto_host::control::{Control, SharedControl};
use sostenuto_host::player::{Keeping, Player, Settings};
use sostenuto_host::pool::Crew;
use sostenuto_host::sound_card::device::Output;
use sostenuto_modules::catalog::well_behaved;
use sostenuto_modules::module::About;
use sostenuto_osc::client::Client;
use sostenuto_osc::endpoint::Endpoint;
use sostenuto_osc::message::history::{BeginGesture, EndGesture, Go, History, Redo, Undo};
use sostenuto_osc::message::host::Sync;
use sostenuto_osc::message::param::{SetParam, Value};
use sostenuto_osc::message::record::WavFormat;
use sostenuto_osc::message::{Report, Request, patch};
use sostenuto_osc::mirror::{Mirror, Mirrored};
use sostenuto_osc::stream::Server;
use sostenuto_patch::edit::Move;
use sostenuto_patch::{
    Cable, Comment, Edit, Group, InputRef, ModuleId, OutputRef, Part, Patch, PatchModule, apply,
    followed,
};
use sostenuto_tests::{RATE_HZ, factory_patches, module, patch};

const WORKER: &str = env!("CARGO_BIN_EXE_test-worker");
const BLOCK: u32 = 128;
/// Edits of a test that is told no number.
const EDITS: usize = 1000;
/// How long something may take that takes no time on a quiet machine.
const PATIENCE: Duration = Duration::from_secs(60);

fn edits() -> usize {
    let told = std::env::var("FUZZ_EDITS").ok();
    told.map_or(EDITS, |edits| edits.parse().expect("FUZZ_EDITS is a number"))
}

#[test]
fn one_editor_does_anything_and_the_host_has_the_same_patch() {
    let (_, start) = factory_patches().remove(0);
    Fuzz::new(start, Rack::wild(), 1, 1).run(edits());
}

#[test]
fn two_editors_do_anything_and_both_have_the_hosts_patch() {
    let (_, start) = factory_patches().remove(1);
    Fuzz::new(start, Rack::wild(), 2, 2).run(edits());
}

#[test]
fn any_edits_of_two_editors_are_heard_without_a_click() {
    let ear = patch(&module("ear", "audio-out", r#""level": -20"#), &[]);
    let fuzz = Fuzz::new(ear, Rack::tame(), 2, 3);
    let wav = fuzz.host.folder.path().join("heard.wav");
    let remote = fuzz.host.control.lock().sound().recorder();
    remote.expect("it records").start(&wav, WavFormat::F32).expect("a writable folder");
    let folder = fuzz.run(edits());
    let step = largest_step(&wav);
    // The loudest that six modules can be are three sines, each straight to the
    // ear and through three amps, which may be bypassed. 5 V at -20 dB is 0.05
    // of full scale. A cable and a module may fade together.
    let amplitude = 0.05 * 3.0 * (1.0 + 3.0);
    let bound = amplitude * (TAU * LOW_HZ / RATE_HZ as f32 + 2.0 / FADE_FRAMES);
    eprintln!("the largest step was {step:.4}, and may be {bound:.4}");
    assert!(step > 0.0, "it was heard");
    assert!(step < bound, "a step of {step}, not {bound}");
    drop(folder);
}

#[test]
fn a_switch_is_not_thrown_in_another_kind_that_has_its_modules_name_by_then() {
    let mut fuzz = Fuzz::new(patch("", &[]), Rack::tame(), 1, 4);
    let id: ModuleId = "it".parse().expect("a name");
    let added = |kind: &str| {
        let module = PatchModule::new(kind, 0.0, 0.0);
        Request::Edit(Edit::AddModule { id: id.clone(), module })
    };
    let removed = Request::Edit(Edit::RemoveModule { id: id.clone() });
    let (param, value) = ("oversample".into(), Value::Number(1.0));
    let thrown = SetParam { module: id.clone(), param, value, gesture: 0 };
    let thrown = Request::SetParam(thrown);
    for _ in 0..30 {
        // Quicker than a plan is made: the switch waits for one that never comes.
        let hand = &mut fuzz.hands[0];
        for request in [&added("vco"), &thrown, &removed, &added("attenuverter"), &removed] {
            hand.ask(request);
        }
        hand.sync();
        fuzz.listen();
    }
    fuzz.all_have_the_same();
}

/// Two octaves below C4.
const LOW_HZ: f32 = 65.406;
/// A cable or a module comes and goes over this time, in frames.
const FADE_FRAMES: f32 = 0.005 * RATE_HZ as f32;

fn largest_step(wav: &Path) -> f32 {
    let mut reader = hound::WavReader::open(wav).expect("a recording");
    let samples: Vec<f32> = reader.samples().map(|sample| sample.expect("a whole file")).collect();
    let frames = samples.chunks_exact(2).zip(samples.chunks_exact(2).skip(1));
    let steps = frames.flat_map(|(a, b)| [0, 1].map(|side| (b[side] - a[side]).abs()));
    steps.fold(0.0, f32::max)
}

/// A player under control, on the silent clock.
struct Host {
    control: Arc<SharedControl<Player>>,
    endpoint: Endpoint,
    server: Server,
    // Last: it is removed when the server has ended.
    folder: tempfile::TempDir,
}

impl Host {
    fn start(patch: &Patch) -> Host {
        let folder = tempfile::tempdir().expect("a folder");
        let settings = Settings {
            sample_rate_hz: RATE_HZ,
            block_frames: BLOCK,
            ahead: 4,
            crashes: None,
            crew: Crew::of(2),
            program: WORKER.into(),
            output: Output::SilentClock,
            quarantined: Vec::new(),
        };
        let keeping = Keeping { remembered: Some(Duration::ZERO), ..Keeping::default() };
        let player = Player::resume(patch, settings, keeping, |_| {});
        let player = player.unwrap_or_else(|error| panic!("{error}"));
        let control = Control::new(patch.clone(), player).expect("a patch that keeps the rules");
        let control = SharedControl::new(control);
        let endpoint = Endpoint::at(folder.path().join("host.sock"));
        let server = Server::start(&endpoint, Arc::clone(&control));
        let server = server.unwrap_or_else(|error| panic!("{error}"));
        Host { control, endpoint, server, folder }
    }

    fn patch(&self) -> Patch {
        self.control.lock().patch().clone()
    }

    fn blocks(&self) -> u64 {
        self.control.lock().sound().engine_status().blocks.load(Relaxed)
    }

    fn xruns(&self) -> u64 {
        self.control.lock().sound().xruns()
    }
}

/// What hands find, and how far they go.
struct Rack {
    kinds: Vec<&'static About>,
    /// Names for modules: as many as there are, there can be.
    names: usize,
    /// Patches that take the place of the one that plays.
    patches: Vec<Patch>,
    /// Only low sines, amps and an ear that stays: so the loudest is known.
    is_tame: bool,
}

impl Rack {
    fn wild() -> Rack {
        let kinds = well_behaved().map(|entry| entry.about).collect();
        let patches = factory_patches().into_iter().map(|(_, patch)| patch).collect();
        Rack { kinds, names: 16, patches, is_tame: false }
    }

    fn tame() -> Rack {
        let named = |about: &&About| ["vco", "attenuverter"].contains(&about.name);
        let kinds = well_behaved().map(|entry| entry.about).filter(named).collect();
        Rack { kinds, names: 6, patches: Vec::new(), is_tame: true }
    }

    fn allows(&self, patch: &Patch, cable: &Cable) -> bool {
        let kind = |id: &ModuleId| patch.modules.get(id).map(|module| &*module.kind);
        let ports = (&*cable.from.port, &*cable.to.port);
        match (kind(&cable.from.module), kind(&cable.to.module)) {
            (from, Some("attenuverter")) => from == Some("vco") && ports == ("sine", "in"),
            (from, Some("audio-out")) => {
                ports.1 == "left" && (from != Some("vco") || ports.0 == "sine")
            }
            _ => false,
        }
    }
}

/// An editor and its hand.
struct Hand {
    client: Client,
    mirror: Mirror,
    /// The mirror's patch with what was asked for since.
    guess: Patch,
    has_gesture: bool,
    refused: usize,
    done: usize,
    /// Steps that can be undone.
    steps: u32,
}

struct Fuzz {
    host: Host,
    rack: Rack,
    random: Random,
    hands: Vec<Hand>,
    start: Patch,
}

impl Fuzz {
    fn new(start: Patch, rack: Rack, hands: usize, seed: u64) -> Fuzz {
        let host = Host::start(&start);
        let hands = (0..hands).map(|_| Hand::at(&host.endpoint)).collect();
        Fuzz { host, rack, random: Random::new(seed), hands, start }
    }

    /// Does so many edits, and takes them all back. Returns the folder of what
    /// was recorded, when the host has ended.
    fn run(mut self, edits: usize) -> tempfile::TempDir {
        let (began, blocks, xruns) = (Instant::now(), self.host.blocks(), self.host.xruns());
        let (mut asked, mut turns) = (0, 0);
        while asked < edits {
            for hand in &mut self.hands {
                let count = 1 + self.random.bits() as usize % 24;
                hand.work(&self.rack, &mut self.random, count);
                asked += count;
            }
            self.hands.iter_mut().for_each(Hand::hear_until_synced);
            self.listen();
            turns += 1;
            if turns % 8 == 0 {
                self.all_have_the_same();
            }
        }
        let took = (began.elapsed(), self.host.blocks() - blocks, self.host.xruns() - xruns);
        self.all_have_the_same();
        let steps = self.hands[0].steps;
        self.take_back();
        self.tell(asked, steps, took);
        let Fuzz { host: Host { control, server, folder, .. }, hands, .. } = self;
        drop(hands);
        drop(server);
        drop(control);
        folder
    }

    /// Lets it play a few blocks, or none.
    fn listen(&mut self) {
        let until = self.host.blocks() + u64::from(self.random.bits() % 12);
        let began = Instant::now();
        while self.host.blocks() < until {
            assert!(began.elapsed() < PATIENCE, "it does not play");
            self.hands[0].sync();
        }
    }

    #[track_caller]
    fn all_have_the_same(&mut self) {
        // What one has done by now, the others hear before the next answer.
        for _ in 0..2 {
            self.hands.iter_mut().for_each(Hand::sync);
        }
        let patch = self.host.patch();
        patch.check().expect("a patch that keeps the rules");
        for hand in &mut self.hands {
            assert!(hand.mirror.is_in_step());
            assert_eq!(*hand.mirror.patch(), patch);
            hand.guess.clone_from(&patch);
        }
    }

    /// Everything is taken back at once, made again, and taken back in steps.
    fn take_back(&mut self) {
        let end = self.host.patch();
        for hand in &mut self.hands {
            if std::mem::take(&mut hand.has_gesture) {
                hand.ask(&Request::EndGesture(EndGesture {}));
            }
        }
        self.all_have_the_same();
        let steps = self.hands[0].steps;
        for (steps, patch) in [(0, self.start.clone()), (steps, end)] {
            self.hands[0].ask(&Request::GoTo(Go { undos: steps }));
            self.all_have_the_same();
            assert_eq!(self.host.patch(), patch, "after {steps} steps");
        }
        let refused = self.hands[0].refused;
        while self.hands[0].refused == refused {
            (0..50).for_each(|_| self.hands[0].ask(&Request::Undo(Undo::default())));
            self.hands.iter_mut().for_each(Hand::sync);
        }
        self.all_have_the_same();
        assert_eq!(self.host.patch(), self.start);
    }

    /// How it went, and how it goes where nobody edits.
    fn tell(&mut self, asked: usize, steps: u32, (time, blocks, xruns): (Duration, u64, u64)) {
        let [done, refused] = [|hand: &Hand| hand.done, |hand: &Hand| hand.refused]
            .map(|count| self.hands.iter().map(count).sum::<usize>());
        assert!(done > refused, "{done} edits were done, {refused} refused");
        let (calm, calm_xruns) = (self.host.blocks() + blocks, self.host.xruns());
        while self.host.blocks() < calm {
            self.hands[0].sync();
        }
        let calm_xruns = self.host.xruns() - calm_xruns;
        eprintln!(
            "{asked} edits by {} hands in {time:.1?}: {steps} steps, {refused} refused; \
             {xruns} xruns in {blocks} blocks, {calm_xruns} in as many without edits",
            self.hands.len(),
        );
    }
}

impl Hand {
    fn at(endpoint: &Endpoint) -> Hand {
        let client = Client::connect(endpoint).unwrap_or_else(|error| panic!("{error}"));
        // Named pipes have none.
        #[cfg(unix)]
        client.set_timeout(Some(PATIENCE)).expect("a socket");
        let mut hand = Hand {
            client,
            mirror: Mirror::default(),
            guess: Patch::default(),
            has_gesture: false,
            refused: 0,
            done: 0,
            steps: 0,
        };
        hand.send(OscMessage {
            addr: "/reports/subscribe".to_owned(),
            args: vec![OscType::String("patch".to_owned())],
        });
        hand.ask(&Request::GetPatch(patch::Get {}));
        hand.sync();
        hand.guess = hand.mirror.patch().clone();
        hand
    }

    fn send(&mut self, message: OscMessage) {
        self.client.send(message).expect("the host listens");
    }

    fn ask(&mut self, request: &Request) {
        request.messages().into_iter().for_each(|message| self.send(message));
    }

    fn sync(&mut self) {
        self.ask(&Request::Sync(Sync { id: 7 }));
        self.hear_until_synced();
    }

    fn hear_until_synced(&mut self) {
        loop {
            let message = self.client.recv().expect("the host answers");
            let report = Report::read(message).expect("it is declared");
            match &report {
                Report::Synced(_) => return,
                Report::Refused(_) => self.refused += 1,
                Report::History(History { undos, .. }) => self.steps = *undos,
                _ => {}
            }
            match self.mirror.follow(report) {
                // Much was taken back at once: the whole patch says it shorter.
                Mirrored::Lost => self.ask(&Request::GetPatch(patch::Get {})),
                Mirrored::Edit(_) => self.done += 1,
                Mirrored::Whole | Mirrored::Nothing => {}
            }
        }
    }

    /// Asks for so many things, and for a sign when they are done.
    fn work(&mut self, rack: &Rack, random: &mut Random, count: usize) {
        for _ in 0..count {
            self.ask_for_something(rack, random);
        }
        self.ask(&Request::Sync(Sync { id: 7 }));
        self.client.flush().expect("the host listens");
    }

    fn ask_for_something(&mut self, rack: &Rack, random: &mut Random) {
        match random.bits() % 100 {
            0..6 => self.ask(&Request::Undo(Undo::default())),
            6..10 => self.ask(&Request::Redo(Redo::default())),
            10..14 => {
                self.has_gesture ^= true;
                let is_begun = self.has_gesture;
                self.ask(if is_begun {
                    &Request::BeginGesture(BeginGesture {})
                } else {
                    &Request::EndGesture(EndGesture {})
                });
            }
            14..19 => self.nonsense(random),
            19..50 => self.turn(rack, random),
            _ => {
                let Some(edit) = any_edit(&self.guess, rack, random) else { return };
                let is_group = matches!(edit, Edit::Several(_)) && !self.has_gesture;
                let done = followed(&self.guess, &edit);
                let _ = done.and_then(|done| apply(&mut self.guess, done));
                if is_group {
                    self.ask(&Request::BeginGesture(BeginGesture {}));
                }
                self.ask(&Request::Edit(edit));
                if is_group {
                    self.ask(&Request::EndGesture(EndGesture {}));
                }
            }
        }
    }

    /// A knob, alone or as a part of a turn.
    fn turn(&mut self, rack: &Rack, random: &mut Random) {
        let Some((module, there)) = pick(random, self.guess.modules.iter()) else { return };
        let about = there.about().expect("a kind");
        let may_turn = |name: &str| !rack.is_tame || ["gain", "tune"].contains(&name);
        let params = about.params.iter().filter(|param| may_turn(param.name));
        let Some(param) = pick(random, params) else { return };
        let (low, high) = match (rack.is_tame, param.name) {
            (true, "gain") => (-0.5, 0.5),
            (true, _) => (-12.0, 0.0),
            (false, _) => (*param.range.start(), *param.range.end()),
        };
        let value = Value::Number(low + (high - low) * random.unipolar());
        let gesture = (random.bits() % 4) as i32;
        let (module, param) = (module.clone(), param.name.into());
        self.ask(&Request::SetParam(SetParam { module, param, value, gesture }));
    }

    /// What no host does.
    fn nonsense(&mut self, random: &mut Random) {
        let text = |words: &str| OscType::String(words.to_owned());
        let (addr, args) = match random.bits() % 7 {
            0 => ("/module/remove", vec![text("nobody")]),
            1 => ("/module/add", vec![text("new"), text("vcoo"), 0.0f32.into(), 0.0f32.into()]),
            2 => ("/module/rename", vec![text("nobody"), text("somebody")]),
            3 => ("/cable/connect", vec![text("nobody.out"), text("ear.left")]),
            4 => ("/param/set", vec![text("ear"), text("level"), f32::NAN.into()]),
            5 => ("/patch/put", vec![OscType::Blob(b"{\"sostenuto\": 1, ".to_vec())]),
            _ => ("/module/explode", vec![]),
        };
        self.send(OscMessage { addr: addr.to_owned(), args });
    }
}

/// One of them, if there is any.
fn pick<T>(random: &mut Random, from: impl Iterator<Item = T>) -> Option<T> {
    let mut all: Vec<T> = from.collect();
    let index = (random.bits() as usize).checked_rem(all.len())?;
    Some(all.swap_remove(index))
}

fn name(rack: &Rack, random: &mut Random) -> ModuleId {
    format!("m-{}", random.bits() as usize % rack.names).parse().expect("a name")
}

fn place(random: &mut Random) -> f32 {
    (random.bipolar() * 2000.0).round()
}

/// An edit, which may be one that cannot be done.
fn any_edit(patch: &Patch, rack: &Rack, random: &mut Random) -> Option<Edit> {
    let stays = |id: &ModuleId| rack.is_tame && id.as_str() == "ear";
    let loose = |random: &mut Random| pick(random, patch.modules.keys().filter(|id| !stays(id)));
    Some(match random.bits() % 59 {
        0..9 => added(rack, random),
        9..14 => Edit::RemoveModule { id: loose(random)?.clone() },
        14..25 => Edit::Connect(any_cable(patch, rack, random)?),
        25..31 => Edit::Disconnect(pick(random, patch.cables.iter())?.clone()),
        31..34 => {
            let id = loose(random)?.clone();
            Edit::SetBypass { module: id, is_bypassed: random.bits().is_multiple_of(2) }
        }
        34..37 => {
            let module = pick(random, patch.modules.keys())?.clone();
            let (x, y) = (place(random), place(random));
            Edit::MoveModules(vec![Move { module, x, y }])
        }
        37..40 => Edit::RenameModule { id: loose(random)?.clone(), new_id: name(rack, random) },
        40..43 => commented(random),
        43 if random.bits().is_multiple_of(2) => {
            Edit::SetTitle(format!("title {}", random.bits() % 9))
        }
        43 => Edit::SetDescription(format!("description {}", random.bits() % 9)),
        44 => delayed(patch, random)?,
        45 if random.bits().is_multiple_of(8) => {
            Edit::Replace(Box::new(pick(random, rack.patches.iter())?.clone()))
        }
        45..49 => several(patch, rack, random)?,
        49..55 => in_groups(patch, random)?,
        55..58 => in_scenes(patch, random)?,
        _ if random.bits().is_multiple_of(8) && !rack.is_tame => Edit::Replace(Box::default()),
        _ => added(rack, random),
    })
}

/// Modules made one, a group that is moved, linked or taken apart, or a part that is shown
/// on its face, named or put on stage.
fn in_groups(patch: &Patch, random: &mut Random) -> Option<Edit> {
    let group = pick(random, patch.groups.keys());
    Some(match random.bits() % 9 {
        0 | 1 => {
            let level = pick(random, patch.groups.keys().map(Some).chain([None]))?;
            let here = patch.modules.iter().filter(|(_, module)| module.group.as_ref() == level);
            let half = here.map(|(id, _)| id).filter(|_| random.bits().is_multiple_of(2));
            let half: Vec<&ModuleId> = half.collect();
            patch.grouped(half, level, "half", (place(random), place(random))).1
        }
        2 => patch.ungrouped(group?).ok()?,
        3 => {
            let (id, x) = (group?.clone(), place(random));
            let group = Group {
                x,
                inside: pick(random, patch.groups.keys()).cloned(),
                ..patch.groups[&id].clone()
            };
            Edit::SetGroup { id, group: Some(group) }
        }
        4 | 5 => {
            let id = group?.clone();
            let link = pick(random, [None, Some("one"), Some("other")].into_iter())?;
            // Copies in copies grow fast.
            let is_full = patch.modules.len() > 24;
            let link = link.filter(|link| !is_full && patch.linked(link).count() < 3);
            let link = link.map(Into::into);
            let group = Group { link, ..patch.groups[&id].clone() };
            Edit::SetGroup { id, group: Some(group) }
        }
        6 => {
            let (id, module) = pick(random, patch.modules.iter())?;
            let param = pick(random, module.about().ok()?.params.iter())?.name;
            let title = pick(random, ["", "one", "other"].into_iter())?.to_owned();
            Edit::SetPartTitle { module: id.clone(), part: Part::Param(param.into()), title }
        }
        7 => {
            let (id, module) = pick(random, patch.modules.iter())?;
            let part = Part::Param(pick(random, module.about().ok()?.params.iter())?.name.into());
            match random.bits() % 3 {
                0 => patch.taken_off_stage([(id.clone(), part)]),
                1 => patch.put_on_stage([(id.clone(), part)]),
                _ => patch.arranged_stage(patch.stage().into_iter().rev()),
            }
        }
        _ => {
            let (id, module) = pick(random, patch.modules.iter())?;
            let param = pick(random, module.about().ok()?.params.iter())?.name;
            let (part, levels) = (Part::Param(param.into()), (random.bits() % 3) as u8);
            Edit::SetShown { module: id.clone(), part, levels }
        }
    })
}

/// Knobs kept as a scene, brought back, or set between two; or a scene that goes.
fn in_scenes(patch: &Patch, random: &mut Random) -> Option<Edit> {
    let scene = pick(random, patch.scenes.keys().copied());
    Some(match random.bits() % 4 {
        0 => {
            let half = patch.modules.keys().filter(|_| random.bits().is_multiple_of(2));
            let half: Vec<&ModuleId> = half.collect();
            patch.kept_scene(1 + (random.bits() % 5) as u8, "half", half)
        }
        1 => patch.recalled(scene?).ok()?,
        2 => patch.morphed(scene?, pick(random, patch.scenes.keys().copied())?, 0.5).ok()?,
        _ => patch.without_scene(scene?),
    })
}

/// A delay that moves to another cable of its loop, where there is a loop; or a
/// mark alone, which may be refused.
fn delayed(patch: &Patch, random: &mut Random) -> Option<Edit> {
    let looped = patch.looped();
    let cable = pick(random, looped.iter())?;
    if random.bits().is_multiple_of(2) {
        return patching::delay_instead(patch, cable);
    }
    let is_delayed = random.bits().is_multiple_of(2);
    Some(Edit::SetDelay { cable: (*cable).clone(), is_delayed })
}

fn added(rack: &Rack, random: &mut Random) -> Edit {
    let kind = pick(random, rack.kinds.iter()).expect("there are kinds");
    let mut module = PatchModule::new(kind.name, place(random), place(random));
    if rack.is_tame {
        let (param, value) = if kind.name == "vco" { ("octave", -2.0) } else { ("gain", 0.5) };
        module.params.insert(param.into(), value);
    }
    Edit::AddModule { id: name(rack, random), module }
}

fn any_cable(patch: &Patch, rack: &Rack, random: &mut Random) -> Option<Cable> {
    if rack.is_tame {
        return pick(random, all_cables(patch).filter(|cable| rack.allows(patch, cable)));
    }
    let (from, from_kind) = pick(random, patch.modules.iter())?;
    let (to, to_kind) = pick(random, patch.modules.iter())?;
    let output = pick(random, from_kind.about().ok()?.outputs.iter())?.name.into();
    let input = pick(random, to_kind.about().ok()?.inputs.iter())?.name.into();
    Some(Cable {
        from: OutputRef { module: from.clone(), port: output },
        to: InputRef { module: to.clone(), port: input },
    })
}

fn all_cables(patch: &Patch) -> impl Iterator<Item = Cable> {
    let known = || patch.modules.iter().filter_map(|(id, module)| Some((id, module.about().ok()?)));
    let outputs = known().flat_map(|(id, about)| about.outputs.iter().map(move |port| (id, port)));
    outputs.flat_map(move |(from, output)| {
        let inputs =
            known().flat_map(|(id, about)| about.inputs.iter().map(move |port| (id, port)));
        inputs.map(move |(to, input)| Cable {
            from: OutputRef { module: from.clone(), port: output.name.into() },
            to: InputRef { module: to.clone(), port: input.name.into() },
        })
    })
}

fn commented(random: &mut Random) -> Edit {
    let id = format!("c-{}", random.bits() % 5).parse().expect("a name");
    let comment = Comment {
        text: format!("words {}", random.bits() % 9),
        x: place(random),
        y: place(random),
        width: 100.0,
        height: 50.0,
        colour: (random.bits() % 9) as u8,
        group: None,
        twin: 0,
    };
    Edit::SetComment { id, comment: (!random.bits().is_multiple_of(3)).then_some(comment) }
}

/// Several edits, each after the ones before it.
fn several(patch: &Patch, rack: &Rack, random: &mut Random) -> Option<Edit> {
    let mut ahead = patch.clone();
    let mut edits = Vec::new();
    for _ in 0..2 + random.bits() % 4 {
        let edit = match random.bits() % 3 {
            0 => added(rack, random),
            1 => Edit::Connect(any_cable(&ahead, rack, random)?),
            _ => commented(random),
        };
        if apply(&mut ahead, edit.clone()).is_ok() {
            edits.push(edit);
        }
    }
    Some(Edit::Several(edits))
}
