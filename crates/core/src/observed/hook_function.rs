//! What was seen of a Lambda function of the owner's that is a hook.

/// The function, as `GetFunctionConfiguration` tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookFunctionObserved {
    /// Its state (`Pending`, `Active`, `Inactive`, `Failed`).
    pub state: String,
    /// Why it is in that state, if Lambda says so.
    pub state_reason: Option<String>,
}

/// What an invocation came to. What the function returned may hold anything: it is read by
/// [`decide::hook_function`](crate::decide::hook_function) and never repeated whole.
#[derive(Clone, PartialEq, Eq)]
pub struct Invoked {
    /// `FunctionError` (`Handled`, `Unhandled`): the function ended in an error, which the payload describes.
    pub function_error: Option<String>,
    /// What it returned.
    pub payload: Vec<u8>,
}

impl std::fmt::Debug for Invoked {
    /// Without what it returned: that is the owner's business.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Invoked { function_error, payload } = self;
        write!(f, "Invoked {{ function_error: {function_error:?}, payload: {} bytes }}", payload.len())
    }
}
