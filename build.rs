//! Finds the distribution's eSpeak NG; where it is missing, prints the package to install.

use std::process::ExitCode;

fn main() -> ExitCode {
    println!("cargo:rerun-if-changed=build.rs");
    let Err(error) = pkg_config::Config::new().atleast_version("1.49").probe("espeak-ng") else {
        return ExitCode::SUCCESS;
    };
    eprintln!("eSpeak NG's library was not found by pkg-config: {error}");
    eprintln!("Debian, Ubuntu: apt-get install libespeak-ng-dev pkg-config");
    eprintln!("Fedora: dnf install espeak-ng-devel; Arch: pacman -S espeak-ng");
    eprintln!("macOS: brew install espeak-ng");
    ExitCode::FAILURE
}
