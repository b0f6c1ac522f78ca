use super::*;

#[test]
fn a_project_is_there_or_the_plan_is_wrong() {
    assert!(matches!(project("deploy", true), Readiness::Ready(_)));
    let Readiness::Problem(problem) = project("deploy", false) else { panic!("a project that is not there is ready") };
    assert!(problem.starts_with("deploy: ") && problem.contains("projectName"), "{problem}");
}
