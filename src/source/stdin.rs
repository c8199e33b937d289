//! Standard input.
#![forbid(unsafe_code)]
use super::Inbox;

/// Reads standard input to its end, in a thread of its own, and sends [`super::Input::Ended`] last.
pub fn spawn(inbox: Inbox) {
    let _ = inbox;
}
