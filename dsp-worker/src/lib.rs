//! The modules of Sostenuto, and the process that computes them.
//!
//! To write a module, read [`module`] and one of [`modules`]; then add your
//! file and its line in [`catalog`]. To hear it in a test, patch it in a
//! [`rig`].

pub mod catalog;
pub mod clip;
pub mod dsp;
pub mod lane;
#[cfg(test)]
pub(crate) mod measure;
pub mod module;
pub mod modules;
pub mod moves;
pub mod param;
pub mod protocol;
pub mod rig;
pub mod signal;
pub mod tape;
pub mod tools;
pub mod units;
pub mod worker;

pub use module::Module;

#[cfg(test)]
mod zz {
    use crate::rig::Rig;
    #[test]
    fn zz_render() {
        let Ok(spec) = std::fs::read_to_string("/tmp/spec.txt") else { return };
        for (i, line) in spec.lines().enumerate() {
            let mut w = line.split_whitespace();
            let name = w.next().unwrap();
            let mut rig = Rig::named(name, 48_000.0);
            let mut frames = 48_000;
            for kv in w {
                let (k, v) = kv.split_once('=').unwrap();
                if k == "frames" { frames = v.parse().unwrap(); continue; }
                if let Some(k) = k.strip_prefix('@') {
                    if v == "t" { rig.feed(k, |_, n| if n % 48_000 < 48 { 10.0 } else { 0.0 }); continue; }
                    if v == "saw" { rig.feed(k, |_, n| ((n * 3) % 437) as f32 / 43.7 - 5.0); continue; }
                    let v: f32 = v.parse().unwrap();
                    rig.feed(k, move |_, _| v);
                    continue;
                }
                match v.parse::<f32>() { Ok(v) => { rig.set(k, v); } Err(_) => { rig.choose(k, v); } }
            }
            let t = std::time::Instant::now();
            let out = rig.run(frames);
            let ns = t.elapsed().as_nanos() as f64 / frames as f64;
            eprintln!("{i} {name} {ns:.0} ns");
            std::fs::write(format!("/tmp/out/{i}.f32"), bytemuck::cast_slice::<f32, u8>(out.main())).unwrap();
        }
    }
}
