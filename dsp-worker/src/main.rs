//! The worker process. The host starts it; nobody else does.

fn main() -> std::process::ExitCode {
    dsp_worker::process::main()
}
