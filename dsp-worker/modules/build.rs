//! Chooses the instruction sets that modules are compiled for: on x86-64 with and
//! without AVX2. A development build compiles them once, for the machine that it
//! is made on, and so does one that is asked to by `SOSTENUTO_FOR_THIS_MACHINE`; unit
//! tests are without AVX2, so that both are tested.

use std::env;

/// Says that a build is for the machine that it is made on.
const FOR_THIS_MACHINE: &str = "SOSTENUTO_FOR_THIS_MACHINE";

#[allow(clippy::print_stdout, clippy::disallowed_macros, reason = "this is how cargo is told")]
fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed={FOR_THIS_MACHINE}");
    println!("cargo::rustc-check-cfg=cfg(with_avx2, without_avx2)");
    let is = |name: &str, value: &str| env::var(name).is_ok_and(|found| found == value);
    // Miri interprets, and knows no AVX2.
    let is_miri = env::var_os("CARGO_CFG_MIRI").is_some();
    let can_have_avx2 = is("CARGO_CFG_TARGET_ARCH", "x86_64") && !is_miri;
    let is_asked_to = env::var_os(FOR_THIS_MACHINE).is_some();
    let is_for_here =
        (is("PROFILE", "debug") || is_asked_to) && env::var("TARGET") == env::var("HOST");
    let has_avx2_here = has_avx2();
    if can_have_avx2 && (!is_for_here || has_avx2_here) {
        println!("cargo::rustc-cfg=with_avx2");
    }
    if !(can_have_avx2 && is_for_here && has_avx2_here) {
        println!("cargo::rustc-cfg=without_avx2");
    }
}

#[cfg(target_arch = "x86_64")]
fn has_avx2() -> bool {
    std::is_x86_feature_detected!("avx2")
}

#[cfg(not(target_arch = "x86_64"))]
fn has_avx2() -> bool {
    false
}
