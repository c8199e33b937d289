//! Finds the word that an eSpeak event means. Its character positions are right for plain words;
//! the parts of a number get places somewhere in the number, some of them twice.
#![forbid(unsafe_code)]

use crate::engine::traits::Word;

/// The words of one text, in the order they are spoken.
pub(super) struct Words {
    text: Vec<char>,
    /// The earliest place of the next one.
    next: usize,
}

impl Words {
    pub(super) fn of(text: &str) -> Self {
        Self { text: text.chars().collect(), next: 0 }
    }

    /// The word at eSpeak's `position` (from 1) of `length` characters; none where no word begins
    /// there, or where it is not after the last one.
    pub(super) fn next(&mut self, position: i32, length: i32) -> Option<Word> {
        let start = usize::try_from(position).ok()?.checked_sub(1)?;
        let is_blank = self.text.get(start)?.is_whitespace();
        let before = start.checked_sub(1).map(|before| self.text[before]);
        if start < self.next || is_blank || before.is_some_and(char::is_alphanumeric) {
            return None;
        }
        let length = usize::try_from(length).unwrap_or(0).clamp(1, self.text.len() - start);
        self.next = start + 1;
        Some(Word { start, length })
    }
}

#[test]
fn only_places_where_a_word_begins_count() {
    // What eSpeak NG 1.51 gives for this text: position and length.
    let mut words = Words::of("it's 2013-09-12 né 👍 v1.2");
    for (position, length, expected) in [
        (1, 2, Some((0, 2))),
        (6, 4, Some((5, 4))),
        (7, 4, None), // within 2013
        (10, 1, None),
        (11, 2, Some((10, 2))),
        (11, 2, None), // again
        (17, 2, Some((16, 2))),
        (20, 1, Some((19, 1))),
        (21, 1, None), // a blank
        (22, 9, Some((21, 4))),
        (0, 1, None),
        (-5, 1, None),
        (99, 1, None),
    ] {
        let got = words.next(position, length).map(|word| (word.start, word.length));
        assert_eq!(got, expected, "at {position}");
    }
}
