//! Names of servers, channels and nicks, checked once where they come in.
//! Grammar: <https://modern.ircdocs.horse/#channels>, RFC 2812 section 2.3.1.
#![forbid(unsafe_code)]

use std::fmt;
use std::net::Ipv6Addr;

use crate::diagnostics::escaped;
use crate::names::is_channel;

/// RFC 2812 limits a channel's name to 50 characters, today's servers to 64 and more.
const MAX_NAME: usize = 200;

/// A server's name or address, and its port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerAddress {
    /// A host name, an IPv4 address, or an IPv6 address without brackets.
    pub host: String,
    /// The port, never 0.
    pub port: u16,
}

impl ServerAddress {
    /// Reads `HOST`, `HOST:PORT`, `[IPV6]`, `[IPV6]:PORT` or a bare IPv6 address.
    pub fn parse(text: &str, default_port: u16) -> Result<Self, String> {
        let (host, port) = split_port(text)?;
        let plain = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '%');
        if host.is_empty() || !host.chars().all(plain) || host.starts_with('-') {
            return Err(format!("\"{}\" is not a server; write HOST or HOST:PORT", escaped(text)));
        }
        let port = match port {
            None => default_port,
            Some(port) => match port.parse() {
                Ok(port) if port > 0 => port,
                Ok(_) | Err(_) => {
                    return Err(format!("\"{}\" is not a port; it is 1 to 65535", escaped(port)));
                }
            },
        };
        Ok(Self { host: host.to_owned(), port })
    }
}

impl fmt::Display for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// The host and the port as written; brackets gone.
fn split_port(text: &str) -> Result<(&str, Option<&str>), String> {
    if text.parse::<Ipv6Addr>().is_ok() {
        return Ok((text, None));
    }
    if let Some((host, rest)) = text.strip_prefix('[').and_then(|text| text.split_once(']')) {
        return match (host.contains(':'), rest.strip_prefix(':')) {
            (true, None) if rest.is_empty() => Ok((host, None)),
            (true, Some(port)) => Ok((host, Some(port))),
            (true | false, _) => {
                Err(format!("\"{}\" is not a server; write [IPV6]:PORT", escaped(text)))
            }
        };
    }
    match text.split_once(':') {
        Some((_, port)) if port.contains(':') => {
            Err(format!("\"{}\" is not a server; write [IPV6]:PORT", escaped(text)))
        }
        Some((host, port)) => Ok((host, Some(port))),
        None => Ok((text, None)),
    }
}

/// A channel to join, and its key where it has one.
#[derive(Clone, PartialEq, Eq)]
pub struct ChannelSpec {
    name: String,
    key: Option<String>,
}

impl ChannelSpec {
    /// Reads `#channel`, or `#channel key`.
    ///
    /// A comma is refused: `JOIN #a,0` would leave every channel.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut words = text.split(' ').filter(|word| !word.is_empty());
        let (name, key, more) = (words.next().unwrap_or(""), words.next(), words.next());
        if more.is_some() {
            return Err(format!("channel \"{}\" is followed by more than a key", escaped(name)));
        }
        if !is_channel(name) {
            return Err(not_a_channel(name));
        }
        if name.len() > MAX_NAME || !name.chars().all(is_plain) {
            return Err(format!("\"{}\" is not a channel name", escaped(name)));
        }
        // The key is a secret: it is not repeated here.
        if key.is_some_and(|key| key.len() > MAX_NAME || !key.chars().all(is_plain)) {
            return Err(format!("the key of channel \"{}\" is not a word", escaped(name)));
        }
        Ok(Self { name: name.to_owned(), key: key.map(str::to_owned) })
    }

    /// The channel's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The channel's key: a secret.
    pub(crate) fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }
}

impl fmt::Debug for ChannelSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = if self.key.is_some() { " ***" } else { "" };
        write!(f, "ChannelSpec({:?}{key})", self.name)
    }
}

fn not_a_channel(name: &str) -> String {
    let name = escaped(name);
    if name.starts_with(|c: char| c.is_alphanumeric()) && name.chars().all(is_plain) {
        format!("\"{name}\" is not a channel name; did you mean \"#{name}\"?")
    } else {
        format!("\"{name}\" is not a channel name; it begins with #")
    }
}

/// A nick to ask a server for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nick(String);

impl Nick {
    /// Reads a nick; accepts more than RFC 2812, for servers with UTF-8 nicks.
    pub fn parse(text: &str) -> Result<Self, String> {
        let begins_well = !text.starts_with(|c: char| {
            c.is_ascii_digit() || matches!(c, '#' | '&' | '+' | '%' | '~' | '$' | '-')
        });
        let plain = |c: char| is_plain(c) && !matches!(c, '!' | '@' | '*' | '?' | '.');
        if text.is_empty() || text.len() > 64 || !begins_well || !text.chars().all(plain) {
            return Err(format!("\"{}\" is not a nick", escaped(text)));
        }
        Ok(Self(text.to_owned()))
    }

    /// The nick's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The nick to try after `n` refusals: the nick, `nick_`, `nick__`, then digits. Those replace
    /// its end beyond seven letters: RFC 1459 servers allow nine.
    pub(crate) fn alternative(&self, n: u32, digits: u32) -> String {
        if n <= 2 {
            return format!("{}{}", self.0, "_".repeat(n as usize));
        }
        let stem: String = self.0.chars().take(7).collect();
        format!("{stem}{}", 10 + (digits % 90 + n * 7) % 90)
    }
}

/// Whether `c` may be in a name: no blank, comma, colon or control character.
fn is_plain(c: char) -> bool {
    !c.is_control() && !c.is_whitespace() && !matches!(c, ',' | ':')
}

/// The channel of `target`, which may mean only its operators or voices (`@#channel`).
pub(crate) fn channel_of(target: &str) -> Option<&str> {
    let name = target.trim_start_matches(['~', '&', '@', '%', '+']);
    if name.starts_with(['#', '!']) {
        return Some(name);
    }
    // `&` and `+` begin a channel's name, unless a channel's name follows them.
    is_channel(target).then_some(target)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_read() {
        for (text, shown) in [
            ("irc.libera.chat", Some("irc.libera.chat:6697")),
            ("irc.libera.chat:6667", Some("irc.libera.chat:6667")),
            ("127.0.0.1:1", Some("127.0.0.1:1")),
            ("::1", Some("[::1]:6697")),
            ("[::1]", Some("[::1]:6697")),
            ("[fe80::1%eth0]:6667", Some("[fe80::1%eth0]:6667")),
            ("münchen.example", Some("münchen.example:6697")),
            ("", None),
            (":6667", None),
            ("host:", None),
            ("host:0", None),
            ("host:65536", None),
            ("host:+1x", None),
            ("host:1:2", None),
            ("[host]:1", None),
            ("[::1]6667", None),
            ("irc://host", None),
            ("a host", None),
            ("-host", None),
        ] {
            let server = ServerAddress::parse(text, 6697).map(|server| server.to_string());
            assert_eq!(server.ok().as_deref(), shown, "server: {text:?}");
        }
    }

    #[test]
    fn channels_are_read() {
        for (text, name, key) in [
            ("#a", "#a", None),
            ("&local", "&local", None),
            ("#a key", "#a", Some("key")),
            ("  #a   key ", "#a", Some("key")),
            ("##rust", "##rust", None),
            ("#früh", "#früh", None),
        ] {
            let spec = ChannelSpec::parse(text).expect(text);
            assert_eq!((spec.name(), spec.key()), (name, key), "channel: {text:?}");
        }
    }

    #[test]
    fn what_is_no_channel_is_refused() {
        for (text, error) in [
            ("rust", "\"rust\" is not a channel name; did you mean \"#rust\"?"),
            ("", "\"\" is not a channel name; it begins with #"),
            ("0", "\"0\" is not a channel name; did you mean \"#0\"?"),
            ("#a,0", "\"#a,0\" is not a channel name"),
            ("#a\x07", "\"#a\\u{7}\" is not a channel name"),
            ("#a\r\nQUIT", "\"#a\\r\\nQUIT\" is not a channel name"),
            ("#a s3cret,x", "the key of channel \"#a\" is not a word"),
            ("#a s3cret more", "channel \"#a\" is followed by more than a key"),
        ] {
            assert_eq!(ChannelSpec::parse(text), Err(error.to_owned()), "channel: {text:?}");
        }
    }

    #[test]
    fn a_key_is_not_shown() {
        let spec = ChannelSpec::parse("#a s3cret").expect("a channel");
        assert_eq!(format!("{spec:?}"), "ChannelSpec(\"#a\" ***)");
    }

    #[test]
    fn nicks_are_checked() {
        for good in ["kim", "k[i]m", "Kim_", "zoë", "`k"] {
            assert_eq!(Nick::parse(good).map(|nick| nick.0), Ok(good.to_owned()));
        }
        for bad in ["", "1kim", "k im", "kim!u", "k@h", "k.im", "#kim", "kim\r\nQUIT", "k,im"] {
            assert_eq!(Nick::parse(bad), Err(format!("\"{}\" is not a nick", escaped(bad))));
        }
    }

    #[test]
    fn a_refused_nick_has_alternatives() {
        let nick = Nick::parse("irc-speak").expect("a nick");
        let tries: Vec<_> = (0..6).map(|n| nick.alternative(n, 5)).collect();
        let expected =
            ["irc-speak", "irc-speak_", "irc-speak__", "irc-spe36", "irc-spe43", "irc-spe50"];
        assert_eq!(tries, expected);
    }

    #[test]
    fn a_target_is_its_channel() {
        for (target, channel) in [
            ("#t", Some("#t")),
            ("@#t", Some("#t")),
            ("~@+#t", Some("#t")),
            ("&local", Some("&local")),
            ("+modeless", Some("+modeless")),
            ("kim", None),
            ("@", None),
            ("", None),
        ] {
            assert_eq!(channel_of(target), channel, "target: {target:?}");
        }
    }
}
