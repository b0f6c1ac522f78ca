use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::decide::restored::stated;

fn tags() -> BTreeMap<String, String> {
    BTreeMap::from([("team".into(), "shop".into())])
}

fn settings() -> RestoredSettings {
    RestoredSettings {
        parameter_group: Some("params".into()),
        security_group_ids: vec!["sg-1".into(), "sg-2".into()],
        backup_retention_days: Some(7),
        deletion_protection: Some(true),
        tags: tags(),
        ..RestoredSettings::default()
    }
}

fn of_instance() -> Wanted<'static> {
    Wanted { kind: RestoredKind::Instance, identifier: "shop-dr", settings: settings() }
}

fn of_cluster() -> Wanted<'static> {
    let settings = RestoredSettings { cluster_parameter_group: Some("cluster-params".into()), ..settings() };
    Wanted { kind: RestoredKind::Cluster, identifier: "shop-dr", settings }
}

/// As the plan says, seen from the other side of RDS: lower case, another order, tags of its own.
fn set() -> RestoredObserved {
    let mut tags = tags();
    tags.insert("aws:own".into(), "x".into());
    let settings = RestoredSettings {
        cluster_parameter_group: Some("Cluster-Params".into()),
        parameter_group: Some("Params".into()),
        security_group_ids: vec!["sg-2".into(), "sg-1".into()],
        tags,
        ..settings()
    };
    RestoredObserved {
        arn: "arn:shop-dr".into(),
        status: "available".into(),
        engine: None,
        settings,
        pending_reboot: false,
        cluster: None,
    }
}

fn with(change: fn(&mut RestoredObserved)) -> Option<RestoredObserved> {
    let mut observed = set();
    change(&mut observed);
    Some(observed)
}

fn named(identifier: &str, observed: Option<RestoredObserved>) -> Described {
    Described { identifier: identifier.into(), observed }
}

fn line(next: &Next) -> String {
    match next {
        Next::Done { pending_reboot } if pending_reboot.is_empty() => "done".into(),
        Next::Done { pending_reboot } => format!("done, waits for a reboot: {}", pending_reboot.join(", ")),
        Next::Wait { reason, after_seconds } => format!("wait {after_seconds} s: {reason}"),
        Next::Change { identifier, change: Change::Cluster(settings) } => {
            format!("MODIFY CLUSTER {identifier} {}", stated(settings))
        }
        Next::Change { identifier, change: Change::Instance { settings, .. } } => {
            format!("MODIFY {identifier} {}", stated(settings))
        }
        Next::Change { identifier, change } => format!("{identifier} is {}", change.said()),
        Next::Fail(failure) => format!("fail [{}] {}", failure.resource, failure.what),
    }
}

#[test]
fn an_instance_is_set_in_one_call_then_tagged_and_never_rebooted() {
    type Case = (fn(&mut RestoredObserved), &'static str);
    let cases: Vec<Case> = vec![
        (|_| {}, "done"),
        (|o| o.pending_reboot = true, "done, waits for a reboot: shop-dr"),
        (
            |o| o.settings = RestoredSettings::default(),
            "MODIFY shop-dr parameter group params; security groups sg-1, sg-2; backup retention of 7 days; deletion protection on",
        ),
        (|o| o.settings.backup_retention_days = Some(1), "MODIFY shop-dr backup retention of 7 days"),
        (|o| o.settings.security_group_ids = vec!["sg-1".into()], "MODIFY shop-dr security groups sg-1, sg-2"),
        (|o| o.settings.tags.clear(), "shop-dr is tagged (arn:shop-dr) with tags team"),
        // What lacks nothing is as it is, whatever RDS is busy with.
        (|o| o.status = "backing-up".into(), "done"),
        (
            |o| {
                o.status = "modifying".into();
                o.settings.deletion_protection = Some(false)
            },
            "wait 2 s: shop-dr is `modifying`, it is set as the plan says once it is `available`",
        ),
        (
            |o| {
                o.status = "failed".into();
                o.settings.tags.clear()
            },
            "fail [shop-dr] the promoted DB instance is `failed`, from which it does not come back by itself",
        ),
    ];
    for (change, expected) in cases {
        assert_eq!(line(&next(&of_instance(), &named("shop-dr", with(change)), &[])), expected);
    }
    assert_eq!(line(&next(&of_instance(), &named("shop-dr", None), &[])), "wait 2 s: shop-dr is not seen");
}

#[test]
fn a_cluster_goes_before_its_instances_which_have_parameter_group_and_tags_of_their_own() {
    type Case = (fn(&mut RestoredObserved), fn(&mut RestoredObserved), &'static str);
    let cases: Vec<Case> = vec![
        (|_| {}, |_| {}, "done"),
        // An instance's parameter group is no business of the cluster's description, and the other way round.
        (
            |c| c.settings.parameter_group = None,
            |i| {
                i.settings = RestoredSettings {
                    parameter_group: Some("params".into()),
                    tags: tags(),
                    ..RestoredSettings::default()
                }
            },
            "done",
        ),
        (
            |c| c.settings.cluster_parameter_group = Some("default".into()),
            |i| i.settings.tags.clear(),
            "MODIFY CLUSTER shop-dr cluster parameter group cluster-params",
        ),
        (|c| c.settings.tags.clear(), |i| i.settings.tags.clear(), "shop-dr is tagged (arn:shop-dr) with tags team"),
        (|_| {}, |i| i.settings.parameter_group = None, "MODIFY two parameter group params"),
        (|_| {}, |i| i.settings.tags.clear(), "two is tagged (arn:shop-dr) with tags team"),
        (|c| c.pending_reboot = true, |i| i.pending_reboot = true, "done, waits for a reboot: shop-dr, two"),
    ];
    for (cluster, second, expected) in cases {
        let instances = [named("one", Some(set())), named("two", with(second))];
        assert_eq!(line(&next(&of_cluster(), &named("shop-dr", with(cluster)), &instances)), expected);
    }
}

#[test]
fn a_plan_that_states_nothing_asks_for_nothing() {
    for kind in [RestoredKind::Instance, RestoredKind::Cluster] {
        let wanted = Wanted { kind, identifier: "shop-dr", settings: RestoredSettings::default() };
        let seen = with(|o| {
            o.settings = RestoredSettings::default();
            o.pending_reboot = true
        });
        let instances = [named("one", with(|o| o.status = "failed".into()))];
        assert_eq!(line(&next(&wanted, &named("shop-dr", seen), &instances)), "done");
        assert_eq!(said(&wanted, &[]), None);
    }
}

#[test]
fn what_waits_for_a_reboot_is_said() {
    assert_eq!(
        said(&of_instance(), &["shop-dr".into()]).unwrap(),
        "set to parameter group params; security groups sg-1, sg-2; backup retention of 7 days; deletion protection on; tags team; the \
         parameter group of shop-dr is `pending-reboot`: its static parameters come with the next reboot"
    );
}

proptest! {
    /// Whatever it lacks: carried out, the calls come to an end, at most one for the settings and one for the tags, and nothing else is touched.
    #[test]
    fn two_calls_are_enough(
        group in prop::option::of("[a-z]{3}"),
        doors in prop::collection::vec("sg-[0-9]", 0..3),
        days in prop::option::of(1u32..35),
        protected in prop::option::of(any::<bool>()),
        tagged in any::<bool>(),
    ) {
        let mut observed = set();
        observed.settings = RestoredSettings {
            parameter_group: group,
            security_group_ids: doors,
            backup_retention_days: days,
            deletion_protection: protected,
            tags: if tagged { tags() } else { BTreeMap::new() },
            subnet_group: Some("subnets".into()),
            ..RestoredSettings::default()
        };
        let mut calls = 0;
        loop {
            match next(&of_instance(), &named("shop-dr", Some(observed.clone())), &[]) {
                Next::Done { .. } => break,
                Next::Change { change: Change::Instance { settings, .. }, .. } => {
                    prop_assert!(settings.subnet_group.is_none() && settings.tags.is_empty());
                    let now = &mut observed.settings;
                    now.parameter_group = settings.parameter_group.or(now.parameter_group.take());
                    if !settings.security_group_ids.is_empty() {
                        now.security_group_ids = settings.security_group_ids;
                    }
                    now.backup_retention_days = settings.backup_retention_days.or(now.backup_retention_days);
                    now.deletion_protection = settings.deletion_protection.or(now.deletion_protection);
                }
                Next::Change { change: Change::Tags { settings, .. }, .. } => observed.settings.tags.extend(settings.tags),
                other => prop_assert!(false, "{other:?}"),
            }
            calls += 1;
            prop_assert!(calls <= 2);
        }
    }
}
