//! `sostenuto completions`: for a shell that ends words after Tab.

use std::io::Write;

use clap::{Args, Command, CommandFactory};
use clap_complete::Shell;

/// Prints what a shell needs to complete this program's commands and options
#[derive(Args)]
pub struct Completions {
    /// Which shell
    shell: Shell,
}

impl Completions {
    /// Prints.
    pub fn run(&self) -> anyhow::Result<()> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut shown(), "sostenuto", &mut script);
        Ok(std::io::stdout().lock().write_all(&script)?)
    }
}

/// The program without the commands that it starts by itself: shells would offer them.
fn shown() -> Command {
    let whole = super::Arguments::command();
    let commands = whole.get_subcommands().filter(|command| !command.is_hide_set());
    Command::new("sostenuto")
        .version(env!("CARGO_PKG_VERSION"))
        .args(whole.get_arguments().cloned())
        .subcommands(commands.cloned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script(shell: Shell) -> String {
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut shown(), "sostenuto", &mut script);
        String::from_utf8(script).unwrap()
    }

    #[test]
    fn every_shell_knows_every_command_that_is_shown_and_no_other() {
        let (hidden, named): (Vec<_>, Vec<_>) = super::super::Arguments::command()
            .get_subcommands()
            .map(|command| (command.is_hide_set(), command.get_name().to_owned()))
            .partition(|(is_hidden, _)| *is_hidden);
        assert!(!hidden.is_empty() && named.len() > 8);
        let has = |script: &str, name: &str| {
            let is_apart = |letter: char| !letter.is_ascii_alphanumeric() && letter != '-';
            script.split(is_apart).any(|word| word.trim_start_matches('-') == name)
        };
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            let script = script(shell);
            assert!(named.iter().all(|(_, name)| has(&script, name)), "{shell}");
            assert!(has(&script, "kill-every"), "{shell}: options, too");
        }
        // The others print help as well, in which such a word may stand.
        let script = script(Shell::Bash).replace("--card", "");
        assert!(!hidden.iter().any(|(_, name)| has(&script, name)));
    }
}
