//! The modules are layers: imports go down only. Which files may contain unsafe code.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The modules, the lowest first: each may import those above it in this list, and no other.
const LAYERS: &[&str] = &[
    // What everything may use.
    "clock",
    "executable",
    "units",
    "diagnostics",
    "toml_file",
    "limits",
    "message",
    "wire",
    // The path of a line, in order.
    "source",
    "format",
    "filter",
    "phrase",
    "pipeline",
    "queue",
    "journal",
    "speaker",
    // The listener's end of the voice process, and what runs inside it.
    "voice",
    "audio",
    "engine",
    // What the user asks for.
    "control",
    "cli",
    "config",
    "simulate",
    // What composes it all.
    "error",
    "explain",
    "list",
    "listener",
    "driver",
];

/// The files that may hold `unsafe`.
const FOREIGN: &[&str] = &["engine/espeak/ffi.rs"];

/// Files that contain a module of [`FOREIGN`]: they can only `deny` unsafe code.
const ABOVE_FOREIGN: &[&str] = &["lib.rs", "engine/mod.rs", "engine/espeak/mod.rs"];

#[test]
fn imports_go_down_only() {
    let mut wrong = Vec::new();
    for (path, name) in sources() {
        let module = name.split('/').next().unwrap_or(&name).trim_end_matches(".rs");
        if !["lib", "main"].contains(&module) {
            wrong.extend(wrong_imports(&name, module, &imports(&path)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn an_import_that_goes_up_is_found() {
    let imports = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    assert!(wrong_imports("queue/mod.rs", "queue", &imports(&["message", "queue"])).is_empty());
    for (module, import) in [("queue", "voice"), ("message", "clockwork"), ("brand_new", "clock")] {
        assert_eq!(
            wrong_imports("x.rs", module, &imports(&[import])).len(),
            1,
            "{module} {import}"
        );
    }
}

/// What is wrong with the imports of a file of `module`.
fn wrong_imports(file: &str, module: &str, imports: &BTreeSet<String>) -> Vec<String> {
    let layer = |name: &str| LAYERS.iter().position(|known| *known == name);
    let Some(own) = layer(module) else {
        return vec![format!("{file}: {module} is not in LAYERS")];
    };
    let is_below = |import: &&String| layer(import).is_some_and(|it| it <= own);
    let wrong = imports.iter().filter(|import| !is_below(import));
    wrong.map(|import| format!("{file} imports crate::{import}, which is not below it")).collect()
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
