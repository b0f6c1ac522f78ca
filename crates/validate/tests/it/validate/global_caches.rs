//! A global datastore: readiness before it is failed over, proof after it.

use pilot_core::contract::Mode;
use pilot_testkit::FakeDatastore;
use pilot_testkit::fixture::datastore::{DATASTORE, PRIMARY_MEMBER, RECOVERY_MEMBER, with_datastore};

use super::*;

fn stage(mode: Mode) -> Stage {
    let stage = Stage::ready_for(&with_datastore(&plan_yaml()));
    Stage { run: Run { mode, ..stage.run.clone() }, ..stage }
}

fn failed_over() -> FakeDatastore {
    FakeDatastore::replicating(RECOVERY_MEMBER, PRIMARY_MEMBER)
}

#[tokio::test]
async fn one_whose_secondary_is_well_is_ready() {
    for mode in [Mode::Failover, Mode::Switchover] {
        let stage = stage(mode);
        let response = stage.step(Step::Ready).await.unwrap();
        assert_eq!(detail(&response, "sessions"), "shop-sessions-dr is available, a secondary of shop-sessions");
        assert_eq!((response.status, stage.readiness().await["ready"].clone()), (Status::Done, json!(true)));
    }
}

/// A change to a datastore, and what is said of it.
type Row = (fn(&mut FakeDatastore), &'static str);

#[tokio::test]
async fn a_wrong_plan_is_refused_with_what_to_mend() {
    let rows: [Row; 4] = [
        (
            |d| d.observed.members[1].region = "eu-west-1".into(),
            "sessions: abcde-shop: shop-sessions-dr of abcde-shop lies in eu-west-1, not in the recovery Region ap-southeast-1; correct",
        ),
        (
            |d| d.observed.members[1].replication_group_id = "other".into(),
            "has no member shop-sessions-dr in the recovery Region ap-southeast-1, its members are shop-sessions (ap-southeast-2), other \
             (ap-southeast-1); correct recoveryReplicationGroupId",
        ),
        (|d| d.observed.status = "primary-only".into(), "the global datastore is `primary-only`: no secondary follows"),
        (
            |d| d.observed.members[0].replication_group_id = "other".into(),
            "does not hold shop-sessions of ap-southeast-2, its members are other (ap-southeast-2), shop-sessions-dr (ap-southeast-1); correct \
             the plan: failing it over would bring up other data",
        ),
    ];
    for (change, problem) in rows {
        let stage = stage(Mode::Failover);
        stage.seen.world.change_datastore(DATASTORE, change);
        assert_refused(&stage, problem).await;
    }
    let stage = stage(Mode::Failover);
    stage.seen.world.remove_datastore(DATASTORE);
    assert_refused(
        &stage,
        "ElastiCache in ap-southeast-1 knows no such global datastore; make it, add a secondary there, or correct",
    )
    .await;
}

/// By a run before it changes anything, and by the schedule.
async fn assert_refused(stage: &Stage, problem: &str) {
    let failure = stage.step(Step::Ready).await.unwrap_err();
    assert_eq!(failure.name, FailureName::NotReady);
    assert!(failure.what.contains(problem), "{problem:?} is not in {failure}");
    let report = stage.readiness().await;
    assert_eq!(report["ready"], json!(false));
    assert!(report["problems"][0].as_str().unwrap().contains(problem), "{report}");
}

#[tokio::test]
async fn one_that_is_primary_already_leaves_a_failover_nothing_to_do_and_stops_a_planned_run() {
    let there = "shop-sessions-dr is its primary already";
    let stage = stage(Mode::Failover);
    stage.seen.world.put_datastore(DATASTORE, failed_over());
    assert_eq!(detail(&stage.step(Step::Ready).await.unwrap(), "sessions"), there);
    let report = stage.readiness().await;
    assert!(report["problems"][0].as_str().unwrap().contains("there is nothing to fail over to"), "{report}");
    let planned = self::stage(Mode::Switchover);
    planned.seen.world.put_datastore(DATASTORE, failed_over());
    let failure = planned.step(Step::Ready).await.unwrap_err();
    assert!(failure.what.contains(&format!("sessions: {there}: there is nothing to fail over to")), "{failure}");
}

#[tokio::test]
async fn one_that_is_busy_is_waited_for() {
    let stage = stage(Mode::Failover);
    stage.seen.world.change_datastore(DATASTORE, |d| d.observed.status = "modifying".into());
    let response = stage.step(Step::Ready).await.unwrap();
    let waits = "abcde-shop is `modifying`, it can be failed over once it is `available`";
    assert_eq!((response.status, detail(&response, "sessions")), (Status::InProgress, waits));
    stage.fail("datastore", refused());
    let failure = stage.step(Step::Ready).await.unwrap_err();
    assert!(failure.what.contains("sessions: AWS refused to tell, refused with AccessDenied"), "{failure}");
}

#[tokio::test]
async fn the_proof_is_a_primary_that_serves() {
    type Arranged = (fn(&Stage), Result<&'static str, &'static str>);
    let rows: [Arranged; 6] = [
        (|_| {}, Ok("shop-sessions-dr is the primary of abcde-shop, and available with every node group of it")),
        (
            |stage| stage.seen.world.put_datastore(DATASTORE, fixture::datastore::datastore()),
            Err("shop-sessions-dr is not the primary of abcde-shop"),
        ),
        (
            |stage| stage.seen.world.change_datastore(DATASTORE, |d| d.observed.status = "modifying".into()),
            Err("abcde-shop: the global datastore is `modifying`"),
        ),
        (
            |stage| {
                let shard = |d: &mut FakeDatastore| {
                    d.observed.group.as_mut().unwrap().node_groups[0].status = "modifying".into();
                };
                stage.seen.world.change_datastore(DATASTORE, shard);
            },
            Err("shop-sessions-dr is the primary of abcde-shop, and does not serve: node group 0001 is `modifying`"),
        ),
        (
            |stage| stage.seen.world.remove_datastore(DATASTORE),
            Err("abcde-shop: ElastiCache in ap-southeast-1 knows no such global datastore"),
        ),
        (|stage| stage.fail("datastore", unanswered()), Err("could not be seen, outcome unknown: no answer")),
    ];
    for (arrange, expected) in rows {
        let recovered = Stage::recovered().await;
        let run = fixture::run(recovered.plans.put(fixture::PLAN, &with_datastore(&plan_yaml())));
        let stage = Stage { run, ..recovered };
        stage.seen.world.put_datastore(DATASTORE, failed_over());
        arrange(&stage);
        let response = stage.step(Step::Validate).await.unwrap();
        let status = if expected.is_ok() { Status::Done } else { Status::InProgress };
        let (Ok(said) | Err(said)) = expected;
        assert_eq!((response.status, detail(&response, "sessions")), (status, said), "{response:#?}");
    }
}
