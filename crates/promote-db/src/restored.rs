//! A restored database, however it was restored: how it is looked at, and what follows the restore - an Aurora cluster's instances, and the
//! settings that AWS does not carry over.

use futures::future::{try_join, try_join_all};
use pilot_core::decide::restored::{Change, Next, Wanted, of_member};
use pilot_core::journal::Action;
use pilot_core::observed::RestoredObserved;
use pilot_core::plan::{RestoredInstance, RestoredKind};
use pilot_core::{Failure, FailureName};
use pilot_shell::context::{Act, Acted};
use pilot_shell::ledger::Ledger;
use pilot_shell::ports::{NewInstance, RestoredDatabases};
use pilot_shell::waves::{Progress, in_progress};
use pilot_shell::{CallError, StepContext};
use serde_json::json;

/// The restored database and, in the order of the plan, its instances; `None`: not there.
///
/// # Errors
/// The first call's that did not answer well, with the resource it was made on.
pub(crate) async fn seen<D: RestoredDatabases>(
    databases: &D,
    wanted: &Wanted<'_>,
) -> Result<(Option<RestoredObserved>, Vec<Option<RestoredObserved>>), Failure> {
    let describe = async |kind: RestoredKind, id: &str| {
        let seen = databases.describe(kind, id).await;
        seen.map_err(|error| error.into_failure(describing(kind), id))
    };
    let instances = wanted.instances.iter().map(|i: &RestoredInstance| describe(RestoredKind::Instance, &i.identifier));
    try_join(describe(wanted.kind, wanted.identifier), try_join_all(instances)).await
}

pub(crate) fn describing(kind: RestoredKind) -> &'static str {
    match kind {
        RestoredKind::Instance => "rds:DescribeDBInstances",
        RestoredKind::Cluster => "rds:DescribeDBClusters",
        RestoredKind::Table => "dynamodb:DescribeTable",
    }
}

/// One restored database that is there, in one invocation.
pub(crate) struct Afterwards<'a, L, D> {
    pub(crate) context: &'a StepContext<'a, L>,
    pub(crate) databases: &'a D,
    /// The component's name.
    pub(crate) component: &'a str,
    pub(crate) wanted: Wanted<'a>,
    pub(crate) allowed_seconds: u32,
}

impl<L: Ledger, D: RestoredDatabases> Afterwards<'_, L, D> {
    /// The next step towards what the plan says.
    pub(crate) async fn step(&self, next: Next, made: Option<&RestoredObserved>) -> Result<Progress, Failure> {
        let id = self.wanted.identifier;
        match next {
            Next::Wait { reason, after_seconds } => {
                self.context.check_deadline(id, &reason, self.allowed_seconds)?;
                Ok(in_progress(self.component, reason, after_seconds))
            }
            Next::Fail(failure) => Err(*failure),
            Next::Change(change) => self.change(&change, made).await,
            Next::CreateInstance(index) => match (self.wanted.instances.get(index), made) {
                (Some(instance), Some(made)) => self.create(instance, made).await,
                _ => Err(not_ours(id)),
            },
            // The caller's.
            Next::Done => Err(not_ours(id)),
        }
    }

    async fn create(&self, instance: &RestoredInstance, made: &RestoredObserved) -> Result<Progress, Failure> {
        let (wanted, id) = (&self.wanted, instance.identifier.as_str());
        self.context.check_deadline(id, "it can be created only now", self.allowed_seconds)?;
        let settings = of_member(wanted.settings);
        let new = NewInstance {
            identifier: id,
            instance_class: &instance.instance_class,
            cluster: wanted.identifier,
            engine: made.engine.as_deref().unwrap_or_default(),
            settings: &settings,
        };
        // Each instance is an act of its own. A component's name holds no `/`.
        let name = format!("{}/{id}", self.component);
        let earlier = self.context.earlier(&name, Action::CreateRestoredInstance).await?;
        let act = Act {
            component: name,
            action: Action::CreateRestoredInstance,
            resource: id.to_owned(),
            irreversible: true,
            before: json!({"cluster": wanted.identifier}),
            intention: format!("created in {} as a {}", wanted.identifier, instance.instance_class),
        };
        let call = || async { self.databases.create_instance(&new).await.map(|()| "creation accepted".to_owned()) };
        let acted = self.context.act(act, earlier.as_ref(), call).await?;
        self.acted(acted, &format!("{id} is being created"), "rds:CreateDBInstance", id)
    }

    async fn change(&self, change: &Change, made: Option<&RestoredObserved>) -> Result<Progress, Failure> {
        let id = self.wanted.identifier;
        self.context.check_deadline(id, "it is not set as the plan says", self.allowed_seconds)?;
        let earlier = self.context.earlier(self.component, Action::SetRestored).await?;
        let act = Act {
            component: self.component.to_owned(),
            action: Action::SetRestored,
            resource: id.to_owned(),
            irreversible: true,
            before: json!(made.map(|made| &made.settings)),
            intention: change.said(),
        };
        let call = || async { make(self.databases, self.wanted.kind, id, change).await.map(|()| change.said()) };
        let acted = self.context.act(act, earlier.as_ref(), call).await?;
        self.acted(acted, &change.said(), changing(change, self.wanted.kind), id)
    }

    /// What is refused because the database got busy between the look and the call goes by itself.
    fn acted(&self, acted: Acted, on_its_way: &str, call: &str, resource: &str) -> Result<Progress, Failure> {
        let name = self.component;
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
                let now = format!("{} is restored and stays; {}", self.wanted.identifier, failure.now_true);
                Err(failure.now(now))
            }
        }
    }
}

/// The call that a change is, on the database of this kind and identifier.
pub(crate) async fn make<D: RestoredDatabases>(
    databases: &D,
    kind: RestoredKind,
    id: &str,
    change: &Change,
) -> Result<(), CallError> {
    match change {
        Change::Cluster(settings) => databases.modify_cluster(id, settings).await,
        Change::Instance { identifier, settings } => databases.modify_instance(identifier, settings).await,
        Change::Reboot { identifier } => databases.reboot_instance(identifier).await,
        Change::Tags { arn, settings } => databases.tag(kind, arn, &settings.tags).await,
        Change::ProtectTable(on) => databases.protect_table(id, *on).await,
        Change::KeepTablePoints(days) => databases.keep_table_points(id, *days).await,
    }
}

/// Busy, or made by a call whose answer was lost. The codes on the wire carry `Fault`, emulators write either.
pub(crate) fn goes_by(code: &str) -> bool {
    matches!(
        code.trim_end_matches("Fault"),
        "DBInstanceAlreadyExists" | "InvalidDBClusterState" | "InvalidDBInstanceState"
    ) || matches!(code, "ContinuousBackupsUnavailableException" | "ResourceInUseException")
}

pub(crate) fn changing(change: &Change, kind: RestoredKind) -> &'static str {
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
pub(crate) fn not_ours(resource: &str) -> Failure {
    Failure::new(FailureName::PromotionFailed, resource, "the decision does not fit the journal or the plan")
        .now("nothing was called")
        .next("this is a fault of Pilot Light itself: report it with the run's journal")
}
