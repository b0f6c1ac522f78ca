use jiff::Timestamp;

use super::*;
use crate::observed::{ClusterInstance, ClusterObserved, FailoverStateObserved, GlobalMember};

fn component() -> AuroraGlobalCluster {
    AuroraGlobalCluster {
        name: "db".into(),
        wave: 1,
        global_cluster_identifier: "shop-global".into(),
        primary_cluster_identifier: "shop".into(),
        recovery_cluster_identifier: "shop-dr".into(),
        promoted_settings: Box::default(),
        home_settings: Box::default(),
        timeout_seconds: 900,
    }
}

fn regions() -> Regions {
    Regions { primary: "us-east-1".into(), recovery: "us-east-2".into() }
}

fn member(region: &str, identifier: &str, is_writer: bool) -> GlobalMember {
    GlobalMember {
        arn: format!("arn:aws:rds:{region}:111122223333:cluster:{identifier}"),
        is_writer,
        synchronization: Some("connected".into()),
    }
}

fn healthy() -> GlobalClusterObserved {
    GlobalClusterObserved {
        status: "available".into(),
        engine_version: Some("15.4".into()),
        members: vec![member("us-east-1", "shop", true), member("us-east-2", "shop-dr", false)],
        failover_state: None,
        recovery: Some(ClusterObserved {
            status: "available".into(),
            engine_version: Some("15.4".into()),
            instances: vec![ClusterInstance { identifier: "shop-dr-1".into(), is_writer: false }],
        }),
    }
}

type Change = fn(&mut GlobalClusterObserved);

#[test]
fn a_wrong_plan_is_refused_with_what_to_mend() {
    let rows: [(Change, &str); 8] = [
        (
            |g| g.members[1] = member("eu-west-1", "shop-dr", false),
            "shop-dr of shop-global lies in eu-west-1, not in the recovery Region us-east-2; correct",
        ),
        (
            |g| drop(g.members.pop()),
            "has no member shop-dr in the recovery Region us-east-2, its members are shop (us-east-1); correct",
        ),
        (
            |g| g.members[0] = member("us-east-1", "ledger", true),
            "does not hold shop of us-east-1, its members are ledger (us-east-1), shop-dr (us-east-2); correct the plan",
        ),
        (|g| g.members[0] = member("us-west-2", "shop", true), "does not hold shop of us-east-1"),
        (
            |g| {
                g.members[0].is_writer = false;
                g.members.push(member("eu-west-1", "shop-eu", true));
            },
            "its writer is shop-eu in eu-west-1, not shop",
        ),
        (
            |g| g.recovery.as_mut().unwrap().instances.clear(),
            "shop-dr: the secondary has no instance: Aurora does not fail over to it; add a DB instance",
        ),
        (
            |g| g.recovery.as_mut().unwrap().engine_version = Some("15.5".into()),
            "runs engine version 15.5, the global cluster 15.4; upgrade",
        ),
        (|g| g.recovery = None, "the recovery Region has no such DB cluster; correct"),
    ];
    for (change, says) in rows {
        let mut global = healthy();
        change(&mut global);
        match cluster(&component(), &regions(), Some(&global)) {
            Readiness::Problem(problem) => {
                assert!(
                    problem.starts_with("shop-global: ") && problem.contains(says),
                    "{says:?} is not in {problem:?}"
                );
            }
            other => panic!("{says}: {other:?}"),
        }
    }
    let Readiness::Problem(problem) = cluster(&component(), &regions(), None) else { panic!("nothing is no problem") };
    assert_eq!(problem, "shop-global: RDS knows no such global cluster; make it, or correct globalClusterIdentifier");
}

#[test]
fn what_can_take_over_or_will_soon_or_has() {
    let rows: [(Change, Readiness); 4] = [
        (|_| {}, Readiness::Ready("shop-dr is available with 1 instances, a secondary of shop".into())),
        (
            |g| g.recovery.as_mut().unwrap().status = "backing-up".into(),
            Readiness::Wait("shop-dr is `backing-up`, it can take over once `available`".into()),
        ),
        (
            |g| g.failover_state = Some(FailoverStateObserved { status: "failing-over".into(), to_arn: None }),
            Readiness::Wait("on the move, `failing-over`".into()),
        ),
        // After an unplanned failover the old primary may be missing for hours.
        (
            |g| g.members = vec![member("us-east-2", "shop-dr", true)],
            Readiness::Ready("shop-dr is its writer already".into()),
        ),
    ];
    for (change, expected) in rows {
        let mut global = healthy();
        change(&mut global);
        assert_eq!(cluster(&component(), &regions(), Some(&global)), expected);
    }
}

#[test]
fn replication_is_held_against_the_objective_by_its_newest_sample() {
    let sample = |second, lag_seconds| LagSample { at: Timestamp::from_second(second).unwrap(), lag_seconds };
    let cases: &[(&[LagSample], bool)] = &[
        (&[], false),
        (&[sample(10, 0.5)], true),
        (&[sample(10, 60.0)], true),
        (&[sample(10, 60.1)], false),
        (&[sample(10, -0.001)], false),
        (&[sample(10, f64::NAN)], false),
        (&[sample(20, 1.0), sample(10, 500.0)], true),
    ];
    for (samples, ready) in cases {
        let result = replication_now(&component(), &regions(), &healthy(), samples, 60);
        assert_eq!(result.is_ok(), *ready, "{samples:?}: {result:?}");
    }
    for word in [Some("pending-resync"), None] {
        let mut global = healthy();
        global.members[1].synchronization = word.map(Into::into);
        assert!(replication_now(&component(), &regions(), &global, &[sample(10, 0.5)], 60).is_err(), "{word:?}");
    }
}
