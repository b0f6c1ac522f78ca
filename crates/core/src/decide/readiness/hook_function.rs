//! Can the owner's function be called? What it does then is known to its owner alone.

use super::Readiness;
use crate::decide::hook::first_line;
use crate::observed::HookFunctionObserved;
use crate::plan::LambdaHook;

/// A Lambda function of the Region that is brought up.
pub fn function(hook: &LambdaHook, observed: Option<&HookFunctionObserved>) -> Readiness {
    let resource = hook.resource();
    let Some(function) = observed else {
        return Readiness::Problem(format!(
            "{resource}: there is no such Lambda function, alias or version in the Region that is brought up; correct functionName and qualifier in \
             the plan, or create the function there"
        ));
    };
    match function.state.as_str() {
        "Failed" => {
            let reason = function.state_reason.as_deref().map(|reason| format!(": {}", first_line(reason)));
            Readiness::Problem(format!(
                "{resource}: the Lambda function is Failed{}; create it again",
                reason.unwrap_or_default()
            ))
        }
        "Pending" => Readiness::Wait(format!("the Lambda function {resource} is Pending")),
        // One that nobody called for weeks: its first call wakes it (Lambda developer guide, "Lambda function states").
        "Inactive" => Readiness::Ready(format!("the Lambda function {resource} is Inactive; its first call wakes it")),
        _ => Readiness::Ready(format!("the Lambda function {resource} is there")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(state: Option<&str>, qualifier: Option<&str>) -> String {
        let hook = LambdaHook {
            name: "deploy".into(),
            wave: 1,
            function_name: "shop-hook".into(),
            qualifier: qualifier.map(str::to_owned),
            payload: None,
            call_timeout_seconds: 10,
            dry_run_call: false,
            undo_call: false,
            timeout_seconds: 60,
        };
        let reason = Some("The function image is gone\nand more".to_owned());
        let seen = state.map(|state| HookFunctionObserved { state: state.into(), state_reason: reason });
        match function(&hook, seen.as_ref()) {
            Readiness::Ready(seen) => format!("ready: {seen}"),
            Readiness::Wait(seen) => format!("wait: {seen}"),
            Readiness::Problem(seen) => format!("problem: {seen}"),
        }
    }

    #[test]
    fn what_is_said_of_a_function_before_it_is_called() {
        let missing = told(None, Some("live"));
        assert!(missing.starts_with("problem: shop-hook:live: there is no such Lambda function"), "{missing}");
        assert_eq!(told(Some("Active"), None), "ready: the Lambda function shop-hook is there");
        assert_eq!(told(Some("Pending"), None), "wait: the Lambda function shop-hook is Pending");
        assert!(told(Some("Inactive"), None).starts_with("ready: "));
        let failed = "problem: shop-hook: the Lambda function is Failed: The function image is gone; create it again";
        assert_eq!(told(Some("Failed"), None), failed);
    }
}
