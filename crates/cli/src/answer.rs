//! What a command answers.

/// The exit codes, documented in `pilot --help`. The worst of several files wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Verdict {
    /// Nothing is wrong.
    Ok = 0,
    /// The document has problems; what was asked for was refused; the run did not succeed.
    Problems = 1,
    /// The command line is wrong, a file cannot be read, AWS cannot be asked. clap exits with the same code.
    Unusable = 2,
}

/// What a command answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// For standard output.
    pub text: String,
    /// For standard error: what kept the command from doing its work.
    pub complaint: String,
    /// The exit code.
    pub verdict: Verdict,
}

impl Answer {
    /// All is well.
    pub fn ok(text: String) -> Self {
        Answer { text, complaint: String::new(), verdict: Verdict::Ok }
    }

    /// The document has these problems. They are what was asked for, so they go to standard output.
    pub fn problems(text: String) -> Self {
        Answer { text, complaint: String::new(), verdict: Verdict::Problems }
    }

    /// What was asked for makes no sense as things are: nothing was done.
    pub fn refused(complaint: String) -> Self {
        Answer { text: String::new(), complaint, verdict: Verdict::Problems }
    }

    /// The work could not be done.
    pub fn unusable(complaint: String) -> Self {
        Answer { text: String::new(), complaint, verdict: Verdict::Unusable }
    }

    /// One answer after the other.
    pub fn and(mut self, other: Answer) -> Self {
        self.text += &other.text;
        self.complaint += &other.complaint;
        self.verdict = self.verdict.max(other.verdict);
        self
    }
}
