use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::*;
use crate::observed::RecordObserved;
use crate::plan::{DnsRecord, RecordType};

fn component() -> RdsReadReplica {
    RdsReadReplica {
        name: "shop-db".into(),
        wave: 1,
        primary_identifier: "shop-db".into(),
        replica_identifier: "shop-db-replica".into(),
        backup_retention_days: 7,
        primary_settings: crate::plan::InstanceSettings::default(),
        replica_settings: crate::plan::InstanceSettings::default(),
        promoted_settings: Box::default(),
        home_settings: Box::default(),
        timeout_seconds: 900,
    }
}

fn observed(status: &str, source: Option<&str>) -> ReplicaObserved {
    ReplicaObserved {
        status: status.into(),
        source: source.map(Into::into),
        replication: Some("replicating".into()),
        backup_retention_days: 7,
    }
}

fn word(readiness: &Readiness) -> &'static str {
    match readiness {
        Readiness::Ready(_) => "ready",
        Readiness::Wait(_) => "wait",
        Readiness::Problem(_) => "problem",
    }
}

#[test]
fn a_replica_is_ready_only_of_its_own_primary_and_when_it_can_be_promoted() {
    let arn = Some("arn:aws:rds:ap-southeast-2:111122223333:db:shop-db");
    let cases = [
        (None, "problem"),
        (Some(observed("available", arn)), "ready"),
        (Some(observed("available", Some("shop-db"))), "ready"),
        (Some(observed("backing-up", arn)), "wait"),
        (Some(observed("modifying", arn)), "wait"),
        (Some(observed("stopped", arn)), "problem"),
        (Some(observed("storage-full", arn)), "problem"),
        (Some(observed("incompatible-network", arn)), "problem"),
        (Some(observed("available", Some("other-db"))), "problem"),
        // An identifier that merely ends like ours is another database.
        (Some(observed("available", Some("arn:aws:rds:ap-southeast-2:111122223333:db:old-shop-db"))), "problem"),
        (Some(observed("available", None)), "ready"),
        (Some(observed("rebooting", None)), "wait"),
        (Some(observed("failed", None)), "problem"),
    ];
    for (seen, expected) in cases {
        let readiness = replica(&component(), seen.as_ref());
        assert_eq!(word(&readiness), expected, "{seen:?}: {readiness:?}");
    }
}

#[test]
fn replication_is_held_against_the_objective_by_its_newest_sample() {
    let at = |second: i64| Timestamp::from_second(second).unwrap();
    let sample = |second, lag_seconds| LagSample { at: at(second), lag_seconds };
    let replica = observed("available", Some("shop-db"));
    let cases: &[(&[LagSample], bool)] = &[
        (&[], false),
        (&[sample(10, 0.5)], true),
        (&[sample(10, 60.0)], true),
        (&[sample(10, 60.1)], false),
        (&[sample(10, -1.0)], false),
        (&[sample(10, f64::NAN)], false),
        (&[sample(20, 1.0), sample(10, 500.0)], true),
        (&[sample(20, -1.0), sample(10, 0.0)], false),
    ];
    for (samples, ready) in cases {
        let result = replication_now("shop-db-replica", &replica, samples, 60);
        assert_eq!(result.is_ok(), *ready, "{samples:?}: {result:?}");
    }
    for word in [Some("error"), Some("stopped"), None] {
        let replica = ReplicaObserved { replication: word.map(Into::into), ..replica.clone() };
        assert!(replication_now("shop-db-replica", &replica, &[sample(10, 0.5)], 60).is_err(), "{word:?}");
    }
}

#[test]
fn missing_groups_and_records_are_problems_that_name_them() {
    assert_eq!(word(&group("shop-app", None)), "problem");
    let there = GroupObserved { min: 0, max: 0, desired: 0, in_service: 0 };
    assert_eq!(word(&group("shop-app", Some(&there))), "ready");

    let wanted = |name: &str| DnsRecord::simple(name, RecordType::Cname, 5, vec!["recovery-lb.example.com".into()]);
    let there = DnsRecord { values: vec!["primary-lb.example.com".into()], ..wanted("api.example.com") };
    let listed = BTreeMap::from([(crate::decide::records::key_of(&there), RecordObserved::from(&there))]);
    assert_eq!(word(&records("Z1", &[wanted("API.example.com.")], &listed, &BTreeSet::new())), "ready");
    let Readiness::Problem(text) =
        records("Z1", &[wanted("api.example.com"), wanted("web.example.com")], &listed, &BTreeSet::new())
    else {
        panic!("a missing record is a problem")
    };
    assert!(text.contains("web.example.com CNAME") && !text.contains("api."), "{text}");
}

#[test]
fn a_service_must_be_there_be_active_and_have_a_revision_that_starts() {
    use crate::observed::{DeploymentObserved, ScalableTarget, ServiceObserved};
    let component: crate::plan::EcsService = serde_json::from_value(serde_json::json!({
        "name": "api", "clusterName": "shop", "serviceName": "api", "capacity": {"min": 1, "max": 4, "desired": 2}
    }))
    .unwrap();
    let target = Some(ScalableTarget { min: 0, max: 1 });
    let resting = ServiceObserved {
        status: "ACTIVE".into(),
        desired: 0,
        running: 0,
        deployment: DeploymentObserved::Steady,
        target,
    };
    let ready = "there, scalable target min 0, max 1, desired count 0, 0 running";
    assert_eq!(service(&component, Some(&resting)), Readiness::Ready(ready.into()));
    let inactive = ServiceObserved { status: "INACTIVE".into(), ..resting.clone() };
    let reason = "tasks failed to start".to_owned();
    let failed = ServiceObserved { deployment: DeploymentObserved::Failed { reason }, ..resting };
    for (observed, said) in
        [(None, "no such ECS service"), (Some(inactive), "`INACTIVE`"), (Some(failed), "tasks failed to start")]
    {
        let Readiness::Problem(problem) = service(&component, observed.as_ref()) else { panic!("{said}") };
        assert!(problem.starts_with("shop/api: ") && problem.contains(said), "{problem}");
    }
}
