//! Patches, and a host that plays one and can be asked.

use std::sync::Arc;

use rosc::{OscMessage, OscType};
use sostenuto_host::control::{Control, SharedControl};
use sostenuto_host::player::{Player, Settings};
use sostenuto_host::pool::Crew;
use sostenuto_host::render::{self, ComputedBy, Render};
use sostenuto_host::sound_card::device::Output;
use sostenuto_osc::client::Client;
use sostenuto_osc::endpoint::Endpoint;
use sostenuto_osc::stream::Server;
use sostenuto_patch::{Edit, Patch, PatchModule, apply};

/// The rate of everything here, in Hz.
pub const RATE_HZ: u32 = 48_000;

/// How long a block lasts, in seconds.
pub fn block_secs(block_frames: u32) -> f64 {
    f64::from(block_frames) / f64::from(RATE_HZ)
}

/// A patch of modules, `"vco-1 vco octave=-1 fine=3"` each, and cables,
/// `"vco-1.saw -> out.left"` each.
///
/// # Panics
/// Where it is no patch.
pub fn patch<M: AsRef<str>, C: AsRef<str>>(modules: &[M], cables: &[C]) -> Patch {
    let mut patch = Patch::default();
    for line in modules {
        let mut words = line.as_ref().split_whitespace();
        let id = words.next().expect("an id").parse().expect("an id");
        let mut module = PatchModule::new(words.next().expect("a kind"), 0.0, 0.0);
        for setting in words {
            let (param, value) = setting.split_once('=').expect("param=value");
            module.params.insert(param.into(), value.parse().expect("a number"));
        }
        patch.modules.insert(id, module);
    }
    for cable in cables {
        let connect = Edit::Connect(cable.as_ref().parse().expect("a cable"));
        apply(&mut patch, connect).expect("a cable of these modules");
    }
    patch.check().expect("a patch");
    patch
}

/// Eight voices that play by themselves into a reverb: vco, ladder and vca
/// each, moved by an lfo and an adsr of their own.
pub fn eight_voices() -> Patch {
    let mut modules = vec!["plate reverb mix=0.3".to_owned(), "out audio-out level=-12".to_owned()];
    let mut cables = vec!["plate.left -> out.left".to_owned(), "plate.right -> out.right".into()];
    for voice in 1..=8 {
        modules.push(format!("vco-{voice} vco tune={voice} octave=-1"));
        modules.push(format!("lfo-{voice} lfo rate=0.{voice}"));
        modules.push(format!("ladder-{voice} ladder cutoff=600 resonance=0.5 cutoff-amount=0.3"));
        modules.push(format!("adsr-{voice} adsr attack=0.1 release=0.5"));
        modules.push(format!("vca-{voice} vca level=0.2"));
        cables.push(format!("vco-{voice}.saw -> ladder-{voice}.in"));
        cables.push(format!("lfo-{voice}.sine -> ladder-{voice}.cutoff"));
        cables.push(format!("lfo-{voice}.square -> adsr-{voice}.gate"));
        cables.push(format!("ladder-{voice}.lowpass -> vca-{voice}.in"));
        cables.push(format!("adsr-{voice}.env -> vca-{voice}.cv"));
        cables.push(format!("vca-{voice}.out -> plate.left"));
    }
    patch(&modules, &cables)
}

/// Settings of a player on the silent clock, with eight workers.
pub fn settings(block_frames: u32, ahead: u32, program: &str) -> Settings {
    Settings {
        sample_rate_hz: RATE_HZ,
        block_frames,
        ahead,
        crashes: None,
        crew: Crew::default(),
        program: program.into(),
        output: Output::SilentClock,
        quarantined: Vec::new(),
    }
}

/// A patch ready to be rendered.
///
/// # Panics
/// Where it is not.
pub fn render(patch: &Patch, block_frames: u32, computed_by: ComputedBy) -> Render {
    let settings = render::Settings { sample_rate_hz: RATE_HZ, block_frames, computed_by };
    Render::new(patch, &settings).unwrap_or_else(|error| panic!("{error}"))
}

/// A player under control, and an editor that is connected to it.
pub struct Host {
    /// The editor's end of the local stream.
    pub client: Client,
    /// The patch, for whoever needs no stream.
    pub control: Arc<SharedControl<Player>>,
    _server: Server,
    // Last: it is removed when the server has ended.
    _folder: tempfile::TempDir,
}

impl Host {
    /// Puts a player that plays `patch` under control.
    ///
    /// # Panics
    /// Where that cannot be.
    pub fn start(patch: Patch, player: Player) -> Host {
        let folder = tempfile::tempdir().expect("a folder for the socket");
        let endpoint = Endpoint::at(folder.path().join("host.sock"));
        let control = Control::new(patch, player).unwrap_or_else(|error| panic!("{error}"));
        let control = SharedControl::new(control);
        let server = Server::start(&endpoint, Arc::clone(&control));
        let server = server.unwrap_or_else(|error| panic!("{error}"));
        let client = Client::connect(&endpoint).unwrap_or_else(|error| panic!("{error}"));
        Host { client, control, _server: server, _folder: folder }
    }

    /// Waits until the host has done all that it was asked.
    ///
    /// # Panics
    /// Where it answers something else.
    pub fn sync(&mut self, id: i32) {
        let answer = self.client.request(message("/sync", [OscType::Int(id)]));
        let answer = answer.expect("the host answers");
        assert_eq!((&*answer.addr, &answer.args[..]), ("/synced", &[OscType::Int(id)][..]));
    }
}

/// A message.
pub fn message(address: &str, args: impl IntoIterator<Item = OscType>) -> OscMessage {
    OscMessage { addr: address.to_owned(), args: args.into_iter().collect() }
}
