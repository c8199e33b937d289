//! The small grammar of a meeting's lines: names, lists of them, who an action is for.
#![forbid(unsafe_code)]

/// The most words that are the names in front of an action.
const NAME_WORDS: usize = 5;

/// The letters at the beginning, at most 16 of them.
pub(super) fn first_word(text: &str) -> &str {
    let letters = text.bytes().take(16).take_while(u8::is_ascii_alphabetic).count();
    &text[..letters]
}

/// Whether it is letters only.
pub(super) fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphabetic())
}

/// What follows `prefix`, up to the next space or full stop.
pub(super) fn after<'a>(text: &'a str, prefix: &str) -> &'a str {
    let rest = text.strip_prefix(prefix).unwrap_or(text).trim_start();
    rest.split([' ', '.', ',']).next().unwrap_or_default()
}

/// Whether the sender is the bot `name`, or its stand-in (`Zakim_`).
pub(super) fn is_bot(sender: &str, name: &str) -> bool {
    sender.get(..name.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(name))
        && sender[name.len()..].trim_matches(['_', '`', '-']).is_empty()
}

/// Names between commas, or, where there are none, joined by "and"; without the "and" before the
/// last one.
pub(super) fn list(text: &str) -> impl Iterator<Item = &str> {
    text.split(',')
        .flat_map(|part| part.split(" and "))
        .map(|name| name.trim().trim_start_matches("and ").trim_end_matches('.').trim())
        .filter(|name| !name.is_empty())
}

/// Names between commas or spaces, as MeetBot takes them.
pub(super) fn spaced(text: &str) -> impl Iterator<Item = &str> {
    text.split([',', ' ', '\t']).filter(|name| !name.is_empty())
}

/// The title in `3 -- Roses -- taken up [from otto]`, and in `3. "Roses" taken up [from otto]`.
pub(super) fn quoted_agendum(text: &str) -> Option<&str> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (text, _) = text.get(digits..)?.rsplit_once("taken up")?;
    let text = text.trim_start_matches('.').trim();
    let inner = text.strip_prefix("--").and_then(|it| it.strip_suffix("--"));
    let inner = inner.or_else(|| text.strip_prefix('"')?.strip_suffix('"'))?.trim();
    (digits > 0 && !inner.is_empty()).then_some(inner)
}

/// Who an action is for, and what is to be done; none where its text does not begin with names.
pub(super) fn action_parts(text: &str) -> (Option<&str>, &str) {
    let text = text.trim();
    let parts = [(" to ", ""), (": ", ""), (" - ", ""), (" will ", "")].into_iter();
    let split = |(mark, _): (&str, &str)| {
        let at = text.find(mark)?;
        let (who, what) = (text[..at].trim(), text[at + mark.len()..].trim());
        is_names(who).then_some((at, who, what))
    };
    match parts.filter_map(split).min_by_key(|&(at, ..)| at) {
        Some((_, who, what)) if !what.is_empty() => (Some(who), what),
        _ => (None, text),
    }
}

/// Whether the words can be names: few, none of them a verb of a sentence's beginning.
fn is_names(text: &str) -> bool {
    const NO_NAMES: &[&str] = &[
        "need", "needs", "go", "try", "remember", "have", "has", "find", "ask", "talk", "write",
        "move", "add", "reach", "continue", "follow", "send", "get", "make", "set", "look", "a",
        "the", "to", "we", "this", "that", "someone", "somebody", "it",
    ];
    let n_words = text.split(' ').count();
    let is_name = |word: &str| {
        let word = word.trim_matches([',', '@']);
        !word.is_empty()
            && !word.contains("://")
            && !NO_NAMES.iter().any(|verb| word.eq_ignore_ascii_case(verb))
    };
    !text.is_empty() && n_words <= NAME_WORDS && text.split(' ').all(is_name)
}

/// The names in front of an action, one by one.
pub(super) fn owners(text: &str) -> impl Iterator<Item = &str> {
    text.split([',', '&', '/', '+'])
        .flat_map(|part| part.split(" and "))
        .map(|name| name.trim().trim_start_matches('@').trim_start_matches("and ").trim())
        .filter(|name| !name.is_empty())
}

/// Whether `text` has `name` as a word of its own, in any case.
pub(super) fn mentions(text: &str, name: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || "_-[]{}|\\`^".contains(c);
    let (text, name) = (text.to_lowercase(), name.to_lowercase());
    !name.is_empty()
        && text.match_indices(&name).any(|(at, found)| {
            !text[..at].ends_with(is_part) && !text[at + found.len()..].starts_with(is_part)
        })
}
