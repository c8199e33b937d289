//! The command `irc-speak`: parse the arguments, call the library, map errors to exit codes.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use clap::Parser;
use irc_speak::{Cli, run};

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            if let Some(message) = error.report() {
                eprintln!("irc-speak: {message}");
            }
            error.exit_code()
        }
    }
}
