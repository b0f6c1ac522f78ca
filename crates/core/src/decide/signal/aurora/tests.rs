use jiff::Timestamp;

use super::*;
use crate::observed::{ClusterInstance, FailoverStateObserved, GlobalMember};

fn cluster_of(status: &str, instances: &[(&str, bool)]) -> ClusterObserved {
    let instance = |(identifier, is_writer): &(&str, bool)| ClusterInstance {
        identifier: (*identifier).into(),
        is_writer: *is_writer,
    };
    ClusterObserved {
        status: status.into(),
        engine_version: Some("15.4".into()),
        instances: instances.iter().map(instance).collect(),
    }
}

#[test]
fn a_cluster_is_as_its_own_region_tells_it() {
    use SignalState::{Failing, Healthy, Unknown};
    let signal = RdsClusterSignal {
        name: "cluster".into(),
        fate: "database".into(),
        identifier: "shop".into(),
        region: "us-east-1".into(),
    };
    let two: &[(&str, bool)] = &[("shop-1", false), ("shop-2", true)];
    let seen = |status: &str, instances, writer: Option<&str>| {
        Ok(Some(ClusterSeen { cluster: cluster_of(status, instances), writer_status: writer.map(Into::into) }))
    };
    let rows = [
        (seen("available", two, Some("available")), Healthy, "shop is `available`, its writer shop-2 `available`"),
        (seen("backing-up", two, Some("modifying")), Healthy, "shop is `backing-up`"),
        // The cluster reads well while nobody takes its writes.
        (seen("available", two, Some("storage-full")), Failing, "its writer shop-2 `storage-full`"),
        (seen("available", two, Some("rebooting")), Unknown, "`rebooting`"),
        (seen("failing-over", two, Some("available")), Unknown, "`failing-over`"),
        (seen("stopped", two, Some("stopped")), Failing, "`stopped`"),
        (seen("inaccessible-encryption-credentials", two, Some("available")), Failing, "`inaccessible"),
        (seen("available", &[], None), Failing, "without any instance"),
        (seen("available", &[("shop-1", false)], None), Unknown, "has no writer"),
        // One Region: the reader lives, and the instance that takes the writes does not.
        (seen("available", two, Some("failed")), Failing, "its writer shop-2 `failed`"),
        (seen("failing-over", two, Some("failed")), Failing, "its writer shop-2 `failed`"),
        (seen("available", two, None), Failing, "its writer shop-2 is not there"),
        (seen("failing-over", &[("shop-1", false), ("shop-2", false)], None), Unknown, "has no writer"),
        (seen("a-new-word", two, Some("available")), Unknown, "`a-new-word`"),
        (Ok(None), Failing, "us-east-1 has no DB cluster shop"),
        (Err("no answer within 4 seconds".into()), Unknown, "rds:DescribeDBClusters in us-east-1: no answer"),
    ];
    for (seen, state, says) in rows {
        let observed = rds_cluster(&signal, seen);
        assert_eq!(observed.state, state, "{observed:?}");
        assert!(observed.evidence.contains(says) && !observed.over_http, "{observed:?}");
    }
}

fn replicating() -> ReplicationSeen {
    let member = |region: &str, identifier: &str, is_writer| GlobalMember {
        arn: format!("arn:aws:rds:{region}:111122223333:cluster:{identifier}"),
        is_writer,
        synchronization: Some("connected".into()),
    };
    ReplicationSeen {
        global: GlobalClusterObserved {
            status: "available".into(),
            engine_version: Some("15.4".into()),
            members: vec![member("us-east-1", "shop", true), member("us-east-2", "shop-dr", false)],
            failover_state: None,
            recovery: Some(cluster_of("available", &[("shop-dr-1", false)])),
        },
        newest_lag: lag(0.4),
    }
}

fn lag(lag_seconds: f64) -> Option<LagSample> {
    Some(LagSample { at: Timestamp::UNIX_EPOCH, lag_seconds })
}

#[test]
fn replication_fails_only_by_what_was_seen() {
    use SignalState::{Failing, Healthy, Unknown};
    type Change = fn(&mut ReplicationSeen);
    let signal = AuroraReplicationSignal {
        name: "replication".into(),
        fate: "database".into(),
        global_cluster_identifier: "shop-global".into(),
        recovery_cluster_identifier: "shop-dr".into(),
    };
    let rows: [(Change, SignalState, &str); 15] = [
        (|_| {}, Healthy, "shop-dr is connected, 0.4 s behind"),
        (|s| s.newest_lag = lag(60.0), Healthy, "60.0 s behind"),
        (|s| s.newest_lag = lag(60.1), Failing, "60.1 s behind"),
        (|s| s.newest_lag = None, Unknown, "no AuroraGlobalDBRPOLag"),
        (|s| s.newest_lag = lag(f64::NAN), Unknown, "NaN"),
        (|s| s.newest_lag = lag(-1.0), Unknown, "-1"),
        (|s| s.global.members[1].synchronization = Some("pending-resync".into()), Failing, "`pending-resync`"),
        (|s| s.global.members[1].synchronization = Some("a-new-word".into()), Unknown, "`a-new-word`"),
        (|s| s.global.members[1].synchronization = None, Unknown, "says nothing"),
        (|s| s.global.members[1].is_writer = true, Unknown, "is the writer itself"),
        (|s| drop(s.global.members.pop()), Unknown, "has no member shop-dr in us-east-2"),
        (
            |s| s.global.members[1].arn = s.global.members[1].arn.replace("us-east-2", "eu-west-1"),
            Unknown,
            "has no member",
        ),
        (
            |s| s.global.failover_state = Some(FailoverStateObserved { status: "pending".into(), to_arn: None }),
            Unknown,
            "on the move, `pending`",
        ),
        (|s| s.global.recovery = None, Unknown, "us-east-2 has no DB cluster shop-dr"),
        (
            |s| {
                s.global.recovery = Some(cluster_of("upgrading", &[("shop-dr-1", false)]));
                s.newest_lag = lag(900.0);
            },
            Unknown,
            "the secondary shop-dr is itself `upgrading`",
        ),
    ];
    for (change, state, says) in rows {
        let mut seen = replicating();
        change(&mut seen);
        let observed = aurora_replication(&signal, "us-east-2", Ok(Some(seen)));
        assert_eq!(observed.state, state, "{observed:?}");
        assert!(observed.evidence.contains(says), "{says:?} is not in {observed:?}");
    }
    for seen in [Ok(None), Err("refused with AccessDenied".to_owned())] {
        assert_eq!(aurora_replication(&signal, "us-east-2", seen).state, Unknown);
    }
}
