//! What every ledger must do, as one story: told to the ledger in memory by a test of this crate, and to the one in DynamoDB by the
//! example `ledger_contract` of `pilot-shell` against the emulator. So the fake that the steps are tested with cannot drift away.

use jiff::{SignedDuration, Timestamp};
use pilot_core::contract::{ComponentProgress, Mode, PlanPin, Run, Status, Step};
use pilot_core::decide::health::Memory;
use pilot_core::decide::last_known::{Known, LastKnown};
use pilot_core::journal::{Action, Entry, EntryOutcome, LeasePhase, StepRecord};
use pilot_core::{Failure, FailureName};
use pilot_shell::ledger::{LeaseRequest, Ledger};
use serde_json::{Value, json};

use crate::{fixture, now};

/// What a check found.
type Check = Result<(), String>;

/// Tells the whole story, for a workload and runs nobody else uses.
///
/// # Errors
/// The first thing the ledger did not do.
pub async fn check<L: Ledger>(ledger: &L, unique: &str) -> Check {
    taking(ledger, &format!("taking-{unique}")).await?;
    cooldown(ledger, &format!("cooldown-{unique}")).await?;
    phases(ledger, &format!("phases-{unique}")).await?;
    journal(ledger, &format!("journal-{unique}")).await?;
    adoption(ledger, &format!("adoption-{unique}")).await?;
    late_acts(ledger, &format!("late-{unique}")).await?;
    steps(ledger, &format!("steps-{unique}")).await?;
    evidence(ledger, &format!("evidence-{unique}")).await?;
    memory(ledger, &format!("memory-{unique}")).await?;
    capacity(ledger, &format!("capacity-{unique}")).await
}

fn that(holds: bool, what: &str) -> Check {
    if holds { Ok(()) } else { Err(format!("not so: {what}")) }
}

fn same<T: PartialEq + std::fmt::Debug>(found: &T, expected: &T, what: &str) -> Check {
    if found == expected { Ok(()) } else { Err(format!("{what}: found {found:?}, expected {expected:?}")) }
}

fn fine<T>(result: Result<T, Failure>, what: &str) -> Result<T, String> {
    result.map_err(|failure| format!("{what}: {failure}"))
}

fn refused<T>(result: Result<T, Failure>, name: FailureName, what: &str) -> Result<Failure, String> {
    match result {
        Ok(_) => Err(format!("{what}: was not refused")),
        Err(failure) if failure.name == name => Ok(failure),
        Err(failure) => Err(format!("{what}: refused as {failure}, expected {name}")),
    }
}

fn after(seconds: i64) -> Timestamp {
    now() + SignedDuration::from_secs(seconds)
}

fn request(workload: &str, run_id: &str, at: Timestamp, automatic: bool) -> LeaseRequest {
    LeaseRequest {
        workload: workload.into(),
        run_id: format!("{workload}-{run_id}"),
        automatic,
        mode: Mode::Failover,
        resume: None,
        now: at,
        lease_seconds: 900,
    }
}

fn run_of(request: &LeaseRequest, generation: u64) -> Run {
    let pin = PlanPin { name: request.workload.clone(), ..fixture::plans().1 };
    Run { run_id: request.run_id.clone(), generation, ..fixture::run(pin) }
}

/// The first run of a workload, holding its lease.
async fn opened<L: Ledger>(ledger: &L, workload: &str) -> Result<Run, String> {
    let first = request(workload, "1", now(), false);
    let lease = fine(ledger.take_lease(&first).await, "taking a free lease")?;
    Ok(run_of(&first, lease.generation))
}

async fn taking<L: Ledger>(ledger: &L, workload: &str) -> Check {
    that(
        fine(ledger.lease(workload, Mode::Failover).await, "reading no lease")?.is_none(),
        "a workload without runs has no lease",
    )?;
    let first = request(workload, "1", now(), true);
    let lease = fine(ledger.take_lease(&first).await, "taking a free lease")?;
    same(&(lease.generation, lease.phase, lease.expires_at), &(1, LeasePhase::Acting, after(900)), "the first lease")?;
    same(&fine(ledger.lease(workload, Mode::Failover).await, "reading")?, &Some(lease.clone()), "the lease as stored")?;
    same(&fine(ledger.take_lease(&first).await, "taking it twice")?, &lease, "the same run's second taking")?;

    let second = request(workload, "2", after(10), false);
    let held = refused(ledger.take_lease(&second).await, FailureName::LeaseHeld, "a second run")?;
    that(held.to_string().contains(&first.run_id), "a held lease names its holder")?;

    let late = request(workload, "2", after(900), false);
    let lease = fine(ledger.take_lease(&late).await, "taking over from a silent run")?;
    same(&lease.generation, &2, "the generation after taking over")?;
    let old = run_of(&first, 1);
    let hold = ledger.hold(&old, LeasePhase::Acting, after(2000)).await;
    let lost = refused(hold, FailureName::LeaseLost, "the silent run that wakes up")?;
    that(lost.to_string().contains(&late.run_id), "a lost lease names the new holder")?;
    that(!fine(ledger.release(&old, None).await, "releasing a lost lease")?, "a lost lease is not given up")?;
    same(&lease.taken_over_from(), &Some(first.run_id.as_str()), "the run it was taken over from")?;
    same(&fine(ledger.lease(workload, Mode::Failover).await, "reading")?, &Some(lease), "the new holder's lease")?;

    let resuming = LeaseRequest { resume: Some(late.run_id.clone()), ..request(workload, "3", after(901), false) };
    let stranger = LeaseRequest { resume: Some("another".into()), ..resuming.clone() };
    refused(ledger.take_lease(&stranger).await, FailureName::LeaseHeld, "going on with a run that holds nothing")?;
    let lease = fine(ledger.take_lease(&resuming).await, "going on with the holder")?;
    same(&(lease.generation, lease.taken_over_from()), &(3, Some(late.run_id.as_str())), "the lease gone on with")?;

    let dry = LeaseRequest { mode: Mode::DryRun, ..request(workload, "dry", after(902), false) };
    let lease = fine(ledger.take_lease(&dry).await, "a dry run beside a real one")?;
    same(&lease.generation, &1, "a dry run's lease is another one")?;
    let held = LeaseRequest { run_id: "other".into(), ..dry.clone() };
    refused(ledger.take_lease(&held).await, FailureName::LeaseHeld, "a second dry run").map(|_| ())
}

async fn cooldown<L: Ledger>(ledger: &L, workload: &str) -> Check {
    let first = opened(ledger, workload).await?;
    that(fine(ledger.release(&first, Some(after(100))).await, "releasing")?, "the holder gives up")?;
    that(fine(ledger.release(&first, Some(after(500))).await, "releasing twice")?, "giving up twice is the same")?;
    let lease = fine(ledger.lease(workload, Mode::Failover).await, "reading")?;
    let lease = lease.map(|lease| (lease.phase, lease.cooldown_until));
    same(&lease, &Some((LeasePhase::Released, Some(after(100)))), "the lease after giving it up twice")?;

    let again = request(workload, "1", after(1), false);
    refused(ledger.take_lease(&again).await, FailureName::LeaseLost, "a run that is over")?;
    let alarm = request(workload, "2", after(99), true);
    refused(ledger.take_lease(&alarm).await, FailureName::CooldownActive, "an alarm in the cooldown")?;
    let person = request(workload, "3", after(50), false);
    let lease = fine(ledger.take_lease(&person).await, "a person in the cooldown")?;
    same(&lease.generation, &2, "the generation of a person's run")?;
    fine(ledger.release(&run_of(&person, 2), None).await, "releasing without a cooldown")?;
    refused(ledger.take_lease(&alarm).await, FailureName::CooldownActive, "an alarm after a person's run")?;
    let alarm = request(workload, "4", after(100), true);
    same(&fine(ledger.take_lease(&alarm).await, "an alarm after the cooldown")?.generation, &3, "its generation")
}

async fn phases<L: Ledger>(ledger: &L, workload: &str) -> Check {
    let run = opened(ledger, workload).await?;
    fine(ledger.hold(&run, LeasePhase::Acting, after(1000)).await, "prolonging")?;
    let expires_at = fine(ledger.lease(workload, Mode::Failover).await, "reading")?.map(|lease| lease.expires_at);
    same(&expires_at, &Some(after(1000)), "the prolonged lease")?;
    let hold = ledger.hold(&run, LeasePhase::RollingBack, after(1000)).await;
    refused(hold, FailureName::LeaseLost, "undoing before the rollback began")?;
    fine(ledger.begin_rollback(&run).await, "beginning the rollback")?;
    fine(ledger.begin_rollback(&run).await, "beginning it twice")?;
    refused(
        ledger.hold(&run, LeasePhase::Acting, after(1000)).await,
        FailureName::LeaseLost,
        "a step that comes late",
    )?;
    fine(ledger.hold(&run, LeasePhase::RollingBack, after(1100)).await, "undoing")?;
    fine(ledger.release(&run, None).await, "releasing")?;
    refused(ledger.begin_rollback(&run).await, FailureName::LeaseLost, "a rollback after the end")?;
    let hold = ledger.hold(&run, LeasePhase::RollingBack, after(1200)).await;
    refused(hold, FailureName::LeaseLost, "undoing after the end").map(|_| ())
}

fn entry(run: &Run, component: &str, at: Timestamp, before: Value) -> Entry {
    Entry {
        step: Step::ScaleCompute,
        component: component.into(),
        action: Action::ResizeGroup,
        resource: format!("{component}-group"),
        intent_at: at,
        generation: run.generation,
        irreversible: false,
        before,
        outcome: None,
        undone_at: None,
        adopted_from: None,
    }
}

async fn entries<L: Ledger>(ledger: &L, run: &Run) -> Result<Vec<Entry>, String> {
    fine(ledger.entries(&run.run_id).await, "reading the journal")
}

async fn journal<L: Ledger>(ledger: &L, workload: &str) -> Check {
    let run = opened(ledger, workload).await?;
    same(&entries(ledger, &run).await?, &Vec::new(), "the journal before any act")?;
    // The later intent has the smaller key: the order is that of time.
    let before =
        json!({"min": 0, "ratio": 0.5, "none": null, "empty": "", "list": [1, "a", {}], "deep": {"a": {"b": []}}});
    let second = entry(&run, "a", after(2), json!({}));
    let first = entry(&run, "b", after(1), before);
    for meant in [&second, &first] {
        same(&fine(ledger.intend(&run, meant).await, "an intent")?, meant, "a first intent")?;
    }
    same(&entries(ledger, &run).await?, &vec![first.clone(), second.clone()], "the journal")?;

    let done = EntryOutcome::Accepted { at: after(3), detail: "change-1".into() };
    fine(ledger.conclude(&run.run_id, &first.key(), &done).await, "an outcome")?;
    let late = EntryOutcome::NotDone { at: after(4), detail: "throttled".into() };
    fine(ledger.conclude(&run.run_id, &first.key(), &late).await, "a late refusal")?;
    fine(ledger.conclude(&run.run_id, &second.key(), &late).await, "a refusal")?;
    let outcomes: Vec<_> = entries(ledger, &run).await?.into_iter().map(|entry| entry.outcome).collect();
    same(&outcomes, &vec![Some(done), Some(late)], "the outcomes")?;

    let retry = Entry { intent_at: after(9), before: json!("what a retry reads"), ..second.clone() };
    same(&fine(ledger.intend(&run, &retry).await, "a second intent")?, &second, "the first values before")?;
    let reopened = entries(ledger, &run).await?.into_iter().nth(1);
    same(&reopened, &Some(second.clone()), "an entry that is tried again has no outcome")?;

    fine(ledger.mark_undone(&run.run_id, &first.key(), after(20)).await, "an undo")?;
    let undone_at = entries(ledger, &run).await?.into_iter().next().and_then(|entry| entry.undone_at);
    same(&undone_at, &Some(after(20)), "the undo's time")?;
    let refusal = EntryOutcome::NotDone { at: now(), detail: String::new() };
    let nowhere = ledger.conclude(&run.run_id, "no#such#entry", &refusal).await;
    refused(nowhere, FailureName::JournalUnavailable, "an outcome of no act")?;
    let nowhere = ledger.mark_undone(&run.run_id, "no#such#entry", now()).await;
    refused(nowhere, FailureName::JournalUnavailable, "an undo of no act").map(|_| ())
}

/// A run that goes on with another's journal.
async fn adoption<L: Ledger>(ledger: &L, workload: &str) -> Check {
    let first = opened(ledger, workload).await?;
    let meant = entry(&first, "a", after(1), json!({"min": 0}));
    fine(ledger.intend(&first, &meant).await, "an act of the first run")?;
    let resuming = LeaseRequest { resume: Some(first.run_id.clone()), ..request(workload, "2", after(2), false) };
    let lease = fine(ledger.take_lease(&resuming).await, "going on")?;
    let second = run_of(&resuming, lease.generation);
    let adopted = Entry { adopted_from: Some(first.run_id.clone()), ..meant.clone() };
    refused(ledger.adopt(&first, &adopted).await, FailureName::LeaseLost, "taking in without the lease")?;
    fine(ledger.adopt(&second, &adopted).await, "taking an entry in")?;
    fine(ledger.adopt(&second, &Entry { before: json!("later"), ..adopted.clone() }).await, "taking it in twice")?;
    same(&entries(ledger, &second).await?, &vec![adopted], "the journal gone on with")?;
    refused(ledger.intend(&first, &meant).await, FailureName::LeaseLost, "an act on the old generation")?;
    fine(ledger.begin_rollback(&second).await, "beginning the rollback")?;
    fine(ledger.act_again(&second).await, "going forward once more")?;
    fine(ledger.act_again(&second).await, "doing so twice")?;
    fine(ledger.hold(&second, LeasePhase::Acting, after(1000)).await, "acting again")?;
    refused(ledger.act_again(&first).await, FailureName::LeaseLost, "the old generation going forward").map(|_| ())
}

async fn late_acts<L: Ledger>(ledger: &L, workload: &str) -> Check {
    let run = opened(ledger, workload).await?;
    let meant = entry(&run, "a", after(1), json!({}));
    let stranger = Run { generation: run.generation + 1, ..run.clone() };
    refused(ledger.intend(&stranger, &meant).await, FailureName::LeaseLost, "an act of another generation")?;
    fine(ledger.intend(&run, &meant).await, "an act in time")?;
    fine(ledger.begin_rollback(&run).await, "beginning the rollback")?;
    refused(ledger.intend(&run, &meant).await, FailureName::LeaseLost, "a second try after the rollback began")?;
    let other = entry(&run, "b", after(2), json!({}));
    refused(ledger.intend(&run, &other).await, FailureName::LeaseLost, "a first try after the rollback began")?;
    same(&entries(ledger, &run).await?, &vec![meant], "the journal holds no act that was refused")
}

fn record(name: Step, started_at: Timestamp, outcome: Status) -> StepRecord {
    let component = ComponentProgress { name: "web".into(), status: outcome, detail: "2 of 2".into() };
    StepRecord {
        name,
        started_at,
        ended_at: (outcome != Status::InProgress).then(|| started_at + SignedDuration::from_secs(5)),
        outcome,
        components: vec![component],
        error: (outcome == Status::Failed).then(|| "it failed".into()),
    }
}

async fn steps<L: Ledger>(ledger: &L, run_id: &str) -> Check {
    use Status::{Done, Failed, InProgress};
    // What is written in which order, and what stands then.
    let stories: [(Step, &[Status], Status); 4] = [
        (Step::Verify, &[InProgress, Done, InProgress], Done),
        (Step::Validate, &[InProgress, Failed, InProgress], Failed),
        (Step::PromoteData, &[Done, Failed], Done),
        (Step::Assess, &[InProgress, InProgress], InProgress),
    ];
    let started_at = |step: Step| after(10 * step as i64);
    for (step, outcomes, _) in stories {
        for outcome in outcomes {
            fine(ledger.record_step(run_id, &record(step, started_at(step), *outcome)).await, "writing a step")?;
        }
    }
    let mut expected: Vec<_> = stories.iter().map(|(step, _, end)| record(*step, started_at(*step), *end)).collect();
    expected.sort_by_key(|record| record.started_at);
    same(&fine(ledger.steps(run_id).await, "reading the steps")?, &expected, "the steps")
}

async fn evidence<L: Ledger>(ledger: &L, run_id: &str) -> Check {
    that(fine(ledger.evidence(run_id).await, "reading no evidence")?.is_empty(), "a run without evidence has none")?;
    // More than one page: DynamoDB hands over 1 MB at a time.
    let large = "x".repeat(300 * 1024);
    let names: Vec<String> = (0..5).map(|n| format!("data-loss#db-{n}")).collect();
    for name in &names {
        fine(ledger.keep_evidence(run_id, name, &json!("earlier")).await, "keeping evidence")?;
        let document = json!({"name": name, "lagSeconds": 0.25, "large": large});
        fine(ledger.keep_evidence(run_id, name, &document).await, "keeping over an earlier one")?;
    }
    let kept = fine(ledger.evidence(run_id).await, "reading the evidence")?;
    same(&kept.keys().cloned().collect(), &names, "the names of all pages")?;
    let whole = kept.iter().all(|(name, document)| {
        document["name"] == json!(name) && document["lagSeconds"] == 0.25 && document["large"] == large.as_str()
    });
    that(whole, "evidence comes back as it was kept")
}

async fn memory<L: Ledger>(ledger: &L, workload: &str) -> Check {
    same(&fine(ledger.memory(workload).await, "remembering nothing")?, &Memory::default(), "an empty memory")?;
    let memory = Memory { last_healthy_at: Some(now()), failing_since: Some(after(1)), ..Memory::default() };
    fine(ledger.set_memory(workload, &memory).await, "remembering")?;
    same(&fine(ledger.memory(workload).await, "remembering")?, &memory, "the memory")?;
    let healthy = Memory { last_healthy_at: Some(after(9)), ..Memory::default() };
    fine(ledger.set_memory(workload, &healthy).await, "forgetting")?;
    same(&fine(ledger.memory(workload).await, "remembering")?, &healthy, "what was forgotten is gone")?;
    that(fine(ledger.lease(workload, Mode::Failover).await, "reading")?.is_none(), "a memory is no lease")
}

async fn capacity<L: Ledger>(ledger: &L, workload: &str) -> Check {
    let none = fine(ledger.capacity(workload).await, "reading what nobody wrote down")?;
    same(&none, &LastKnown::default(), "no capacity")?;
    let of = |name: &str, desired| (name.to_owned(), Known { desired, provisioned: None, seen_at: now() });
    let known = LastKnown { components: [of("web", 8), of("api tasks", 3)].into() };
    fine(ledger.set_capacity(workload, &known).await, "writing down")?;
    same(&fine(ledger.capacity(workload).await, "reading")?, &known, "the capacity")?;
    let fewer = LastKnown { components: [of("web", 6)].into() };
    fine(ledger.set_capacity(workload, &fewer).await, "writing down again")?;
    same(&fine(ledger.capacity(workload).await, "reading")?, &fewer, "what is not watched any more is gone")?;
    same(&fine(ledger.memory(workload).await, "remembering nothing")?, &Memory::default(), "a capacity is no memory")
}
