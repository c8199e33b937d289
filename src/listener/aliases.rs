//! What the user calls people: by the configuration, and by commands until the program ends.
#![forbid(unsafe_code)]

use crate::control::{Alias, Reply, Who};
use crate::names::same_name;

use super::Listener;

/// So many nicks can be named by commands.
const MOST: usize = 1_000;

/// Nicks, and what the user calls them.
#[derive(Debug, Default)]
pub(super) struct Aliases {
    /// By commands.
    live: Vec<(String, String)>,
    /// By the configuration.
    configured: Vec<(String, String)>,
}

impl Aliases {
    /// Those of the configuration.
    pub(super) fn new(configured: Vec<(String, String)>) -> Self {
        Self { live: Vec::new(), configured }
    }

    /// A new configuration: what it names is called so from now on.
    pub(super) fn configure(&mut self, configured: Vec<(String, String)>) {
        self.live.retain(|(nick, _)| !has(&configured, nick));
        self.configured = configured;
    }

    /// Names a nick; false where too many have a name.
    fn set(&mut self, nick: String, name: String) -> bool {
        remove(&mut self.live, &nick);
        let has_room = self.live.len() < MOST;
        if has_room {
            self.live.push((nick, name));
        }
        has_room
    }

    /// Removes a nick's name, also that of the configuration until it is read again. Whether there
    /// was one.
    fn remove(&mut self, nick: &str) -> bool {
        let was_live = remove(&mut self.live, nick);
        remove(&mut self.configured, nick) || was_live
    }

    /// All of them, one for each nick.
    pub(super) fn all(&self) -> Vec<(String, String)> {
        let others = self.configured.iter().filter(|(nick, _)| !has(&self.live, nick));
        self.live.iter().chain(others).cloned().collect()
    }
}

fn has(aliases: &[(String, String)], nick: &str) -> bool {
    aliases.iter().any(|(known, _)| same_name(known, nick))
}

fn remove(aliases: &mut Vec<(String, String)>, nick: &str) -> bool {
    let n_before = aliases.len();
    aliases.retain(|(known, _)| !same_name(known, nick));
    aliases.len() < n_before
}

impl Listener {
    /// Names a nick, or removes its name, from the next line on; lists all names where there is no
    /// nick.
    pub(super) fn alias(
        &mut self,
        nick: Option<String>,
        name: Option<String>,
    ) -> Result<Reply, String> {
        let is_name = |name: &String| Who::Sender(name.clone()).is_named();
        if !nick.iter().chain(&name).all(is_name) {
            return Err("alias takes a nick and a name, such as serge__ Serge".to_owned());
        }
        match (nick, name) {
            (None, _) => {
                let mut aliases = self.aliases.all();
                aliases.sort_unstable();
                let aliases = aliases.into_iter().map(|(nick, name)| Alias { nick, name });
                return Ok(Reply::Aliases { aliases: aliases.collect() });
            }
            (Some(nick), Some(name)) => {
                if !self.aliases.set(nick, name) {
                    return Err(format!("{MOST} nicks have an alias already; remove one"));
                }
            }
            (Some(nick), None) => {
                if !self.aliases.remove(&nick) {
                    return Err(format!("{nick} has no alias"));
                }
            }
        }
        self.pipeline.set_aliases(self.aliases.all());
        Ok(Reply::Done)
    }
}

#[test]
fn the_last_name_given_counts_and_the_configuration_names_again_when_it_is_read() {
    let pair = |nick: &str, name: &str| (nick.to_owned(), name.to_owned());
    let mut aliases = Aliases::new(vec![pair("kim", "Kimberly")]);
    assert!(aliases.set("KIM".to_owned(), "Kimmy".to_owned()));
    assert!(aliases.set("serge__".to_owned(), "Serge".to_owned()));
    assert_eq!(aliases.all(), [pair("KIM", "Kimmy"), pair("serge__", "Serge")]);
    aliases.configure(vec![pair("kim", "Kim")]);
    assert_eq!(aliases.all(), [pair("serge__", "Serge"), pair("kim", "Kim")]);
    assert!(aliases.remove("Kim") && aliases.remove("serge__"));
    assert!(!aliases.remove("kim") && aliases.all().is_empty());
    for n in 0..=MOST {
        assert_eq!(aliases.set(format!("kim{n}"), "Kim".to_owned()), n < MOST);
    }
}
