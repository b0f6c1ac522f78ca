//! `rollback`: undoes what a run did, newest first, from its journal - or, past the pivot, says that nothing may be undone.
//!
//! It knows no kind itself: every undo lives beside its act, in the crate that owns the kind.

pub mod handler;
pub mod undo;
