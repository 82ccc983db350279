//! Modules as compilers make them: those in the repository, from source; and those that
//! were compiled for version 1 of the contract, which play for ever.

use std::fs;
use std::path::{Path, PathBuf};

use sostenuto_wasm::compile::compile;
use sostenuto_wasm::project::{BUILD_FILE, build};
use sostenuto_wasm::trial::properties;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn keeps_what_patches_rely_on(name: &str, wasm: &[u8]) {
    let clip = compile(wasm).unwrap_or_else(|error| panic!("{name}: {error}"));
    for (what, result) in properties(&clip) {
        assert_eq!(result, Ok(()), "{name}: {what}");
    }
}

#[test]
fn every_module_that_was_ever_compiled_plays() {
    let folder = root().join("dsp-worker/wasm/tests/corpus");
    let files = fs::read_dir(folder).expect("the corpus").map(|entry| entry.unwrap().path());
    let files: Vec<PathBuf> = files.collect();
    assert!(files.len() >= 2);
    for file in files {
        let name = file.display().to_string();
        keeps_what_patches_rely_on(&name, &fs::read(&file).unwrap());
    }
}

#[test]
#[ignore = "it needs clang and lld, which packaging/test installs"]
fn every_example_is_built_from_source_and_plays() {
    let (sdk, folder) = (root().join("assets/sdk"), tempfile::tempdir().unwrap());
    let examples = fs::read_dir(&sdk).expect("the examples").map(|entry| entry.unwrap().path());
    let examples: Vec<PathBuf> = examples.filter(|path| path.join("module.c").exists()).collect();
    assert!(examples.len() >= 2);
    for example in examples {
        let name = example.file_name().unwrap();
        let project = folder.path().join(name);
        fs::create_dir(&project).unwrap();
        for from in [&sdk.join("c"), &example] {
            for file in fs::read_dir(from).unwrap().map(|entry| entry.unwrap().path()) {
                fs::copy(&file, project.join(file.file_name().unwrap())).unwrap();
            }
        }
        assert!(project.join(BUILD_FILE).exists());
        let wasm = build(&project).unwrap_or_else(|error| panic!("{name:?}: {error}"));
        keeps_what_patches_rely_on(&name.display().to_string(), &wasm);
    }
}
