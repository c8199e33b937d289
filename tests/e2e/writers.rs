//! Four clients write their logs of one channel, and all four are followed at once.

use crate::harness::{
    IrcClient, Ngircd, Sic, SoundServer, Speak, clients, directory, text_of, wait_for,
};

/// What is said, by whom: each is to be heard once from each log.
const SAID: [(&str, &str); 4] = [
    ("mira", "Good morning, everybody."),
    ("tobias", "The second item is about the release."),
    ("mira", "I would JOIN that, and PART of it is done."),
    ("tobias", "Then we are finished for today."),
];

/// What the channel does meanwhile.
const NOISE: [&str; 3] = ["purple elephants", "gone for a holiday", "rambler"];

#[test]
fn what_is_said_is_heard_from_the_log_of_each_client_and_nothing_else() {
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
        // What a client does when it has come in is no part of what is followed.
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
    for (sender, sentence) in SAID {
        let client = if sender == "mira" { &mut mira } else { &mut tobias };
        client.say("#meeting", sentence);
        for log in &names {
            let spoken = speak.wait_event(&format!("{sentence} in {log}"), |event| {
                event.is_fate("spoken", sentence) && event.source.as_deref() == Some(*log)
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
