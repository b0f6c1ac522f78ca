//! A screen that remembers.

use crate::screen::Screen;

/// What was shown.
#[derive(Debug, Default)]
pub struct Recorded {
    /// The lines that stay.
    pub lines: Vec<String>,
    /// What was waited for, in order.
    pub waited_for: Vec<String>,
    /// Whether the waiting was ended.
    pub done: bool,
}

impl Screen for Recorded {
    fn line(&mut self, text: &str) {
        self.lines.push(text.to_owned());
    }

    fn waiting(&mut self, text: &str) {
        self.waited_for.push(text.to_owned());
    }

    fn done(&mut self) {
        self.done = true;
    }
}
