//! Every format against real logs. We may not copy these, so they are read in place. The sample in
//! `corpus/` was checked by hand; it has the hash of each text, not the text.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use irc_speak::filter::Library;
use irc_speak::format::Reader;
use irc_speak::message::{Kind, Line, SourceId};
use irc_speak::source::lines::{Lines, decode};

/// What a line is: its kind, its sender and the hash of its text.
type Reading = (String, String, u64);

/// A file, and a line of it from 1.
type Place = (String, usize);

fn folder() -> PathBuf {
    let named = std::env::var_os("IRC_SPEAK_CORPUS").map(PathBuf::from);
    named.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus"))
}

/// The readings in `corpus/NAME.tsv`.
fn readings(name: &str) -> Vec<(Place, Reading)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus").join(name);
    let table = fs::read_to_string(path).expect("a table");
    let row = |row: &str| {
        let cells: Vec<&str> = row.split('\t').collect();
        let line = cells[1].parse().expect("a number");
        let hash = u64::from_str_radix(cells[4], 16).expect("a hash");
        ((cells[0].to_owned(), line), (cells[2].to_owned(), cells[3].to_owned(), hash))
    };
    table.lines().skip(1).map(row).collect()
}

/// FNV-1a.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// The lines of a file.
fn lines(bytes: &[u8]) -> Vec<String> {
    bytes.split(|&byte| byte == b'\n').map(|line| decode(line).into_owned()).collect()
}

/// The format that a file was recognised as.
struct Taken {
    format: String,
    sureness: f32,
    kinds: BTreeMap<&'static str, u32>,
    readings: HashMap<usize, Reading>,
}

#[expect(
    clippy::disallowed_methods,
    reason = "a reader is handed when a line came; any time will do"
)]
fn take(library: &Library, file: &Path, wanted: &HashSet<usize>) -> Taken {
    let lines = lines(&fs::read(file).expect("a log"));
    let (source, received) = (SourceId(0), Instant::now());
    let mut reader = Reader::recognising(library.grammars());
    if std::env::var_os("IRC_SPEAK_UNSAMPLED").is_none() {
        reader.sample(&Lines::new(source, lines.join("\n").into_bytes(), received));
    }
    let (mut kinds, mut readings) = (BTreeMap::new(), HashMap::new());
    for (n, line) in (1..).zip(&lines) {
        if line.trim().is_empty() {
            continue;
        }
        let line = Line { source, text: line.into(), received, continued: false };
        let message = reader.read(line);
        *kinds.entry(message.kind.name()).or_default() += 1;
        if wanted.contains(&n) {
            // The victim comes before the reason.
            let text = message.text.trim();
            let text = match message.kind {
                Kind::Kick => text.split_once(' ').map_or("", |(_, reason)| reason),
                _ => text,
            };
            let sender = message.sender.as_deref().unwrap_or_default().to_owned();
            readings.insert(n, (message.kind.name().to_owned(), sender, hash(text)));
        }
    }
    Taken { format: reader.format().to_owned(), sureness: reader.sureness(), kinds, readings }
}

/// The formats that the files of a folder may be recognised as, where two clients write the same
/// lines or a log contains only speech. Other folders are named after their format.
const ACCEPTED: &[(&str, &[&str])] = &[
    ("auth-sshd", &["syslog"]),
    ("brackets-joins", &["brackets-joins", "znc"]), // one file is speech alone
    ("clf-access", &["clf"]),
    ("eggdrop-console", &["eggdrop-console", "eggdrop"]), // the console shows joins, too
    ("gcc-make", &["gcc"]),
    ("grafana-logfmt", &["logfmt"]),
    ("hl-sample", &["json-lines"]),
    ("hms-nick", &["hms"]),
    ("journalctl-short", &["syslog", "journald"]), // the same except for the line of a boot
    ("meetbot", &["hms"]),
    ("mirc", &["mirc", "znc"]), // one file is speech alone
    ("mirc-text", &["nick-only"]),
    ("openstack-python", &["openstack"]),
    ("perlgeek-archive", &["perlgeek"]),
    ("rrsagent", &["hms"]),
    ("supybot-hms", &["supybot"]),
    ("syslog-rfc3164", &["syslog"]),
    ("syslog-rfc5424", &["rfc5424"]),
    ("web-html-log", &["web-html"]),
    ("windows-cbs", &["cbs"]),
];

/// Lines of the sample that are parsed differently on purpose.
const EXCEPTIONS: &[(&str, usize)] = &[
    // A reason in another encoding contains a soft hyphen, which is invisible.
    ("eggdrop/slackware-20130103.log", 235),
];

#[test]
fn real_logs_are_understood() {
    let corpus = folder();
    if !corpus.is_dir() {
        println!("no real logs at {}: not tested", corpus.display());
        return;
    }
    // Formats from a folder, for development; otherwise the built-in ones.
    let own = std::env::var_os("IRC_SPEAK_FILTERS").map(PathBuf::from);
    let library = Library::load(own.as_deref()).expect("formats");
    let primary = readings("sample.tsv");
    let mut right: HashMap<Place, Vec<Reading>> = HashMap::new();
    for (place, reading) in primary.iter().cloned().chain(readings("alternatives.tsv")) {
        right.entry(place).or_default().push(reading);
    }
    let (mut shares, mut wrong) = (BTreeMap::<String, (u32, u32)>::new(), Vec::new());
    println!("file\tformat\tsureness\tlines by kind");
    for (file, wanted) in &files(&corpus, &primary) {
        let taken = take(&library, &corpus.join(file), wanted);
        let Taken { format, sureness, kinds, .. } = &taken;
        println!("{file}\t{format}\t{sureness:.2}\t{kinds:?}");
        let folder = file.split('/').next().unwrap_or_default();
        let accepted = ACCEPTED.iter().find(|(name, _)| *name == folder);
        if !accepted.map_or(&[folder][..], |(_, accepted)| accepted).contains(&format.as_str()) {
            wrong.push(format!("{file} is taken for {format}"));
        }
        let share = shares.entry(folder.to_owned()).or_default();
        for (&line, reading) in &taken.readings {
            let is_right = right[&(file.clone(), line)].contains(reading);
            *share = (share.0 + u32::from(is_right), share.1 + 1);
            if !is_right && !EXCEPTIONS.contains(&(file, line)) {
                wrong.push(format!("{file}:{line} is read as {reading:?}"));
            }
        }
    }
    println!("folder\tlines right\tof the sample");
    for (folder, (right, all)) in &shares {
        println!("{folder}\t{right}\t{all}");
    }
    assert!(wrong.is_empty(), "{} are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// The files of the corpus, with the lines of each that are in the sample.
fn files(corpus: &Path, sample: &[(Place, Reading)]) -> BTreeMap<String, HashSet<usize>> {
    let mut files: BTreeMap<String, HashSet<usize>> = BTreeMap::new();
    for ((file, line), _) in sample {
        files.entry(file.clone()).or_default().insert(*line);
    }
    let manifest = fs::read_to_string(corpus.join("MANIFEST.tsv")).expect("a list of the files");
    for row in manifest.lines().skip(1) {
        let file = row.split('\t').next().unwrap_or_default();
        // Replay tables and minutes are no logs.
        if !file.starts_with("meetings/") && !file.contains(".minutes.") {
            files.entry(file.to_owned()).or_default();
        }
    }
    files
}
