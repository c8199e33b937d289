//! Which module may import which, and which files may contain unsafe code.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Each module and the modules of the crate that it may import. Tests are not checked.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("message", &[]),
    ("clock", &[]),
    ("executable", &[]),
    ("limits", &[]),
    // The stages that a line passes, in order.
    ("source", &["clock", "config", "limits", "message", "executable"]),
    ("format", &["config", "message", "source"]),
    ("filter", &["config", "format", "message", "source"]),
    ("phrase", &["format", "message"]),
    ("pipeline", &["filter", "format", "message", "phrase", "source"]),
    ("queue", &["message"]),
    ("journal", &["message", "voice"]),
    ("speaker", &["voice"]),
    ("voice", &["clock", "config", "message", "executable"]),
    // The voice process.
    ("engine", &["audio", "message", "voice"]),
    ("audio", &["clock", "config", "message", "voice"]),
    // Command line, control and configuration.
    ("control", &["cli", "clock", "config", "executable"]),
    ("cli", &["config"]),
    (
        "config",
        &[
            "cli", "engine", "filter", "format", "limits", "message", "phrase", "queue", "source",
            "speaker", "voice",
        ],
    ),
    ("error", &["audio", "config", "control", "engine", "limits", "source"]),
    ("simulate", &["format", "pipeline", "message", "queue", "source"]),
    (
        "explain",
        &[
            "cli", "clock", "config", "error", "filter", "format", "pipeline", "message", "phrase",
            "source",
        ],
    ),
    (
        "list",
        &[
            "audio", "cli", "clock", "config", "engine", "error", "filter", "pipeline", "simulate",
            "voice",
        ],
    ),
    (
        "listener",
        &[
            "audio", "clock", "config", "control", "error", "pipeline", "journal", "message",
            "phrase", "queue", "source", "speaker", "voice",
        ],
    ),
];

/// The files that may hold `unsafe`.
const FOREIGN: &[&str] = &["engine/espeak/ffi.rs"];

/// Files that contain a module of [`FOREIGN`]: they can only `deny` unsafe code.
const ABOVE_FOREIGN: &[&str] = &["lib.rs", "engine/mod.rs", "engine/espeak/mod.rs"];

#[test]
fn modules_import_only_what_they_may() {
    let mut wrong = Vec::new();
    for (path, name) in sources() {
        let module = name.split('/').next().unwrap_or(&name).trim_end_matches(".rs");
        if ["lib", "main"].contains(&module) {
            continue;
        }
        let allowed = MAY_IMPORT.iter().find(|(known, _)| *known == module);
        let Some((_, allowed)) = allowed else {
            wrong.push(format!("{name}: a module without a line in MAY_IMPORT"));
            continue;
        };
        for import in imports(&path) {
            if import != module && !allowed.contains(&import.as_str()) {
                wrong.push(format!("{name} imports crate::{import}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn unsafe_code_is_forbidden_outside_the_foreign_functions() {
    for (path, name) in sources() {
        let text = fs::read_to_string(&path).expect("a source file");
        let forbids = text.contains("#![forbid(unsafe_code)]");
        let exempt = FOREIGN.contains(&name.as_str()) || ABOVE_FOREIGN.contains(&name.as_str());
        // A module's tests are covered by the attribute of the module.
        assert!(forbids || exempt || is_tests(&name), "{name} does not forbid unsafe code");
    }
}

/// Path of every source file, and its name below `src`.
fn sources() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![root.clone()];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|it| it == "rs") {
                let name = path.strip_prefix(&root).expect("below src").to_string_lossy();
                files.push((path.clone(), name.into_owned()));
            }
        }
    }
    assert!(files.len() > 20, "the sources are found");
    files
}

fn is_tests(name: &str) -> bool {
    name.ends_with("tests.rs") || name.contains("/tests/")
}

/// The modules that a file names as `crate::…`, above its tests and outside comments.
fn imports(path: &Path) -> BTreeSet<String> {
    let text = fs::read_to_string(path).expect("a source file");
    if is_tests(&path.to_string_lossy()) {
        return BTreeSet::new();
    }
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    let code = code.split("\n#[test]").next().unwrap_or_default();
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines
        .flat_map(|line| line.split("crate::").skip(1))
        .map(|rest| rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect())
        .collect()
}
