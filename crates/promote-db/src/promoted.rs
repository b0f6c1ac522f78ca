//! A database that was promoted by a run, on its way to being set as the plan says.
//!
//! **There is no undo.** It comes after the pivot: each call is journalled with the values before, does no harm when it is made twice, and a
//! failure is gone on with by the next run.

use futures::future::{try_join, try_join_all};
use pilot_core::Failure;
use pilot_core::decide::deadline::seconds_between;
use pilot_core::decide::promoted::{ACCEPTED_GRACE_SECONDS, Described, Next, Wanted, next, said};
use pilot_core::decide::restored::Change;
use pilot_core::journal::{Action, Entry, EntryOutcome};
use pilot_core::plan::RestoredKind;
use pilot_shell::context::{Act, Acted};
use pilot_shell::ledger::Ledger;
use pilot_shell::ports::RestoredDatabases;
use pilot_shell::waves::{Progress, done, in_progress};
use pilot_shell::{CallError, StepContext};
use serde_json::json;

use crate::restored::{changing, describing, goes_by, make};

const LOOK_SECONDS: u32 = 2;

/// What follows a promotion, for its intention: empty if the plan states nothing.
pub(crate) fn then_set(wanted: &Wanted<'_>) -> String {
    said(wanted, &[]).map_or(String::new(), |said| format!("; then {said}"))
}

/// One promoted database, in one invocation.
pub(crate) struct Promoted<'a, L, D> {
    pub(crate) context: &'a StepContext<'a, L>,
    pub(crate) databases: &'a D,
    /// The component's name.
    pub(crate) component: &'a str,
    pub(crate) wanted: Wanted<'a>,
    /// Those of a cluster, by identifier.
    pub(crate) instances: Vec<&'a str>,
    pub(crate) allowed_seconds: u32,
}

impl<L: Ledger, D: RestoredDatabases> Promoted<'_, L, D> {
    /// The next step towards what the plan says; done is told with `promoted` before it.
    pub(crate) async fn step(&self, promoted: String) -> Result<Progress, Failure> {
        if self.wanted.settings.is_empty() {
            return Ok(done(self.component, promoted));
        }
        let (database, instances) = self.seen().await?;
        match next(&self.wanted, &database, &instances) {
            Next::Done { pending_reboot } => {
                self.settle(&instances).await?;
                let set = said(&self.wanted, &pending_reboot).map_or(String::new(), |said| format!("; {said}"));
                Ok(done(self.component, format!("{promoted}{set}")))
            }
            Next::Wait { reason, after_seconds } => {
                self.context.check_deadline(self.wanted.identifier, &reason, self.allowed_seconds)?;
                Ok(in_progress(self.component, reason, after_seconds))
            }
            Next::Fail(failure) => Err(*failure),
            Next::Change { identifier, change } => {
                let of =
                    std::iter::once(&database).chain(&instances).find(|described| described.identifier == identifier);
                self.change(&identifier, &change, of).await
            }
        }
    }

    async fn seen(&self) -> Result<(Described, Vec<Described>), Failure> {
        let describe = async |kind: RestoredKind, id: &str| {
            let observed = self.databases.describe(kind, id).await;
            let observed = observed.map_err(|error| error.into_failure(describing(kind), id))?;
            Ok(Described { identifier: id.to_owned(), observed })
        };
        // An instance is looked at only for what it is to get.
        let asked: &[&str] = if self.wanted.of_instances().is_empty() { &[] } else { &self.instances };
        let instances = try_join_all(asked.iter().map(|id| describe(RestoredKind::Instance, id)));
        try_join(describe(self.wanted.kind, self.wanted.identifier), instances).await
    }

    /// Every act of this component whose answer was lost, and whose effect is seen now.
    async fn settle(&self, instances: &[Described]) -> Result<(), Failure> {
        let own = std::iter::once(self.wanted.identifier);
        for id in own.chain(instances.iter().map(|instance| instance.identifier.as_str())) {
            for action in [Action::SetPromoted, Action::TagPromoted] {
                let earlier = self.context.earlier(&self.act_name(id), action).await?;
                self.context.settle(earlier.as_ref(), "its answer was lost; seen to be set").await?;
            }
        }
        Ok(())
    }

    /// Each instance of a cluster is an act of its own. A component's name holds no `/`.
    fn act_name(&self, identifier: &str) -> String {
        if identifier == self.wanted.identifier {
            self.component.to_owned()
        } else {
            format!("{}/{identifier}", self.component)
        }
    }

    async fn change(&self, id: &str, change: &Change, of: Option<&Described>) -> Result<Progress, Failure> {
        self.context.check_deadline(id, "it is not set as the plan says", self.allowed_seconds)?;
        let action = if matches!(change, Change::Tags { .. }) { Action::TagPromoted } else { Action::SetPromoted };
        let name = self.act_name(id);
        let earlier = self.context.earlier(&name, action).await?;
        if self.is_on_its_way(earlier.as_ref()) {
            return Ok(in_progress(self.component, format!("{id} is being {}", change.said()), LOOK_SECONDS));
        }
        let act = Act {
            component: name,
            action,
            resource: id.to_owned(),
            irreversible: true,
            before: json!(of.and_then(|of| of.observed.as_ref()).map(|observed| &observed.settings)),
            intention: change.said(),
        };
        let call = || async {
            let made = make(self.databases, self.wanted.kind, self.wanted.identifier, change).await;
            made.map(|()| change.said())
        };
        let acted = self.context.act(act, earlier.as_ref(), call).await?;
        self.acted(acted, id, change)
    }

    /// RDS accepted it a moment ago: security groups are `adding` for a while, and an instance `modifying`.
    fn is_on_its_way(&self, earlier: Option<&Entry>) -> bool {
        match earlier.and_then(|entry| entry.outcome.as_ref()) {
            Some(EntryOutcome::Accepted { at, .. }) => {
                seconds_between(*at, self.context.now()) <= ACCEPTED_GRACE_SECONDS
            }
            _ => false,
        }
    }

    /// What is refused because the database got busy between the look and the call goes by itself.
    fn acted(&self, acted: Acted, id: &str, change: &Change) -> Result<Progress, Failure> {
        let (name, call) = (self.component, changing(change, self.wanted.kind));
        match acted {
            Acted::WouldDo(progress) => Ok(progress),
            Acted::Accepted(said) => Ok(in_progress(name, format!("{id} is being {said}"), LOOK_SECONDS)),
            Acted::Failed(CallError::Refused { code, message }) if goes_by(&code) => {
                let detail = format!("{call} was refused with {code}: {message}");
                self.context.check_deadline(id, &detail, self.allowed_seconds)?;
                Ok(in_progress(name, detail, 5))
            }
            Acted::Failed(error) => {
                let failure = error.into_failure(call, id);
                let now = format!("{} is promoted and stays so; {}", self.wanted.identifier, failure.now_true);
                Err(failure.now(now))
            }
        }
    }
}
