//! A cache: readiness before it is created, proof after it.

use pilot_core::contract::Mode;
use pilot_testkit::FakeCache;
use pilot_testkit::fixture::cache::{CACHE, component, with_cache};

use super::*;

fn stage() -> Stage {
    Stage::ready_for(&with_cache(&plan_yaml()))
}

/// The group that the plan creates, changed.
fn put(stage: &Stage, change: impl FnOnce(&mut FakeCache)) {
    let mut cache = FakeCache::of(&component());
    change(&mut cache);
    stage.seen.world.put_cache(CACHE, cache);
}

#[tokio::test]
async fn one_that_is_not_there_yet_or_as_the_plan_says_is_ready() {
    let stage = stage();
    let response = stage.step(Step::Ready).await.unwrap();
    assert_eq!(detail(&response, "cache"), "shop-cache is not there yet, it will be created");
    assert_eq!((response.status, stage.readiness().await["ready"].clone()), (Status::Done, json!(true)));
    put(&stage, |_| {});
    let response = stage.step(Step::Ready).await.unwrap();
    assert_eq!(detail(&response, "cache"), "shop-cache is there already, available and as the plan says");
    assert_eq!((response.status, stage.readiness().await["ready"].clone()), (Status::Done, json!(true)));
}

#[tokio::test]
async fn a_planned_run_is_as_ready_with_it() {
    let stage = stage();
    let stage = Stage { run: Run { mode: Mode::Switchover, ..stage.run.clone() }, ..stage };
    let response = stage.step(Step::Ready).await.unwrap();
    assert_eq!(detail(&response, "cache"), "shop-cache is not there yet, it will be created");
}

/// A change to a group, and what is said of it.
type Row = (fn(&mut FakeCache), &'static str);

#[tokio::test]
async fn one_that_is_something_else_is_a_problem_with_what_to_mend() {
    let rows: [Row; 4] = [
        (
            |cache| cache.settled.node_type = Some("cache.t4g.micro".into()),
            "cache: shop-cache: the group that is there is not as the plan says: nodeType is cache.t4g.micro, must be cache.r7g.large; change \
             the group or the plan",
        ),
        (|cache| cache.settled.tags = Some(BTreeMap::new()), "tags lack team, or have another value"),
        (
            |cache| cache.settled.secondary_of = Some("abcde-shop".into()),
            "a secondary of the global datastore abcde-shop",
        ),
        (|cache| cache.status = "create-failed".into(), "the group is `create-failed`; see the group's events"),
    ];
    for (change, problem) in rows {
        let stage = stage();
        put(&stage, change);
        let failure = stage.step(Step::Ready).await.unwrap_err();
        assert_eq!(failure.name, FailureName::NotReady);
        assert!(failure.what.contains(problem), "{problem:?} is not in {failure}");
        let report = stage.readiness().await;
        assert_eq!(report["ready"], json!(false));
        assert!(report["problems"][0].as_str().unwrap().contains(problem), "{report}");
    }
    let stage = stage();
    stage.fail("cache", refused());
    let failure = stage.step(Step::Ready).await.unwrap_err();
    assert!(failure.what.contains("cache: AWS refused to tell, refused with AccessDenied"), "{failure}");
}

#[tokio::test]
async fn one_that_is_busy_is_waited_for() {
    let stage = stage();
    put(&stage, |cache| (cache.status, cache.looks_left) = ("creating".into(), 1));
    let response = stage.step(Step::Ready).await.unwrap();
    assert_eq!(
        (response.status, detail(&response, "cache")),
        (Status::InProgress, "shop-cache: the group is `creating`")
    );
    assert_eq!(stage.step(Step::Ready).await.unwrap().status, Status::Done);
}

#[tokio::test]
async fn the_proof_is_a_group_that_serves_as_stated() {
    type Arranged = (fn(&Stage), Result<&'static str, &'static str>);
    let rows: [Arranged; 5] = [
        (|stage| put(stage, |_| {}), Ok("shop-cache is available, every node group of it, and as the plan says")),
        (|_| {}, Err("no replication group shop-cache")),
        (
            |stage| put(stage, |cache| cache.settled.node_groups[0].status = "modifying".into()),
            Err("shop-cache: node group 0001 is `modifying`"),
        ),
        (
            |stage| put(stage, |cache| cache.settled.security_group_ids.clear()),
            Err(
                "shop-cache: the group that is there is not as the plan says: securityGroupIds are none, must be sg-0b00000000000009",
            ),
        ),
        (|stage| stage.fail("cache", unanswered()), Err("could not be seen, outcome unknown: no answer")),
    ];
    for (arrange, expected) in rows {
        let recovered = Stage::recovered().await;
        let run = fixture::run(recovered.plans.put(fixture::PLAN, &with_cache(&plan_yaml())));
        let stage = Stage { run, ..recovered };
        arrange(&stage);
        let response = stage.step(Step::Validate).await.unwrap();
        let status = if expected.is_ok() { Status::Done } else { Status::InProgress };
        let (Ok(said) | Err(said)) = expected;
        assert_eq!((response.status, detail(&response, "cache")), (status, said), "{response:#?}");
    }
}
