//! All of this crate's tests in one program: each program would be linked with the SDKs anew.

mod gate;
mod planned;
