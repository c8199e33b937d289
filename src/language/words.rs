//! The common words and the letters of each language, as a table from a hash to the languages that
//! have the word.
#![forbid(unsafe_code)]

use super::code::Language;

/// A set of the languages of [`Words::languages`]: bit 0 is the first.
pub(super) type Set = u64;

/// A line for each language: its code, then its words.
const LISTS: &str = include_str!("words.txt");

/// Letters beyond `a` to `z` by which languages that share a script are recognised. A letter that
/// is not here is in too many of them.
const LETTERS: &[(&str, &str)] = &[
    ("af", "êëô"),
    ("az", "əğışçöü"),
    ("ca", "çàèéíòóú·"),
    ("cs", "ěřůčšžýáíéúďťň"),
    ("cy", "ŵŷâêîô"),
    ("da", "åøæ"),
    ("de", "äöüß"),
    ("eo", "ĉĝĥĵŝŭ"),
    ("es", "ñáéíóúü"),
    ("et", "õäöüš"),
    ("eu", "ñ"),
    ("fi", "äö"),
    ("fr", "éèêëàâçîïôûùœ"),
    ("ga", "áéíóú"),
    ("hr", "čćđšž"),
    ("hu", "őűáéíóöúü"),
    ("is", "þðáéíóúýæö"),
    ("it", "àèéìòù"),
    ("lt", "ąčęėįšųūž"),
    ("lv", "āčēģīķļņšūž"),
    ("nb", "åøæ"),
    ("nl", "ëï"),
    ("pl", "ąćęłńóśźż"),
    ("pt", "ãõáâàçéêíóôú"),
    ("ro", "ăâîșțşţ"),
    ("sk", "áäčďéíĺľňóôŕšťúýž"),
    ("sl", "čšž"),
    ("sq", "ëç"),
    ("sv", "åäö"),
    ("tr", "ğışçöü"),
    ("vi", "ăâđêôơưạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹàáãèéìíòóõùúý"),
    ("ru", "ёъыэщ"),
    ("uk", "ґєіїщ"),
    ("be", "іўёыэ"),
    ("bg", "ъщ"),
    ("sr", "ђјљњћџ"),
    ("mk", "ѓѕјљњќџ"),
    ("kk", "әғқңөұүһіыэ"),
    ("ar", "ةيكىأإؤئ"),
    ("fa", "پچژگیک"),
    ("ur", "پچژگیکٹڈڑںےہھ"),
    ("mr", "ळ"),
];

/// The letters of Latin words without their marks, where a keyboard has none: `für` is `fur`.
const PLAIN: &[(&str, &str)] = &[
    ("áàâäãåăąā", "a"),
    ("çćč", "c"),
    ("ďđ", "d"),
    ("éèêëęěėē", "e"),
    ("ğģ", "g"),
    ("íìîïįīı", "i"),
    ("ķ", "k"),
    ("łľļ", "l"),
    ("ñńňņ", "n"),
    ("óòôöõőø", "o"),
    ("ř", "r"),
    ("śšșşß", "s"),
    ("ťțţ", "t"),
    ("úùûüűůų", "u"),
    ("ýÿ", "y"),
    ("źżž", "z"),
];

/// What is known of the allowed languages.
#[derive(Debug, Default)]
pub(super) struct Words {
    /// The languages with a list of words.
    languages: Vec<Language>,
    /// Hashes of words and their languages, at the place of the hash or after it; 0 is free.
    slots: Vec<(u64, Set)>,
    /// Letters and their languages, in order.
    letters: Vec<(char, Set)>,
}

impl Words {
    /// The words of the languages that are `allowed`.
    pub(super) fn of(allowed: impl Fn(Language) -> bool) -> Self {
        let lists: Vec<_> =
            LISTS.lines().filter_map(|line| list(line, &allowed)).take(64).collect();
        let n_words: usize = lists.iter().map(|(_, words)| words.split(' ').count()).sum();
        let mut all = Self {
            languages: lists.iter().map(|it| it.0).collect(),
            slots: vec![(0, 0); (3 * n_words).next_power_of_two()],
            letters: Vec::new(),
        };
        for (at, (_, words)) in lists.iter().enumerate() {
            for word in words.split_whitespace() {
                all.insert(word, 1 << at);
                if word.chars().count() > 2 {
                    all.insert(&without_marks(word), 1 << at);
                }
            }
        }
        for (at, language) in all.languages.iter().enumerate() {
            let own = LETTERS.iter().find(|it| it.0 == language.code());
            for letter in own.map_or("", |it| it.1).chars() {
                match all.letters.iter_mut().find(|it| it.0 == letter) {
                    Some((_, set)) => *set |= 1 << at,
                    None => all.letters.push((letter, 1 << at)),
                }
            }
        }
        all.letters.sort_unstable();
        all
    }

    fn insert(&mut self, word: &str, set: Set) {
        let hash = hash(word.as_bytes());
        let at = self.place(hash);
        self.slots[at].0 = hash;
        self.slots[at].1 |= set;
    }

    /// Where that hash is, or would be: the table is never full.
    fn place(&self, hash: u64) -> usize {
        let mask = self.slots.len() - 1;
        #[expect(clippy::cast_possible_truncation, reason = "any bits of a hash do")]
        let mut at = (hash ^ (hash >> 32)) as usize & mask;
        while self.slots[at].0 != hash && self.slots[at].0 != 0 {
            at = (at + 1) & mask;
        }
        at
    }

    /// The languages that have the word with this [`hash`].
    pub(super) fn languages_of(&self, hash: u64) -> Set {
        self.slots[self.place(hash)].1
    }

    /// The languages that have this letter; none where it is no evidence.
    pub(super) fn letter(&self, letter: char) -> Set {
        let found = self.letters.binary_search_by_key(&letter, |it| it.0);
        found.map_or(0, |at| self.letters[at].1)
    }

    /// The languages with lists, by bit.
    pub(super) fn languages(&self) -> &[Language] {
        &self.languages
    }

    /// The bytes that it takes.
    pub(super) fn size(&self) -> usize {
        self.slots.len() * size_of::<(u64, Set)>()
            + self.letters.len() * size_of::<(char, Set)>()
            + self.languages.len()
    }
}

/// The hash of a word in small letters, eight bytes at once; letters beyond ASCII count as they are.
pub(super) fn hash(word: &[u8]) -> u64 {
    let (chunks, rest) = word.as_chunks::<8>();
    let chunks = chunks.iter().map(|it| u64::from_le_bytes(*it));
    let rest = rest.iter().rev().fold(0, |bytes, b| (bytes << 8) | u64::from(*b));
    let hash = chunks.chain([rest]).fold(word.len() as u64, add);
    hash.wrapping_mul(PRIME)
}

/// The same of a word of less than eight small letters, which are the lowest bytes of `word`.
pub(super) fn hash_of_short(word: u64, length: usize) -> u64 {
    add_small(length as u64, word).wrapping_mul(PRIME)
}

fn add(hash: u64, bytes: u64) -> u64 {
    add_small(hash, lower(bytes))
}

fn add_small(hash: u64, bytes: u64) -> u64 {
    (hash ^ bytes).wrapping_mul(PRIME).rotate_left(29)
}

/// An odd number of many bits: the golden ratio's.
const PRIME: u64 = 0x9e37_79b9_7f4a_7c15;

/// Eight bytes with the capitals of ASCII among them small.
fn lower(bytes: u64) -> u64 {
    const EACH: u64 = 0x0101_0101_0101_0101;
    let low = bytes & (0x7f * EACH);
    // Their highest bits: from `A` on, and behind `Z`.
    let (from_a, behind_z) = (low + 0x3f * EACH, low + 0x25 * EACH);
    bytes | ((!bytes & (from_a ^ behind_z) & (0x80 * EACH)) >> 2)
}

/// A line of the lists, if it is of an allowed language.
fn list(line: &str, allowed: impl Fn(Language) -> bool) -> Option<(Language, &str)> {
    let (code, words) = line.split_once(' ')?;
    let language = Language::from_code(code).filter(|_| !line.starts_with('#'))?;
    allowed(language).then_some((language, words))
}

/// A word as it is typed where a keyboard lacks its letters.
fn without_marks(word: &str) -> String {
    let plain =
        |c: char| PLAIN.iter().find(|it| it.0.contains(c)).and_then(|it| it.1.chars().next());
    word.chars().map(|c| plain(c).unwrap_or(c)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(words: &Words, word: &str) -> Vec<&'static str> {
        let set = words.languages_of(hash(word.as_bytes()));
        let languages = words.languages().iter().enumerate();
        languages.filter(|(at, _)| set & (1 << at) != 0).map(|(_, it)| it.code()).collect()
    }

    #[test]
    fn every_list_is_of_a_language_and_each_word_is_found() {
        let words = Words::of(|_| true);
        let lines = LISTS.lines().filter(|line| !line.starts_with('#'));
        for line in lines.clone() {
            let (code, list) = line.split_once(' ').expect("words");
            assert!(Language::from_code(code).is_some_and(|it| it.code() == code), "{code}");
            for word in list.split(' ') {
                assert!(of(&words, word).contains(&code), "{code}: {word:?}");
                assert_eq!(word, word.to_lowercase(), "{code}");
            }
        }
        assert_eq!(words.languages().len(), lines.count());
        assert!(words.languages().len() <= 64);
        for (code, letters) in LETTERS {
            assert!(words.languages().iter().any(|it| it.code() == *code), "{code}");
            assert!(letters.chars().all(|it| words.letter(it) != 0));
        }
        assert_eq!(of(&words, "supercalifragilistic"), [""; 0]);
    }

    #[test]
    fn capitals_are_small_in_the_hash() {
        for (word, small) in
            [("Ok", "ok"), ("@AZ[`az{", "@az[`az{"), ("ÜBERGABEZEIT", "Übergabezeit")]
        {
            assert_eq!(hash(word.as_bytes()), hash(small.as_bytes()), "{word}");
        }
        assert_eq!(hash(b"abc"), hash_of_short(0x63_62_61, 3));
        assert_ne!(hash(b"a"), hash(b"a\0"));
        assert_ne!(hash("é".as_bytes()), hash("É".as_bytes()));
    }

    #[test]
    fn words_are_known_without_their_marks() {
        let words = Words::of(|it| ["en", "de", "pl"].contains(&it.code()));
        for word in ["für", "natürlich", "naturlich"] {
            assert_eq!(of(&words, word), ["de"]);
        }
        assert_eq!(of(&words, "fur"), ["en", "de"]);
        assert_eq!(of(&words, "prosze"), ["pl"]);
        assert_eq!(of(&words, "très"), [""; 0], "not allowed");
    }
}
