//! Makes the wavetables that come with the program.

use std::path::Path;
use std::{env, fs};

#[path = "src/wavetable/banks.rs"]
mod banks;
#[allow(dead_code, reason = "the host needs the rest")]
#[path = "src/wavetable/chain.rs"]
mod chain;
#[allow(dead_code, reason = "other tables need the rest")]
#[path = "src/const_math.rs"]
mod const_math;
#[allow(dead_code, reason = "modules need the rest")]
#[path = "src/formants.rs"]
mod formants;

use const_math::sin;

#[allow(clippy::print_stdout, clippy::disallowed_macros, reason = "this is how cargo is told")]
fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    for file in ["wavetable", "const_math.rs", "formants.rs"] {
        println!("cargo::rerun-if-changed=src/{file}");
    }
    let bytes: Vec<u8> = banks::banks().into_iter().flat_map(f32::to_ne_bytes).collect();
    let folder = env::var_os("OUT_DIR").expect("cargo says where");
    fs::write(Path::new(&folder).join("wavetables.bin"), bytes).expect("cargo has made the folder");
}
