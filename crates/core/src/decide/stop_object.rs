//! The STOP object: present means that the recovery Region takes the traffic.

/// What to do with the object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It is there.
    Done,
    /// Put it.
    Put,
    /// Delete it.
    Remove,
}

/// Decides from whether the object is there, and whether it is to be: present, or on the way home absent.
pub fn decide(present: bool, wanted: bool) -> Decision {
    match (present, wanted) {
        (false, true) => Decision::Put,
        (true, false) => Decision::Remove,
        _ => Decision::Done,
    }
}

/// Whether the undo of a put removes the object: only if it was not there before this run.
pub fn decide_undo(present: bool, present_before: bool) -> bool {
    present && !present_before
}

/// Whether the undo of a removal puts the object back: only if it was there before this run.
pub fn decide_undo_removal(present: bool, present_before: bool) -> bool {
    !present && present_before
}

#[cfg(test)]
mod tests;
