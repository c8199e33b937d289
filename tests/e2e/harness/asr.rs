//! A speech recogniser, if one is available: it checks whether a text is in a recording.
//!
//! The recogniser is no part of the project. Where the folder `../shared/tools/asr` (or the one
//! named by `IRC_SPEAK_ASR`) holds one, it is set up once under `target/`; without it the tests say
//! so, and check only when and how long something was heard.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde::Deserialize;

/// A recogniser that is set up.
#[derive(Debug)]
pub(crate) struct Recogniser {
    python: PathBuf,
    program: PathBuf,
}

/// What it heard.
#[derive(Debug, Deserialize)]
struct Heard {
    text: String,
    found: bool,
}

impl Recogniser {
    /// The recogniser, if there is one.
    pub(crate) fn find() -> Option<&'static Self> {
        static RECOGNISER: OnceLock<Option<Recogniser>> = OnceLock::new();
        let found = RECOGNISER.get_or_init(|| match Self::set_up() {
            Ok(recogniser) => Some(recogniser),
            Err(why) => {
                eprintln!("words are not recognised, sound is measured only: {why}");
                None
            }
        });
        found.as_ref()
    }

    fn set_up() -> Result<Self, String> {
        let project = Path::new(env!("CARGO_MANIFEST_DIR"));
        let tools = std::env::var_os("IRC_SPEAK_ASR")
            .map_or_else(|| project.join("../shared/tools/asr"), PathBuf::from);
        let program = tools.join("asr.py");
        if !program.is_file() {
            return Err(format!("no recogniser in {}", tools.display()));
        }
        let folder = project.join("target/asr");
        let (python, ready) = (folder.join("bin/python"), folder.join("ready"));
        if !ready.is_file() {
            let output = Command::new("sh").arg(tools.join("setup.sh")).arg(&folder).output();
            let output = output.map_err(|error| format!("sh: {error}"))?;
            if !output.status.success() {
                return Err(String::from_utf8_lossy(&output.stderr).into_owned());
            }
            std::fs::write(&ready, "").map_err(|error| format!("{}: {error}", ready.display()))?;
        }
        Ok(Self { python, program })
    }

    /// What is said in a WAV file, and whether `wanted` is.
    fn listen(&self, wav: &Path, wanted: &str) -> Heard {
        let output = Command::new(&self.python)
            .arg(&self.program)
            .arg("--find")
            .arg(wanted)
            .arg(wav)
            .output()
            .expect("the recogniser can be started");
        let (said, complaint) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        serde_json::from_str(&said).unwrap_or_else(|e| panic!("{e}: {said:?}: {complaint}"))
    }

    /// Asserts that all of `texts` and none of `words` are said in a WAV file.
    pub(crate) fn assert_heard(&self, wav: &Path, texts: &[&str], words: &[&str]) {
        for wanted in texts {
            let heard = self.listen(wav, wanted);
            assert!(heard.found, "{wanted:?} is not in {:?}", heard.text);
            let text = heard.text.to_lowercase();
            for word in words {
                assert!(!text.contains(word), "{word:?} is in {text:?}");
            }
        }
    }
}
