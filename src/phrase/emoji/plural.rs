//! English plurals of the names of emoji.
#![forbid(unsafe_code)]

/// What follows the noun that changes: "cup with straw" has "cups with straw".
const AFTER_NOUN: &[&str] = &[
    " with ",
    " of ",
    " in ",
    " on ",
    " and ",
    " at ",
    " from ",
    " over ",
    " to ",
    " showing ",
    " without ",
    " behind ",
    " fluttering ",
    " for ",
    " above ",
    " below ",
];

/// Last words that have no plural, as most of them are no nouns: "3 times prohibited".
const NO_PLURAL: &[&str] = &[
    "all",
    "and",
    "away",
    "bald",
    "because",
    "between",
    "bowling",
    "by",
    "camping",
    "checked",
    "cooking",
    "decreasing",
    "divide",
    "dizzy",
    "done",
    "down",
    "downwards",
    "eighteen",
    "element",
    "equal",
    "equivalent",
    "exists",
    "fill",
    "filled",
    "foggy",
    "force",
    "free",
    "greater-than",
    "hockey",
    "image",
    "increasing",
    "infinity",
    "information",
    "left",
    "leftwards",
    "less-than",
    "locked",
    "luggage",
    "minus",
    "money",
    "multiply",
    "negation",
    "not",
    "o'clock",
    "off",
    "or",
    "out",
    "parallel",
    "plus",
    "precedes",
    "prohibited",
    "proportional",
    "radioactive",
    "registered",
    "right",
    "rightwards",
    "s",
    "succeed",
    "succeeds",
    "therefore",
    "times",
    "two",
    "unchecked",
    "unlocked",
    "up",
    "upwards",
    "wireless",
];

/// Last words whose plural no rule gives.
const IRREGULAR: &[(&str, &str)] = &[
    ("bison", "bison"),
    ("deer", "deer"),
    ("die", "dice"),
    ("goose", "geese"),
    ("knife", "knives"),
    ("leaf", "leaves"),
    ("moose", "moose"),
    ("mouse", "mice"),
    ("ox", "oxen"),
    ("potato", "potatoes"),
    ("scarf", "scarves"),
    ("sheaf", "sheaves"),
    ("shrimp", "shrimp"),
    ("snowman", "snowmen"),
    ("squid", "squid"),
    ("sushi", "sushi"),
    ("tomato", "tomatoes"),
    ("volcano", "volcanoes"),
    ("wolf", "wolves"),
];

/// "fires" for "fire"; none where English does not form it simply.
pub(super) fn plural(name: &str) -> Option<String> {
    let end = AFTER_NOUN.iter().filter_map(|word| name.find(word)).min().unwrap_or(name.len());
    let (noun, rest) = name.split_at(end);
    let last = noun.rsplit([' ', '-']).next().unwrap_or_default();
    let is_word = last.ends_with(|c: char| c.is_ascii_alphabetic());
    if !is_word || name.starts_with("no ") || name.contains([',', '!']) || has_none(noun, last) {
        return None;
    }
    let stem = &noun[..noun.len() - last.len()];
    let irregular = IRREGULAR.iter().find(|(one, _)| *one == last);
    let many = irregular.map_or_else(|| regular(last), |(_, many)| (*many).to_owned());
    Some(format!("{stem}{many}{rest}"))
}

/// Whether `noun`, whose last word is `last`, has no plural.
fn has_none(noun: &str, last: &str) -> bool {
    let whole = noun.rsplit(' ').next().unwrap_or_default();
    last == "thirty" || NO_PLURAL.contains(&last) || NO_PLURAL.contains(&whole)
}

fn regular(word: &str) -> String {
    let ends = |ends: &[&str]| ends.iter().any(|end| word.ends_with(end));
    match word.strip_suffix('y') {
        Some(stem) if !stem.ends_with(['a', 'e', 'i', 'o', 'u']) => format!("{stem}ies"),
        _ if ends(&["fish"]) => word.to_owned(),
        _ if ends(&["ss", "us", "x", "ch", "sh", "z"]) => format!("{word}es"),
        _ if ends(&["s"]) => word.to_owned(), // "sparkles"
        _ => format!("{word}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_noun_has_the_plural() {
        for (one, many) in [
            ("fire", "fires"),
            ("red heart", "red hearts"),
            ("cup with straw", "cups with straw"),
            ("bow and arrow", "bows and arrow"),
            ("cherry", "cherries"),
            ("donkey", "donkeys"),
            ("glass of milk", "glasses of milk"),
            ("bus", "buses"),
            ("cross", "crosses"),
            ("box", "boxes"),
            ("sparkles", "sparkles"),
            ("tropical fish", "tropical fish"),
            ("maple leaf", "maple leaves"),
            ("sheaf of rice", "sheaves of rice"),
            ("double left-right arrow", "double left-right arrows"),
        ] {
            assert_eq!(plural(one).as_deref(), Some(many), "name: {one}");
        }
        for name in ["prohibited", "no entry", "eight-thirty", "two o'clock", "10", "UP! button"] {
            assert_eq!(plural(name), None, "name: {name}");
        }
    }
}
