use clap::Parser;

use super::*;
use crate::config::sources::configured;

fn example() -> Loaded {
    let path = PathBuf::from("config.example.toml");
    let text = file::EXAMPLE.to_owned();
    let file = toml::from_str(&text).expect("the example is TOML with known keys only");
    Loaded { path, text, file }
}

#[test]
fn the_example_holds_the_defaults() {
    let options = Cli::parse_from(["irc-speak"]).listening;
    let loaded = example();
    let library = Library::load(None).expect("the library");
    for file in [None, Some(&loaded)] {
        assert_eq!(
            setup(&options, file).expect("right"),
            Setup { target: Target::Device(None), ..Setup::default() }
        );
        assert_eq!(voice_spec(&options, file).expect("right"), SpeakRequest::of(""));
        let target = LagTarget { base: Wpm(220), max: Wpm(286), lag: MAX_LAG };
        assert_eq!(lag_target(&options, file).expect("right"), target);
        assert_eq!(naming(&options, file).expect("right"), Naming::Change);
        assert_eq!(format(&options, file, &library).expect("right"), None);
        let voices = speakers(&Setup::default(), file).expect("right");
        assert!(voices.own_voices && voices.named.is_empty());
        assert!(configured(file).expect("right").is_empty());
    }
    assert_eq!(loaded.file.earcons, Earcons::default());
    assert_eq!(loaded.file.phrase.options(), crate::phrase::Options::default());
    assert_eq!(loaded.file.phrase.n_set(), 9);
    let names = loaded.file.filters.expect("named");
    assert_eq!(names.iter().map(|it| it.get_ref().as_str()).collect::<Vec<_>>(), [DEFAULT_FILTER]);
}

#[test]
fn the_commented_parts_of_the_example_are_valid() {
    let mut text = String::new();
    for line in file::EXAMPLE.lines() {
        let bare = line.strip_prefix("# ").unwrap_or(line);
        let is_toml = bare.starts_with('[') || bare.contains(" = ") && !bare.ends_with('.');
        text.push_str(if is_toml { bare } else { "" });
        text.push('\n');
    }
    let file = toml::from_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let loaded = Loaded { path: PathBuf::from("config.toml"), text, file };
    assert_eq!(loaded.file.rule.len(), 5);
    assert!(loaded.file.device.is_some() && loaded.file.format.is_some());
    assert_eq!(configured(Some(&loaded)).expect("right").len(), 3);
    assert_eq!(speakers(&Setup::default(), Some(&loaded)).expect("right").named.len(), 1);
    let setup = Setup::default();
    let voices = languages::voices(&setup, Some(&loaded)).expect("right").languages();
    let default = languages::voices(&setup, None).expect("right");
    assert_eq!(loaded.file.languages.len(), voices.len() + 1, "that of the voice is named, too");
    for (code, voice) in &loaded.file.languages {
        let language = crate::language::Language::from_code(code).expect("a code");
        assert_eq!(default.voice(language).unwrap_or("en-us"), voice.get_ref(), "{code}");
    }
    let hints = languages::hints(Some(&loaded)).expect("right");
    assert_eq!((hints.senders.len(), hints.channels.len(), hints.sources.len()), (1, 1, 1));
    assert_eq!(loaded.file.speakers.name.len(), 1);
}

#[test]
fn an_invalid_value_is_reported_with_its_place() {
    let options = Cli::parse_from(["irc-speak"]).listening;
    for (text, problem) in [
        ("rate = 5", "c.toml:1:8: rate is 5; it takes 60 to 1000 words a minute"),
        ("\npitch = 200", "c.toml:2:9: pitch is 200; it takes 0 to 100"),
        ("volume = 201", "c.toml:1:10: volume is 201; it takes 0 to 200 per cent"),
        ("engine = \"espaek\"", "c.toml:1:10: no engine \"espaek\"; did you mean \"espeak\"?"),
        (
            "speaker = \"loud\"",
            "c.toml:1:11: speaker is \"loud\"; it takes always, change or never",
        ),
        ("[speakers.voice.kim]\npan = -101", "c.toml:2:7: pan is -101; it takes -100 to 100"),
        ("[speakers.voice.kim]\nvolume = 300", "c.toml:2:10: volume is 300; it takes 0 to 200"),
        (
            "close_after = \"soon\"",
            "c.toml:1:15: close_after is \"soon\"; it takes a time such as \"10s\"",
        ),
    ] {
        let file = toml::from_str(text).expect("TOML");
        let loaded = Loaded { path: PathBuf::from("c.toml"), text: text.to_owned(), file };
        let file = Some(&loaded);
        let checks = setup(&options, file).err().or(voice_spec(&options, file).err());
        let checks = checks.or(speakers(&Setup::default(), file).err());
        let error = checks.or(naming(&options, file).err()).expect(text);
        assert_eq!(error.to_string(), problem);
    }
}

#[test]
fn a_wrong_language_or_step_is_reported_with_its_place() {
    for (text, problem) in [
        (
            "[phrase]\nlinks = \"hosts\"",
            "c.toml:2:9: the value is \"hosts\"; it takes \"host\", \"path\", \"full\", \"silent\", true \
             or false",
        ),
        (
            "[phrase]\nlinks = 3",
            "c.toml:2:9: the value is 3; it takes \"host\", \"path\", \"full\", \"silent\", true or false",
        ),
        (
            "[phrase]\nemoji = 1",
            "c.toml:2:9: the value is 1; it takes true or false, without quotes",
        ),
        ("[phrase]\nlink = true", "c.toml:2:1: unknown key \"link\"; did you mean \"links\"?"),
        (
            "[languages]\nxx = \"y\"",
            "c.toml:2:6: \"xx\" is no language; it takes a code of ISO 639, such as \"de\" or \"ru\"",
        ),
        (
            "[channels.language]\n\"#a\" = \"german\"",
            "c.toml:2:8: \"german\" is no language; it takes a code of ISO 639, such as \"de\" or \
             \"ru\"",
        ),
    ] {
        let path = PathBuf::from("c.toml");
        let error = match crate::toml_file::parse(&path, text) {
            Err(error) => error,
            Ok(file) => {
                let loaded = Loaded { path, text: text.to_owned(), file };
                let voices = languages::voices(&Setup::default(), Some(&loaded)).map(|_| ());
                voices.and(languages::hints(Some(&loaded)).map(|_| ())).expect_err(text)
            }
        };
        assert_eq!(error.to_string(), problem);
    }
}

#[test]
fn an_output_is_a_device_null_or_a_wav_file() {
    let target_of =
        |output: &str| target(&Cli::parse_from(["irc-speak", "--output", output]).listening, None);
    assert_eq!(target_of("null").expect("right"), Target::Null);
    assert_eq!(target_of("device").expect("right"), Target::Device(None));
    assert_eq!(target_of("a/b.WAV").expect("right"), Target::File("a/b.WAV".into()));
    assert!(target_of("speech.mp3").is_err());
}
