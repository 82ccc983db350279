//! The manual, `docs/osc.md`, made from what is declared of every message.

use std::fmt::Write;

use crate::address::{Address, Arg, Count, Role};
use crate::message::addresses;
use crate::packet::MAX_PACKET_BYTES;

/// The text of `docs/osc.md`.
pub fn manual() -> String {
    let mut text = intro();
    for (title, role) in [
        ("What you can ask for", Role::Request),
        ("What comes back to you", Role::Reply),
        ("What is reported to subscribers only", Role::Report),
    ] {
        let first = |address: &&Address| address.roles[0] == role;
        write!(text, "\n## {title}\n").expect("a string takes all");
        addresses().filter(first).for_each(|address| describe(&mut text, address));
    }
    text
}

fn intro() -> String {
    let mebibytes = MAX_PACKET_BYTES / (1024 * 1024);
    format!(
        "# Sostenuto over OSC\n\n\
        <!-- Made from app/osc/src/message by `UPDATE_DOCS=1 cargo test -p sostenuto-osc --lib manual`. -->\n\n\
        A running host speaks OSC 1.0 on two ways:\n\n\
        - **The local stream**, for editors: a socket that only its user can open \
        (`$XDG_RUNTIME_DIR/sostenuto/host.sock`; on Windows a named pipe). Every packet has its length \
        in front, as four bytes, the highest first. A packet has at most {mebibytes} MiB; after a longer \
        one the connection is closed.\n\
        - **UDP**, for controllers: off until asked for, and then on the loopback only until asked \
        otherwise. It takes the requests that are marked *also over UDP*. Replies go to where the \
        request came from.\n\n\
        What is asked for on one connection is done in order. A bundle is done at once, message by \
        message; its time is not looked at. A request that is refused is answered with `/error` and \
        changes nothing; one that is done is answered only where it asks something. Patterns (`*`, `?`) \
        are not matched.\n\n\
        Where a number is wanted, `f`, `d`, `i` and `h` are all taken, and `T` and `F` are 1 and 0. A \
        message that has no arguments may leave out its type tags.\n\n\
        ## A controller without a script\n\n\
        Start the host with `sostenuto host PATCH --udp 0.0.0.0:9000`, and let the controller (TouchOSC, \
        Open Stage Control, a script) send to port 9000 of this machine. Every control of it needs an \
        address and one number:\n\n\
        | control | address | sends |\n|---|---|---|\n\
        | fader or knob | `/vcf/cutoff` | a number in the knob's unit, 20 to 20000; or a string, `1.5 kHz`, `A4` |\n\
        | toggle | `/mixer/mute-1` | 1 and 0, or T and F |\n\
        | button that is held | `/buttons/button-1` | 1 when it goes down, 0 when it comes up |\n\
        | list of words | `/vcf/mode` | the number of the word from 0, or the word |\n\
        | pad for one finger | `/xy-pad/x`, `/xy-pad/y`, `/xy-pad/touch` | 0 to 1; touch 1 and 0 |\n\
        | key | `/key/keyboard/60` | how hard, 0 to 1; 0 as it comes up. 60 is C4 |\n\
        | voltage for a cable | `/in/osc-in/1` | volts, -10 to 10; T and F are 10 V and 0 V |\n\
        | undo, panic | `/undo`, `/panic` | 1; a 0 does nothing |\n\
        | button \"feedback\" | `/feedback` | the port at which the controller listens, 9001 |\n\n\
        After `/feedback`, every fader and toggle goes to where its knob stands, and follows when the \
        knob is turned in the window, by another controller or by undo.\n"
    )
}

fn describe(text: &mut String, address: &Address) {
    let Address { path, roles, args, help, example, .. } = address;
    write!(text, "\n### `{path}`\n\n{help}\n").expect("a string takes all");
    if address.is_for_controllers {
        text.push_str("*Also over UDP.*\n");
    }
    match roles {
        [Role::Request, Role::Report] => {
            text.push_str("*Reported to subscribers of `patch` when it was done.*\n");
        }
        [Role::Reply, Role::Report] => {
            text.push_str("*Asked for, or reported to subscribers.*\n");
        }
        _ => {}
    }
    if !args.is_empty() {
        text.push_str("\n| argument | type | unit | range | meaning |\n|---|---|---|---|---|\n");
    }
    args.iter().for_each(|arg| row(text, arg));
    write!(text, "\n`{example}`\n").expect("a string takes all");
}

fn row(text: &mut String, arg: &Arg) {
    let Arg { name, form, count, unit, range, help } = arg;
    let tag = form.tag();
    let note = match count {
        Count::One => "",
        Count::Optional => " (optional)",
        Count::Repeated => " (repeated)",
    };
    writeln!(text, "| {name}{note} | {tag} | {unit} | {range} | {help} |")
        .expect("a string takes all");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manual_on_disk_is_the_one_made_from_the_messages() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/osc.md");
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(path, manual()).unwrap();
        }
        // Git may have changed the ends of lines on Windows.
        let there = std::fs::read_to_string(path).unwrap_or_default().replace("\r\n", "\n");
        assert!(there == manual(), "run UPDATE_DOCS=1 cargo test -p sostenuto-osc --lib manual");
    }
}
