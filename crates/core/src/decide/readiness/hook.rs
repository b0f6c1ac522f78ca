//! Can the hooks be started? They are the owner's, so only that they are there and may be called is known beforehand.

use super::Readiness;

/// A CodeBuild project.
pub fn project(project_name: &str, exists: bool) -> Readiness {
    if exists {
        Readiness::Ready(format!("the CodeBuild project {project_name} is there"))
    } else {
        Readiness::Problem(format!(
            "{project_name}: there is no such CodeBuild project in the Region that is brought up; correct projectName in the plan, or create the \
             project there"
        ))
    }
}

#[cfg(test)]
mod tests;
