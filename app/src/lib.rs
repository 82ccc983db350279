//! The program: its command line, and nothing that is heard.

pub mod cli;
