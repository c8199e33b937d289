//! Which dictionary a voice needs, and whether it is there. A distribution may ship fewer than
//! there are voices; eSpeak NG lists a voice without its dictionary, and is then silent.
#![forbid(unsafe_code)]

use std::fs;
use std::path::Path;

/// Whether the dictionary of the voice with that identifier (`gmw/de`) is in the folder `data`.
pub(super) fn is_installed(data: &Path, identifier: &str) -> bool {
    let read = |folder: &str| fs::read_to_string(data.join(folder).join(identifier));
    // What cannot be read is found out when the voice is used: it is checked to make a sound.
    let Ok(voice) = read("lang").or_else(|_| read("voices")) else { return true };
    name(&voice).is_none_or(|it| data.join(format!("{it}_dict")).is_file())
}

/// The dictionary that the file of a voice names; if none, that of the first language in it.
fn name(voice: &str) -> Option<&str> {
    let value = |key: &str| {
        let mut lines = voice.lines().map(str::split_whitespace);
        lines.find_map(|mut words| if words.next() == Some(key) { words.next() } else { None })
    };
    let language = || value("language").and_then(|it| it.split('-').next());
    value("dictionary").or_else(language)
}

#[test]
fn a_voice_names_its_dictionary() {
    for (voice, dictionary) in [
        ("name German\nlanguage de\n", Some("de")),
        ("name x\nlanguage en-gb 2\nlanguage en 2\n", Some("en")),
        ("language nb\nlanguage no\ndictionary no\n", Some("no")),
        ("name none\n", None),
    ] {
        assert_eq!(name(voice), dictionary, "{voice:?}");
    }
}
