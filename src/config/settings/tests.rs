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
fn an_output_is_a_device_null_or_a_wav_file() {
    let target_of =
        |output: &str| target(&Cli::parse_from(["irc-speak", "--output", output]).listening, None);
    assert_eq!(target_of("null").expect("right"), Target::Null);
    assert_eq!(target_of("device").expect("right"), Target::Device(None));
    assert_eq!(target_of("a/b.WAV").expect("right"), Target::File("a/b.WAV".into()));
    assert!(target_of("speech.mp3").is_err());
}
