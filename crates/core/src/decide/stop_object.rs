//! The STOP object: present means that the recovery Region takes the traffic.

/// What to do with the object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It is there.
    Done,
    /// Put it.
    Put,
}

/// Decides from whether the object is there.
pub fn decide(present: bool) -> Decision {
    if present { Decision::Done } else { Decision::Put }
}

/// Whether the undo removes the object: only if it was not there before this run.
pub fn decide_undo(present: bool, present_before: bool) -> bool {
    present && !present_before
}

#[cfg(test)]
mod tests;
