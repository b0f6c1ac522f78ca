use std::collections::BTreeMap;

use super::*;
use SignalState::{Failing, Healthy, Unknown};

fn instance(status: &str, source: Option<&str>, replication: Option<&str>) -> ReplicaObserved {
    ReplicaObserved {
        status: status.into(),
        source: source.map(Into::into),
        replication: replication.map(Into::into),
        backup_retention_days: 7,
    }
}

#[test]
fn http() {
    let signal = HttpSignal {
        name: "storefront".into(),
        fate: "application".into(),
        url: "https://primary.example.com/health".into(),
        expect_status: 204,
        timeout_seconds: 3,
    };
    let answer = |status| Ok(HttpAnswer { status, headers: BTreeMap::new(), body: b"secret".to_vec() });
    let cases = [
        (answer(204), Healthy, "HTTP 204"),
        (answer(200), Failing, "HTTP 200, expected 204"),
        (answer(503), Failing, "HTTP 503, expected 204"),
        (Err(NoAnswer::TimedOut { after_seconds: 3 }), Failing, "no answer within 3 seconds"),
        (Err(NoAnswer::Refused), Failing, "connection refused"),
        (Err(NoAnswer::Closed), Failing, "connection closed before the answer"),
        (Err(NoAnswer::Unreachable), Failing, "no route to the address"),
        (Err(NoAnswer::NameNotResolved), Failing, "the name could not be resolved"),
        (Err(NoAnswer::Tls), Failing, "the TLS handshake failed"),
        (Err(NoAnswer::NotHttp), Failing, "the answer was not HTTP"),
        (
            Err(NoAnswer::NotSent { reason: "no free port".into() }),
            Unknown,
            "not sent, the observer's own fault: no free port",
        ),
    ];
    for (seen, state, evidence) in cases {
        let observed = super::http(&signal, &seen);
        assert_eq!((observed.state, observed.evidence.as_str()), (state, evidence));
        assert!(observed.over_http);
    }
}

#[test]
fn alarm() {
    let signal = AlarmSignal {
        name: "canary".into(),
        fate: "application".into(),
        alarm_name: "shop-canary".into(),
        region: "ap-southeast-1".into(),
    };
    let cases = [
        (Ok(Some(AlarmState::Ok)), Healthy),
        (Ok(Some(AlarmState::Alarm)), Failing),
        (Ok(Some(AlarmState::InsufficientData)), Unknown),
        (Ok(Some(AlarmState::Other("NEW".into()))), Unknown),
        (Ok(None), Unknown),
        (Err("refused with AccessDenied: no".into()), Unknown),
        (Err("outcome unknown: timeout".into()), Unknown),
    ];
    for (seen, state) in cases {
        let observed = super::alarm(&signal, seen.clone());
        assert_eq!(observed.state, state, "{seen:?}");
        assert!(!observed.over_http);
    }
}

#[test]
fn rds_instance() {
    let signal = RdsInstanceSignal {
        name: "primary-database".into(),
        fate: "database".into(),
        identifier: "shop-db".into(),
        region: "ap-southeast-2".into(),
    };
    let statuses = [
        ("available", Healthy),
        ("backing-up", Healthy),
        ("modifying", Healthy),
        ("storage-optimization", Healthy),
        ("failed", Failing),
        ("stopped", Failing),
        ("stopping", Failing),
        ("deleting", Failing),
        ("storage-full", Failing),
        ("inaccessible-encryption-credentials", Failing),
        ("inaccessible-encryption-credentials-recoverable", Failing),
        ("incompatible-network", Failing),
        ("incompatible-parameters", Failing),
        ("rebooting", Unknown),
        ("starting", Unknown),
        ("upgrading", Unknown),
        ("a-word-of-a-later-day", Unknown),
    ];
    for (status, state) in statuses {
        assert_eq!(super::rds_instance(&signal, Ok(Some(instance(status, None, None)))).state, state, "{status}");
    }
    assert_eq!(super::rds_instance(&signal, Ok(None)).state, Failing);
    assert_eq!(super::rds_instance(&signal, Err("outcome unknown: dispatch failure".into())).state, Unknown);
}

#[test]
fn rds_replication() {
    let signal = RdsReplicationSignal {
        name: "replication".into(),
        fate: "database".into(),
        identifier: "shop-db-replica".into(),
    };
    let source = Some("arn:aws:rds:ap-southeast-2:111122223333:db:shop-db");
    let cases = [
        (instance("available", source, Some("replicating")), Healthy),
        (instance("modifying", source, Some("replicating")), Healthy),
        (instance("available", source, Some("error")), Failing),
        (instance("available", source, Some("stopped")), Failing),
        (instance("available", source, Some("terminated")), Failing),
        (instance("available", source, Some("replication stop point set")), Unknown),
        (instance("available", source, None), Unknown),
        (instance("failed", source, Some("error")), Unknown),
        (instance("rebooting", source, Some("stopped")), Unknown),
        (instance("available", None, None), Unknown),
        (instance("available", None, Some("terminated")), Unknown),
    ];
    for (replica, state) in cases {
        assert_eq!(super::rds_replication(&signal, Ok(Some(replica.clone()))).state, state, "{replica:?}");
    }
    assert_eq!(super::rds_replication(&signal, Ok(None)).state, Unknown);
    assert_eq!(super::rds_replication(&signal, Err("throttled".into())).state, Unknown);
}
