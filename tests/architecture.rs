//! The modules are layers: imports go down only. Which files may contain unsafe code.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use regex::Regex;

/// The modules, the lowest layer first: each may import those before it in this list, and no other.
const LAYERS: &[&str] = &[
    // What everything may use.
    "clock",
    "executable",
    "text",
    "language",
    "units",
    "names",
    "diagnostics",
    "toml_file",
    "limits",
    "message",
    "wire",
    // The path of a line, in order.
    "source",
    "format",
    "meeting",
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
    "minutes",
    "listener",
    "driver",
];

static DECLARED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"#\[cfg\(test\)\]\n(pub(\(\w+\))? )?mod \w+;").expect("a pattern")
});
static TESTS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"#\[cfg\(test\)\]\nmod |\n#\[(tokio::)?test\]").expect("a pattern")
});
static TEST_MODULE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"#\[cfg\(test\)\]\nmod (\w+);").expect("a pattern"));
static USES: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\buse\s+([^;]+);").expect("a pattern"));
static INLINE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\b(?:crate|super)(?:::\w+)+").expect("a pattern"));
static CHILDREN: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?m)^\s*(?:pub(?:\([^)]*\))? )?mod (\w+);").expect("a pattern"));
static CALLED: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?:^|[^\w:])(\w+)::\w").expect("a pattern"));
static EXTENDED: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?m)^impl(?:<[^>]*>)? (\w+)(?:<[^{]*>)? \{").expect("a pattern"));

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
fn no_files_import_each_other_in_a_circle() {
    let graph = graph(&modules());
    let n_imports: usize = graph.values().map(BTreeSet::len).sum();
    assert!(graph.len() > 100 && n_imports > 300, "{} files, {n_imports} imports", graph.len());
    println!("{} files, {n_imports} imports", graph.len());
    for (file, imports) in &graph {
        println!("{file}: {}", imports.iter().map(String::as_str).collect::<Vec<_>>().join(" "));
    }
    assert_eq!(circle(&graph), None);
}

#[test]
fn a_circle_is_found() {
    let modules = |files: &[(&str, &str)]| {
        let files = files.iter().map(|(name, text)| {
            (name.split('/').map(str::to_owned).collect::<Vec<_>>(), code(text))
        });
        files.collect::<BTreeMap<_, _>>()
    };
    let found = |files: &[(&str, &str)]| circle(&graph(&modules(files)));
    let two = |names: [&str; 2]| Some(names.map(str::to_owned).to_vec());
    let a = ("a", "mod b;\nuse b::{self, One as Two};");
    assert_eq!(found(&[a, ("a/b", "use std::io;")]), None);
    assert_eq!(found(&[a, ("a/b", "use super::Three;")]), two(["a", "a/b"]));
    assert_eq!(found(&[a, ("a/b", "// use super::Three;")]), None);
    let part = "use super::Three;\nimpl Three {}";
    assert_eq!(found(&[a, ("a/b", part)]), None, "it is a part of a");
    let both = [("c", "use crate::{d::{E, F}, g};"), ("d", "fn x() { crate::c::y() }")];
    assert_eq!(found(&both), two(["c", "d"]));
    assert_eq!(
        found(&[("c", "use crate::d;"), ("d", "#[cfg(test)]\nmod tests { use crate::c; }")]),
        None
    );
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
    if is_tests(&path.to_string_lossy()) {
        return BTreeSet::new();
    }
    let code = code(&fs::read_to_string(path).expect("a source file"));
    code.split("crate::")
        .skip(1)
        .map(|rest| rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect())
        .collect()
}

/// The code of a file without comments and tests.
fn code(text: &str) -> String {
    let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    let text = lines.collect::<Vec<_>>().join("\n");
    let text = DECLARED.replace_all(&text, "").replace("pub(in crate::", "pub(in ");
    TESTS.split(&text).next().unwrap_or_default().to_owned()
}

/// The files of `src` as modules, with their code; no tests.
fn modules() -> BTreeMap<Vec<String>, String> {
    let mut all = BTreeMap::new();
    let mut tests = Vec::new();
    for (path, name) in sources() {
        let mut module: Vec<_> =
            name.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
        module.pop_if(|last| last == "mod");
        let text = fs::read_to_string(path).expect("a source file");
        for test in TEST_MODULE.captures_iter(&text) {
            tests.push([&module[..], &[test[1].to_owned()]].concat());
        }
        all.insert(module, code(&text));
    }
    all.retain(|module, _| !tests.iter().any(|it| module.starts_with(it)));
    all.retain(|module, _| !["lib", "main"].contains(&module[0].as_str()));
    all
}

/// The paths that a `use` or a name in the code of `module` means, from the top.
fn paths(module: &[String], code: &str) -> Vec<Vec<String>> {
    let children: Vec<_> = CHILDREN.captures_iter(code).map(|it| it[1].to_owned()).collect();
    let mut written: Vec<String> =
        USES.captures_iter(code).flat_map(|it| expanded(&it[1])).collect();
    let body = USES.replace_all(code, "");
    written.extend(INLINE.find_iter(&body).map(|it| it.as_str().to_owned()));
    written.extend(CALLED.captures_iter(&body).map(|it| it[1].to_owned()));
    let from_top = |path: &String| {
        let mut steps: Vec<_> = path.split("::").map(|it| it.trim().to_owned()).collect();
        let mut base = module.to_vec();
        match steps[0].as_str() {
            "crate" => base.clear(),
            "super" | "self" => {
                steps.splice(..0, (steps[0] == "super").then(|| "self".to_owned()));
            }
            child if children.iter().any(|it| it == child) => steps.insert(0, "self".to_owned()),
            _ => return None,
        }
        steps.remove(0);
        while steps.first().is_some_and(|it| it == "super") {
            steps.remove(0);
            base.pop();
        }
        Some([base, steps].concat())
    };
    written.iter().filter_map(from_top).collect()
}

/// The paths of a `use` with all its braces.
fn expanded(tree: &str) -> Vec<String> {
    let Some((prefix, rest)) = tree.split_once('{') else {
        return vec![tree.split(" as ").next().unwrap_or_default().trim().to_owned()];
    };
    let (mut parts, mut part, mut depth) = (Vec::new(), String::new(), 0);
    for c in rest.trim_end().trim_end_matches('}').chars() {
        depth += i32::from(c == '{') - i32::from(c == '}');
        if c == ',' && depth == 0 {
            parts.push(std::mem::take(&mut part));
        } else {
            part.push(c);
        }
    }
    parts.push(part);
    let parts = parts.iter().filter(|part| !part.trim().is_empty());
    parts.flat_map(|part| expanded(part)).map(|path| prefix.trim().to_owned() + &path).collect()
}

/// The file that a path leads to: the longest beginning that is a module.
fn file_of<'p>(
    modules: &BTreeMap<Vec<String>, String>,
    path: &'p [String],
) -> Option<&'p [String]> {
    (1..=path.len()).rev().map(|n| &path[..n]).find(|path| modules.contains_key(*path))
}

/// The files that each file imports. A file that holds a part of a type's `impl` above it
/// (`impl Queue` in `queue/fair`) counts as the file of that type.
fn graph(modules: &BTreeMap<Vec<String>, String>) -> BTreeMap<String, BTreeSet<String>> {
    let file_of = |path: &[String]| file_of(modules, path).map(<[String]>::to_vec);
    let whole = |module: &[String]| {
        let code = &modules[module];
        let types: Vec<_> = EXTENDED.captures_iter(code).map(|it| it[1].to_owned()).collect();
        let above = paths(module, code).into_iter().find(|path| {
            let is_type = path.last().is_some_and(|last| types.contains(last));
            let file = file_of(path).filter(|file| file.len() < module.len());
            is_type
                && file
                    .is_some_and(|file| module.starts_with(&file) && path.len() == file.len() + 1)
        });
        above.map_or(module.to_vec(), |path| path[..path.len() - 1].to_vec()).join("/")
    };
    let mut graph: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (module, code) in modules {
        let from = whole(module);
        let imported = paths(module, code);
        let to = imported.iter().filter_map(|path| file_of(path)).map(|file| whole(&file));
        let to: BTreeSet<_> = to.filter(|to| *to != from).collect();
        graph.entry(from).or_default().extend(to);
    }
    graph
}

/// A circle in `graph`, if there is one: each imports the next, and the last the first.
fn circle(graph: &BTreeMap<String, BTreeSet<String>>) -> Option<Vec<String>> {
    fn visit(
        file: &str,
        graph: &BTreeMap<String, BTreeSet<String>>,
        way: &mut Vec<String>,
        done: &mut BTreeSet<String>,
    ) -> Option<Vec<String>> {
        if let Some(at) = way.iter().position(|it| it == file) {
            return Some(way[at..].to_vec());
        }
        if !done.insert(file.to_owned()) {
            return None;
        }
        way.push(file.to_owned());
        let found = graph.get(file)?.iter().find_map(|next| visit(next, graph, way, done));
        way.pop();
        found
    }
    let mut done = BTreeSet::new();
    graph.keys().find_map(|file| visit(file, graph, &mut Vec::new(), &mut done))
}
