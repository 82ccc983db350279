//! The section of a module in which its facts stand.

use wasm_encoder::{CustomSection, Encode};
use wasmparser::{Parser, Payload};

/// What it is called.
pub const FACTS: &str = "sostenuto";

/// A module in WebAssembly with other facts, or with its first.
pub fn with_facts(wasm: &[u8], facts: &str) -> Vec<u8> {
    let is_facts = |payload: &Payload| matches!(payload, Payload::CustomSection(section) if section.name() == FACTS);
    let mut module = Vec::with_capacity(wasm.len() + facts.len() + 16);
    let mut end = 0;
    for payload in Parser::new(0).parse_all(wasm).map_while(Result::ok) {
        // From the end of what stands before: a section's head belongs to it.
        let Some((_, range)) = payload.as_section() else { continue };
        if is_facts(&payload) {
            end = range.end;
            continue;
        }
        let start = if module.is_empty() { 0 } else { end };
        module.extend_from_slice(&wasm[start..range.end]);
        end = range.end;
    }
    module.extend_from_slice(&wasm[end..]);
    module.push(0);
    CustomSection { name: FACTS.into(), data: facts.as_bytes().into() }.encode(&mut module);
    module
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::check;

    const BARE: &str = r#"(module (memory (export "memory") 1)
        (func (export "io") (result i32) (i32.const 16)) (func (export "process")))"#;

    #[test]
    fn facts_are_added_once() {
        let bare = wat::parse_str(BARE).unwrap();
        let facts = |title: &str| format!("sostenuto 1\ntitle {title}\noutput out\n");
        let one = with_facts(&bare, &facts("One"));
        assert_eq!(check(&one).unwrap().own.about.title, "One");
        let two = with_facts(&one, &facts("Two"));
        assert_eq!(check(&two).unwrap().own.about.title, "Two");
        assert_eq!(two.len(), one.len());
        assert_eq!(with_facts(&two, &facts("One")), one);
    }
}
