//! JACK2, with a chain of clients on its dummy driver; one in the middle of the
//! chain is killed.

#![allow(unsafe_code, reason = "the server is a process that is started and killed")]

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use ::jack::contrib::ClosureProcessHandler;
use ::jack::{AudioIn, AudioOut, Client, ClientOptions, Control, ProcessScope};
use sostenuto_benches::is_quick;
use sostenuto_benches::rigs::RATE_HZ;
use sostenuto_benches::samples::Samples;
use sostenuto_benches::table::{Row, Table};

use super::BLOCK_FRAMES;

const CLIENTS: usize = 8;
const VICTIM: usize = CLIENTS / 2;

/// Over how long it is counted what is lost.
const AFTER: Duration = Duration::from_secs(2);

/// How long servers and clients may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Says to this program, started anew, which client of the chain it is.
const CLIENT: &str = "SOSTENUTO_BENCH_JACK_CLIENT";

/// Whether this process is one of the chain.
pub fn is_client() -> bool {
    std::env::var_os(CLIENT).is_some()
}

fn name(index: usize) -> String {
    format!("chain-{index}")
}

fn connect(name: &str) -> Result<Client, ::jack::Error> {
    ::jack::set_logger(::jack::LoggerType::None);
    Client::new(name, ClientOptions::NO_START_SERVER).map(|(client, _)| client)
}

/// Lives as one client of the chain: the first makes a steady signal, each other
/// passes on what it hears. Until its standard input ends.
pub fn be_client() {
    let index: usize = std::env::var(CLIENT).ok().and_then(|it| it.parse().ok()).unwrap_or(0);
    let client = connect(&name(index)).unwrap_or_else(|error| panic!("{error}"));
    let input = client.register_port("in", AudioIn::default()).expect("a port");
    let mut output = client.register_port("out", AudioOut::default()).expect("a port");
    let process = move |_: &Client, scope: &ProcessScope| {
        let out = output.as_mut_slice(scope);
        if index == 0 {
            out.fill(0.5)
        } else {
            out.copy_from_slice(input.as_slice(scope))
        }
        Control::Continue
    };
    let client = client.activate_async((), ClosureProcessHandler::new(process)).expect("it runs");
    say("ready");
    let _ = std::io::stdin().read_line(&mut String::new());
    drop(client);
}

#[expect(clippy::print_stdout, reason = "the bench waits for it")]
fn say(word: &str) {
    println!("{word}");
}

/// Prints what the output of the chain loses.
pub fn measure(table: &Table) {
    let runs = if is_quick() { 1 } else { 5 };
    let [mut lost, mut gap] = [(); 2].map(|()| Samples::default());
    let mut returned = 0;
    for run in 0..runs {
        match lose(run) {
            Ok(loss) => {
                lost.push(loss.frames as f64);
                gap.push(loss.stalled_frames as f64);
                returned += usize::from(loss.has_returned);
            }
            Err(error) => return table.note(&format!("JACK2 is not measured: {error}")),
        }
    }
    let what = format!(
        "JACK2: frames lost in {} s, client {} of {CLIENTS} killed once",
        AFTER.as_secs(),
        VICTIM + 1
    );
    table.row(&Row::median(&what, "", &lost));
    table.row(&Row::median("JACK2: of these, frames in which nothing ran at all", "", &gap));
    table.note(&format!("JACK2: the signal had come back in {returned} of {runs} runs"));
}

struct Loss {
    /// Frames of the time after the kill in which the signal was not there.
    frames: u64,
    /// Those of them for which the server did not call its clients.
    stalled_frames: u64,
    /// Whether it was there at the end of that time.
    has_returned: bool,
}

/// What the end of the chain hears.
#[derive(Default)]
struct Ear {
    frames: AtomicU64,
    with_signal: AtomicU64,
}

/// A process that ends with this.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // A client leaves when its input ends, the server when it is asked to;
        // killed, they would leave their shared memory.
        if self.0.stdin.take().is_none() {
            // SAFETY: it touches no memory; the child has not been waited for, so
            // its number is nobody else's.
            unsafe {
                libc::kill(self.0.id() as libc::pid_t, libc::SIGTERM);
            }
        }
        let is_gone = || self.0.try_wait().ok().flatten();
        let _ = until("it leaves", is_gone);
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn lose(run: usize) -> Result<Loss, String> {
    let server = format!("sostenuto-bench-{}-{run}", std::process::id());
    // SAFETY: before the first client of this run; no other thread of this
    // program reads the environment meanwhile.
    unsafe {
        std::env::set_var("JACK_DEFAULT_SERVER", &server);
        std::env::set_var("JACK_NO_AUDIO_RESERVATION", "1");
    }
    let _server = start_server(&server)?;
    let ear = Arc::<Ear>::default();
    let listener = until("the server answers", || connect("ear").ok())?;
    let input = listener.register_port("in", AudioIn::default()).map_err(|it| it.to_string())?;
    let heard = Arc::clone(&ear);
    let process = move |_: &Client, scope: &ProcessScope| {
        let frames = input.as_slice(scope);
        let with_signal = frames.iter().filter(|sample| **sample != 0.0).count();
        heard.frames.fetch_add(frames.len() as u64, Relaxed);
        heard.with_signal.fetch_add(with_signal as u64, Relaxed);
        Control::Continue
    };
    let listener = listener.activate_async((), ClosureProcessHandler::new(process));
    let listener = listener.map_err(|it| it.to_string())?;
    let mut chain = (0..CLIENTS).map(start_client).collect::<Result<Vec<Running>, String>>()?;
    let client = listener.as_client();
    for index in 0..CLIENTS {
        let next = if index + 1 < CLIENTS { name(index + 1) } else { "ear".to_owned() };
        let (from, to) = (format!("{}:out", name(index)), format!("{next}:in"));
        client.connect_ports_by_name(&from, &to).map_err(|it| it.to_string())?;
    }
    let before = ear.with_signal.load(Relaxed);
    let some = u64::from(RATE_HZ) / 4;
    until("the chain is heard", || (ear.with_signal.load(Relaxed) > before + some).then_some(()))?;

    let marks = || (ear.frames.load(Relaxed), ear.with_signal.load(Relaxed));
    let (frames, with_signal) = marks();
    let began = Instant::now();
    chain[VICTIM].0.kill().map_err(|it| it.to_string())?;
    std::thread::sleep(AFTER.saturating_sub(began.elapsed()));
    let (all, good) = marks();
    let expected = AFTER.as_secs() * u64::from(RATE_HZ);
    std::thread::sleep(AFTER / 4);
    Ok(Loss {
        frames: expected.saturating_sub(good - with_signal),
        stalled_frames: expected.saturating_sub(all - frames),
        has_returned: ear.with_signal.load(Relaxed) > good,
    })
}

fn start_server(name: &str) -> Result<Running, String> {
    let (rate, frames) = (RATE_HZ.to_string(), BLOCK_FRAMES.to_string());
    let mut command = Command::new("jackd");
    command.args(["-n", name, "-r", "-d", "dummy", "-r", &rate, "-p", &frames]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let server = command.spawn().map_err(|it| format!("jackd does not start ({it})"))?;
    Ok(Running(server))
}

fn start_client(index: usize) -> Result<Running, String> {
    let own = std::env::current_exe().map_err(|it| it.to_string())?;
    let mut command = Command::new(own);
    command.env(CLIENT, index.to_string()).stdin(Stdio::piped()).stdout(Stdio::piped());
    command.stderr(Stdio::null());
    let mut client = Running(command.spawn().map_err(|it| it.to_string())?);
    let mut said = String::new();
    let out = client.0.stdout.take().expect("it was asked for");
    let _ = BufReader::new(out).read_line(&mut said);
    if said.trim() == "ready" { Ok(client) } else { Err(format!("client {index} does not run")) }
}

fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> Result<T, String> {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return Ok(found);
        }
        if began.elapsed() > PATIENCE {
            return Err(format!("not within {} s: {what}", PATIENCE.as_secs()));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}
