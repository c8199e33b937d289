//! Four clients log one channel, and all four logs are followed at once.

use crate::harness::{
    IrcClient, Ngircd, Sic, SoundServer, Speak, clients, directory, text_of, wait_for,
};

/// Messages by sender: each must be heard once from each log.
const SAID: [(&str, &str); 4] = [
    ("mira", "Good morning, everybody."),
    ("tobias", "The second item is about the release."),
    ("mira", "I would JOIN that, and PART of it is done."),
    ("tobias", "Then we are finished for today."),
];

/// What the channel does meanwhile.
const NOISE: [&str; 3] = ["purple elephants", "gone for a holiday", "rambler"];

#[test]
fn messages_and_nothing_else_are_heard_from_each_log() {
    let (folder, server, sound) = (directory(), Ngircd::start(), SoundServer::start());
    let home = |name: &str| {
        let home = folder.path().join(name);
        std::fs::create_dir(&home).expect("a folder");
        home
    };
    let mut mira = IrcClient::connect(server.port, "mira");
    mira.join("#meeting");
    let sic = Sic::start(&home("sic"), server.port, "sic_log", "#meeting");
    let ii = clients::ii(&home("ii"), server.port, "ii_log", "#meeting");
    let irssi = clients::irssi(&home("irssi"), server.port, "irssi_log", "#meeting");
    let weechat = clients::weechat(&home("weechat"), server.port, "weechat_log", "#meeting");
    for nick in ["sic_log", "ii_log", "irssi_log", "weechat_log"] {
        mira.wait_member("#meeting", nick);
    }
    let logs = [&sic.log, &ii.log, &irssi.log, &weechat.log];
    for log in logs {
        // What a client logs when it joins is not followed.
        wait_for("it writes its log", || text_of(log), || log.exists().then_some(()));
    }
    let names: Vec<_> = logs.iter().map(|log| log.to_str().expect("a path in UTF-8")).collect();
    let speak = Speak::start(&sound, ["tail", "-n", "0", "--rate", "450"].iter().chain(&names));
    speak.wait_voice();

    let mut tobias = IrcClient::connect(server.port, "tobias");
    tobias.join("#meeting");
    mira.topic("#meeting", NOISE[0]);
    let mut rambler = IrcClient::connect(server.port, "rambler");
    rambler.join("#meeting");
    rambler.quit(NOISE[1]);
    for (sender, text) in SAID {
        let client = if sender == "mira" { &mut mira } else { &mut tobias };
        client.say("#meeting", text);
        for log in &names {
            let spoken = speak.wait_event(&format!("{text} in {log}"), |event| {
                event.is_fate("spoken", text) && event.source.as_deref() == Some(*log)
            });
            assert_eq!(spoken.sender.as_deref(), Some(sender), "{log}");
        }
    }
    let spoken: Vec<_> = speak.events().into_iter().filter(|it| it.is_fate("spoken", "")).collect();
    assert_eq!(spoken.len(), SAID.len() * logs.len(), "{}", speak.transcript());
    for event in spoken {
        assert!(NOISE.iter().all(|noise| !event.text.contains(noise)), "{event:?}");
    }
}
