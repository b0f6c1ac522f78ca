//! What AWS Backup's events say, and whether the newest recovery point is good enough.
//!
//! AWS behaviour relied on (AWS Backup developer guide, "Monitoring AWS Backup events using Amazon EventBridge"): backup and copy jobs
//! carry `detail.state`, recovery points and restore jobs `detail.status` - but a restore job's CREATED carries `state`; sizes are
//! strings in backup and restore events and numbers in copy events; an ARN that does not exist yet is `{}`; CREATED is sparse; the
//! recovery point of a completed backup stands in `resources[0]`; COMPLETED with a `statusMessage` is "completed with issues".
//! Events are best effort and late: [`judge_target`] looks at what is there.

use jiff::Timestamp;
use serde_json::Value;

use crate::plan::BackupTarget;

/// What an event is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// *Backup Job State Change*.
    BackupJob,
    /// *Copy Job State Change*.
    CopyJob,
    /// *Restore Job State Change*.
    RestoreJob,
    /// *Recovery Point State Change*.
    RecoveryPoint,
}

impl Subject {
    /// The subject of a detail type, if it is one we know.
    pub fn of(detail_type: &str) -> Option<Self> {
        match detail_type {
            "Backup Job State Change" => Some(Subject::BackupJob),
            "Copy Job State Change" => Some(Subject::CopyJob),
            "Restore Job State Change" => Some(Subject::RestoreJob),
            "Recovery Point State Change" => Some(Subject::RecoveryPoint),
            _ => None,
        }
    }

    /// The subject for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Subject::BackupJob => "backup job",
            Subject::CopyJob => "copy job",
            Subject::RestoreJob => "restore job",
            Subject::RecoveryPoint => "recovery point",
        }
    }
}

/// How the subject stands by its state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// On its way.
    Underway,
    /// Completed, without a word.
    Completed,
    /// Completed, with a message that somebody should read.
    CompletedWithIssues,
    /// There is no usable result. EXPIRED, PARTIAL and ABORTED are failures: each leaves less protection than the plan promises.
    Failed,
    /// A recovery point that is being, or was, deleted by its lifecycle or a person.
    Deleted,
}

/// What an event says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct News {
    /// About what.
    pub subject: Subject,
    /// How it stands.
    pub standing: Standing,
    /// The state as AWS writes it.
    pub state: String,
    /// The job's id; a recovery point has none.
    pub job_id: Option<String>,
    /// The resource that is backed up.
    pub resource_arn: Option<String>,
    /// Its type (`RDS`, `Aurora`, ...).
    pub resource_type: Option<String>,
    /// The vault's name; from its ARN where the event gives only that.
    pub vault_name: Option<String>,
    /// The recovery point, once there is one.
    pub recovery_point_arn: Option<String>,
    /// The backup's size.
    pub size_bytes: Option<u64>,
    /// AWS's own words.
    pub status_message: Option<String>,
    /// For a restore job of a restore testing plan.
    pub restore_testing_plan_arn: Option<String>,
}

/// Reads an event's detail.
///
/// # Errors
/// What is wrong with it, in a sentence: an unknown kind, a missing state, a state this version does not know.
pub fn read(detail_type: &str, resources: &[String], detail: &Value) -> Result<News, String> {
    let subject = Subject::of(detail_type).ok_or_else(|| format!("detail-type {detail_type:?} is not one it takes"))?;
    let state = state(subject, detail)?;
    let status_message = text(detail, &["statusMessage"]);
    let standing = standing(subject, &state, status_message.is_some())
        .ok_or_else(|| format!("{} state {state:?} is not one it knows", subject.as_str()))?;
    Ok(News {
        subject,
        standing,
        job_id: text(detail, &["backupJobId", "copyJobId", "restoreJobId"]),
        resource_arn: text(detail, &["resourceArn", "sourceResourceArn"]),
        resource_type: text(detail, &["resourceType"]),
        vault_name: vault_name(detail),
        recovery_point_arn: recovery_point(subject, standing, resources, detail),
        size_bytes: detail.get("backupSizeInBytes").and_then(size),
        status_message,
        restore_testing_plan_arn: text(detail, &["restoreTestingPlanArn"]),
        state,
    })
}

fn state(subject: Subject, detail: &Value) -> Result<String, String> {
    let fields: &[&str] = match subject {
        Subject::BackupJob | Subject::CopyJob => &["state"],
        Subject::RecoveryPoint => &["status"],
        Subject::RestoreJob => &["status", "state"],
    };
    text(detail, fields).ok_or_else(|| format!("a {} without detail.{}", subject.as_str(), fields.join(" or detail.")))
}

fn standing(subject: Subject, state: &str, has_message: bool) -> Option<Standing> {
    Some(match (subject, state) {
        (_, "COMPLETED") if has_message => Standing::CompletedWithIssues,
        (_, "COMPLETED") => Standing::Completed,
        (_, "FAILED" | "ABORTED" | "EXPIRED" | "PARTIAL") => Standing::Failed,
        // A continuous backup that goes on, and one that was switched off under it.
        (Subject::RecoveryPoint, "AVAILABLE" | "CREATING") => Standing::Underway,
        (Subject::RecoveryPoint, "STOPPED") => Standing::Failed,
        (Subject::RecoveryPoint, "DELETING" | "DELETED") => Standing::Deleted,
        (Subject::RecoveryPoint, _) => return None,
        (_, "CREATED" | "PENDING" | "RUNNING" | "ABORTING") => Standing::Underway,
        _ => return None,
    })
}

/// The first of these fields that is a text with something in it: what does not exist yet is `{}` or missing.
fn text(detail: &Value, fields: &[&str]) -> Option<String> {
    fields
        .iter()
        .filter_map(|field| detail.get(field).and_then(Value::as_str))
        .find(|value| !value.is_empty())
        .map(str::to_owned)
}

fn size(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

fn vault_name(detail: &Value) -> Option<String> {
    text(detail, &["backupVaultName"]).or_else(|| {
        let arn = text(detail, &["backupVaultArn", "destinationBackupVaultArn"])?;
        arn.split(":backup-vault:").nth(1).map(str::to_owned)
    })
}

fn recovery_point(subject: Subject, standing: Standing, resources: &[String], detail: &Value) -> Option<String> {
    let completed = matches!(standing, Standing::Completed | Standing::CompletedWithIssues);
    match subject {
        Subject::BackupJob if completed => resources.first().cloned(),
        Subject::RecoveryPoint => resources.first().cloned(),
        Subject::BackupJob => None,
        Subject::CopyJob => text(detail, &["destinationRecoveryPointArn"]),
        Subject::RestoreJob => text(detail, &["recoveryPointArn"]),
    }
}

/// A message for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// One line.
    pub subject: String,
    /// What happened, to what, and what to do.
    pub message: String,
}

/// The notice about an event, if it is one that somebody should read.
pub fn notice(news: &News) -> Option<Notice> {
    let (word, next) = match news.standing {
        Standing::Failed => (
            "failed",
            "look at the job in AWS Backup and start it again; until it completes, protection is older than planned",
        ),
        Standing::CompletedWithIssues => {
            ("completed with issues", "read the message; what it names is not in the backup")
        }
        Standing::Underway | Standing::Completed | Standing::Deleted => return None,
    };
    let subject = news.subject.as_str();
    let unknown = "not said";
    let said = |value: &Option<String>| value.clone().unwrap_or_else(|| unknown.into());
    Some(Notice {
        subject: format!("Pilot Light: {subject} {word} ({})", news.state),
        message: format!(
            "A {subject} {word}: state {}.\nResource: {} ({})\nVault: {}\nJob: {}\nRecovery point: {}\nAWS Backup says: {}\nNext: {next}.\n",
            news.state,
            said(&news.resource_arn),
            said(&news.resource_type),
            said(&news.vault_name),
            said(&news.job_id),
            said(&news.recovery_point_arn),
            said(&news.status_message),
        ),
    })
}

/// A recovery point as listed in a vault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecoveryPointSeen {
    /// Its ARN.
    pub arn: String,
    /// Its status.
    pub status: String,
    /// When the backup began: what was written later is not in it.
    pub created_at: Timestamp,
}

/// How a target of the plan stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TargetStanding {
    /// Its newest completed recovery point is young enough.
    Within {
        /// The recovery point.
        arn: String,
        /// Its age.
        age_seconds: i64,
    },
    /// Its newest completed recovery point is too old.
    TooOld {
        /// The recovery point.
        arn: String,
        /// Its age.
        age_seconds: i64,
    },
    /// The vault has no completed recovery point of it.
    Nothing,
}

/// Holds a target's newest **completed** recovery point against its age: a running, partial or expired one restores nothing.
pub fn judge_target(target: &BackupTarget, points: &[RecoveryPointSeen], now: Timestamp) -> TargetStanding {
    let newest = points.iter().filter(|p| p.status == "COMPLETED").max_by_key(|p| p.created_at);
    let Some(point) = newest else { return TargetStanding::Nothing };
    // Clocks of two services differ: a recovery point of the future is new, not negative.
    let age_seconds = (now.as_second() - point.created_at.as_second()).max(0);
    let arn = point.arn.clone();
    if age_seconds <= i64::from(target.max_age_seconds) {
        TargetStanding::Within { arn, age_seconds }
    } else {
        TargetStanding::TooOld { arn, age_seconds }
    }
}

/// The notice about a target, if it is not within its objective.
pub fn target_notice(workload: &str, target: &BackupTarget, standing: &TargetStanding) -> Option<Notice> {
    let what = match standing {
        TargetStanding::Within { .. } => return None,
        TargetStanding::TooOld { arn, age_seconds } => {
            format!("its newest completed recovery point {arn} is {age_seconds} seconds old")
        }
        TargetStanding::Nothing => "the vault has no completed recovery point of it".to_owned(),
    };
    Some(Notice {
        subject: format!("Pilot Light: no recovery point young enough for {workload}/{}", target.name),
        message: format!(
            "{}: {what}; the plan allows {} seconds.\nVault: {}\nResource: {}\nNext: look at the backup plan's jobs of this resource \
             in AWS Backup, and start one by hand if none is running.\n",
            target.name, target.max_age_seconds, target.vault_name, target.resource_arn
        ),
    })
}

#[cfg(test)]
mod tests;
