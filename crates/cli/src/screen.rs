//! What a command shows while it works: lines, and on a terminal what it waits for.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// Where progress is shown.
pub trait Screen {
    /// A line that stays.
    fn line(&mut self, text: &str);
    /// What is waited for right now. Only a terminal shows it.
    fn waiting(&mut self, text: &str);
    /// Nothing is waited for any more.
    fn done(&mut self);
}

/// Standard output: with a spinner if somebody watches, in plain lines if not.
#[derive(Debug)]
pub struct Terminal {
    watched: bool,
    spinner: Option<ProgressBar>,
}

const SPIN: Duration = Duration::from_millis(120);

impl Terminal {
    /// Standard output as it is.
    pub fn new() -> Self {
        Terminal { watched: std::io::stdout().is_terminal(), spinner: None }
    }
}

impl Screen for Terminal {
    fn line(&mut self, text: &str) {
        let write = || {
            let mut out = std::io::stdout().lock();
            // A reader that has heard enough does not end the following: the exit code still says how the run ended.
            let _ = writeln!(out, "{text}").and_then(|()| out.flush());
        };
        match &self.spinner {
            Some(spinner) => spinner.suspend(write),
            None => write(),
        }
    }

    fn waiting(&mut self, text: &str) {
        if self.watched {
            let spinner = self.spinner.get_or_insert_with(|| {
                let spinner = ProgressBar::new_spinner();
                if let Ok(style) = ProgressStyle::with_template("{spinner} {elapsed_precise} {wide_msg}") {
                    spinner.set_style(style);
                }
                spinner.enable_steady_tick(SPIN);
                spinner
            });
            spinner.set_message(text.to_owned());
        }
    }

    fn done(&mut self) {
        if let Some(spinner) = self.spinner.take() {
            spinner.finish_and_clear();
        }
    }
}
