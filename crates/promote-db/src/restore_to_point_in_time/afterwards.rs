//! What follows the restore: an Aurora cluster's instances, and the settings that AWS does not carry over.

use pilot_core::Failure;
use pilot_core::FailureName;
use pilot_core::decide::restored::{Change, Next, of_member};
use pilot_core::journal::Action;
use pilot_core::observed::RestoredObserved;
use pilot_core::plan::{RestoreToPointInTime, RestoredInstance, RestoredKind};
use pilot_shell::context::{Act, Acted};
use pilot_shell::ledger::Ledger;
use pilot_shell::ports::{NewInstance, RestoredDatabases};
use pilot_shell::waves::{Progress, in_progress};
use pilot_shell::{CallError, StepContext};
use serde_json::json;

/// One restored database that is there, in one invocation.
pub(super) struct Afterwards<'a, L, D> {
    pub(super) context: &'a StepContext<'a, L>,
    pub(super) databases: &'a D,
    pub(super) component: &'a RestoreToPointInTime,
    pub(super) allowed_seconds: u32,
}

impl<L: Ledger, D: RestoredDatabases> Afterwards<'_, L, D> {
    /// The next step towards what the plan says.
    pub(super) async fn step(&self, next: Next, made: Option<&RestoredObserved>) -> Result<Progress, Failure> {
        let id = &self.component.restored_identifier;
        match next {
            Next::Wait { reason, after_seconds } => {
                self.context.check_deadline(id, &reason, self.allowed_seconds)?;
                Ok(in_progress(&self.component.name, reason, after_seconds))
            }
            Next::Fail(failure) => Err(*failure),
            Next::Change(change) => self.change(&change, made).await,
            Next::CreateInstance(index) => match (self.component.instances.get(index), made) {
                (Some(instance), Some(made)) => self.create(instance, made).await,
                _ => Err(not_ours(id)),
            },
            // The caller's.
            Next::Done => Err(not_ours(id)),
        }
    }

    async fn create(&self, instance: &RestoredInstance, made: &RestoredObserved) -> Result<Progress, Failure> {
        let (component, id) = (self.component, instance.identifier.as_str());
        self.context.check_deadline(id, "it can be created only now", self.allowed_seconds)?;
        let settings = of_member(&component.settings);
        let new = NewInstance {
            identifier: id,
            instance_class: &instance.instance_class,
            cluster: &component.restored_identifier,
            engine: made.engine.as_deref().unwrap_or_default(),
            settings: &settings,
        };
        // Each instance is an act of its own. A component's name holds no `/`.
        let name = format!("{}/{id}", component.name);
        let earlier = self.context.earlier(&name, Action::CreateRestoredInstance).await?;
        let act = Act {
            component: name,
            action: Action::CreateRestoredInstance,
            resource: id.to_owned(),
            irreversible: true,
            before: json!({"cluster": component.restored_identifier}),
            intention: format!("created in {} as a {}", component.restored_identifier, instance.instance_class),
        };
        let call = || async { self.databases.create_instance(&new).await.map(|()| "creation accepted".to_owned()) };
        let acted = self.context.act(act, earlier.as_ref(), call).await?;
        self.acted(acted, &format!("{id} is being created"), "rds:CreateDBInstance", id)
    }

    async fn change(&self, change: &Change, made: Option<&RestoredObserved>) -> Result<Progress, Failure> {
        let component = self.component;
        let id = component.restored_identifier.as_str();
        self.context.check_deadline(id, "it is not set as the plan says", self.allowed_seconds)?;
        let earlier = self.context.earlier(&component.name, Action::SetRestored).await?;
        let act = Act {
            component: component.name.clone(),
            action: Action::SetRestored,
            resource: id.to_owned(),
            irreversible: true,
            before: json!(made.map(|made| &made.settings)),
            intention: change.said(),
        };
        let call = || async { self.make(change).await.map(|()| change.said()) };
        let acted = self.context.act(act, earlier.as_ref(), call).await?;
        self.acted(acted, &change.said(), changing(change, component.restored_kind()), id)
    }

    async fn make(&self, change: &Change) -> Result<(), CallError> {
        let (databases, id) = (self.databases, self.component.restored_identifier.as_str());
        match change {
            Change::Cluster(settings) => databases.modify_cluster(id, settings).await,
            Change::Instance { identifier, settings } => databases.modify_instance(identifier, settings).await,
            Change::Reboot { identifier } => databases.reboot_instance(identifier).await,
            Change::Tags { arn, settings } => databases.tag(self.component.restored_kind(), arn, &settings.tags).await,
            Change::ProtectTable(on) => databases.protect_table(id, *on).await,
            Change::KeepTablePoints(days) => databases.keep_table_points(id, *days).await,
        }
    }

    /// What is refused because the database got busy between the look and the call goes by itself.
    fn acted(&self, acted: Acted, on_its_way: &str, call: &str, resource: &str) -> Result<Progress, Failure> {
        let name = &self.component.name;
        match acted {
            Acted::WouldDo(progress) => Ok(progress),
            Acted::Accepted(_) => Ok(in_progress(name, on_its_way, 2)),
            Acted::Failed(CallError::Refused { code, message }) if goes_by(&code) => {
                let detail = format!("{call} was refused with {code}: {message}");
                self.context.check_deadline(resource, &detail, self.allowed_seconds)?;
                Ok(in_progress(name, detail, 5))
            }
            Acted::Failed(error) => {
                let failure = error.into_failure(call, resource);
                let now = format!("{} is restored and stays; {}", self.component.restored_identifier, failure.now_true);
                Err(failure.now(now))
            }
        }
    }
}

/// Busy, or made by a call whose answer was lost. The codes on the wire carry `Fault`, emulators write either.
fn goes_by(code: &str) -> bool {
    matches!(
        code.trim_end_matches("Fault"),
        "DBInstanceAlreadyExists" | "InvalidDBClusterState" | "InvalidDBInstanceState"
    ) || matches!(code, "ContinuousBackupsUnavailableException" | "ResourceInUseException")
}

fn changing(change: &Change, kind: RestoredKind) -> &'static str {
    match change {
        Change::Cluster(_) => "rds:ModifyDBCluster",
        Change::Instance { .. } => "rds:ModifyDBInstance",
        Change::Reboot { .. } => "rds:RebootDBInstance",
        Change::Tags { .. } if kind == RestoredKind::Table => "dynamodb:TagResource",
        Change::Tags { .. } => "rds:AddTagsToResource",
        Change::ProtectTable(_) => "dynamodb:UpdateTable",
        Change::KeepTablePoints(_) => "dynamodb:UpdateContinuousBackups",
    }
}

/// A decision that the journal does not bear out: a fault of ours, and nothing is called.
fn not_ours(resource: &str) -> Failure {
    Failure::new(FailureName::PromotionFailed, resource, "the decision does not fit the journal or the plan")
        .now("nothing was called")
        .next("this is a fault of Pilot Light itself: report it with the run's journal")
}
