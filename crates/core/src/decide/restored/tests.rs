use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

const ID: &str = "shop-restored";

fn wanted_settings() -> RestoredSettings {
    RestoredSettings {
        subnet_group: Some("subnets".into()),
        cluster_parameter_group: Some("cluster-params".into()),
        parameter_group: Some("params".into()),
        security_group_ids: vec!["sg-1".into(), "sg-2".into()],
        backup_retention_days: Some(7),
        deletion_protection: Some(true),
        kms_key_id: Some("key-1".into()),
        tags: BTreeMap::from([("team".into(), "shop".into())]),
    }
}

fn instances() -> Vec<RestoredInstance> {
    ["one", "two"].map(|id| RestoredInstance { identifier: id.into(), instance_class: "db.r6g.large".into() }).into()
}

/// As the plan says.
fn cluster() -> RestoredObserved {
    let settings = RestoredSettings {
        parameter_group: None,
        security_group_ids: vec!["sg-2".into(), "sg-1".into()],
        kms_key_id: Some("arn:aws:kms:us-west-2:111122223333:key/key-1".into()),
        tags: BTreeMap::from([("team".into(), "shop".into()), ("aws:backup".into(), "x".into())]),
        ..wanted_settings()
    };
    RestoredObserved {
        arn: "arn:cluster".into(),
        status: "available".into(),
        engine: Some("aurora-postgresql".into()),
        settings,
        pending_reboot: false,
        cluster: None,
    }
}

fn member() -> RestoredObserved {
    let tags = BTreeMap::from([("team".into(), "shop".into())]);
    let settings = RestoredSettings { parameter_group: Some("Params".into()), tags, ..RestoredSettings::default() };
    RestoredObserved { arn: "arn:one".into(), settings, cluster: Some("Shop-Restored".into()), ..cluster() }
}

fn line(next: &Next) -> String {
    match next {
        Next::Done => "done".into(),
        Next::Wait { reason, after_seconds } => format!("wait {after_seconds} s: {reason}"),
        Next::CreateInstance(index) => format!("CREATE instance {index}"),
        Next::Change(Change::Cluster(settings)) => format!("MODIFY CLUSTER {}", stated(settings)),
        Next::Change(Change::Instance { identifier, settings }) => format!("MODIFY {identifier} {}", stated(settings)),
        Next::Change(change) => change.said(),
        Next::Fail(failure) => format!("fail [{}] {}", failure.resource, failure.what),
    }
}

fn decided(change: impl FnOnce(&mut RestoredObserved), seen: &[Option<RestoredObserved>]) -> String {
    let (settings, instances) = (wanted_settings(), instances());
    let wanted = Wanted { kind: RestoredKind::Cluster, identifier: ID, instances: &instances, settings: &settings };
    let mut observed = cluster();
    change(&mut observed);
    line(&next(&wanted, &observed, seen))
}

#[test]
fn a_cluster_is_set_first_then_gets_its_instances_all_at_once() {
    let none = [None, None];
    type Case = (fn(&mut RestoredObserved), [Option<RestoredObserved>; 2], &'static str);
    let with = |change: fn(&mut RestoredObserved)| {
        let mut member = member();
        change(&mut member);
        Some(member)
    };
    let cases: Vec<Case> = vec![
        (|c| c.status = "modifying".into(), none.clone(), "wait 5 s: shop-restored is `modifying`"),
        (
            |c| c.status = "deleting".into(),
            none.clone(),
            "fail [shop-restored] the restored DB cluster is `deleting`, from which it does not come back by itself",
        ),
        (
            |c| c.settings.subnet_group = Some("default".into()),
            none.clone(),
            "fail [shop-restored] it was restored with subnet group default, not subnets, and that cannot be changed any more",
        ),
        (
            |c| c.settings.kms_key_id = None,
            none.clone(),
            "fail [shop-restored] it was restored with key none, not key-1, and that cannot be changed any more",
        ),
        (
            |c| {
                c.settings.security_group_ids = vec!["sg-1".into()];
                c.settings.backup_retention_days = Some(1);
                c.settings.tags.clear();
            },
            none.clone(),
            "MODIFY CLUSTER security groups sg-1, sg-2; backup retention of 7 days",
        ),
        (|c| c.settings.deletion_protection = Some(false), none.clone(), "MODIFY CLUSTER deletion protection on"),
        (
            |c| c.settings.cluster_parameter_group = Some("default".into()),
            none.clone(),
            "MODIFY CLUSTER cluster parameter group cluster-params",
        ),
        (
            |c| _ = c.settings.tags.insert("team".into(), "other".into()),
            none.clone(),
            "tagged (arn:cluster) with tags team",
        ),
        (|_| {}, none.clone(), "CREATE instance 0"),
        (|_| {}, [None, with(|_| {})], "CREATE instance 0"),
        // The second is made while the first is on its way.
        (|_| {}, [with(|m| m.status = "creating".into()), None], "CREATE instance 1"),
        (
            |_| {},
            [with(|m| m.status = "creating".into()), with(|m| m.status = "creating".into())],
            "wait 5 s: one is `creating`",
        ),
        (
            |_| {},
            [with(|m| m.cluster = None), with(|_| {})],
            "fail [one] a DB instance of that name is there, and its cluster is none, not shop-restored",
        ),
        (
            |_| {},
            [with(|_| {}), with(|m| m.settings.parameter_group = Some("default".into()))],
            "MODIFY two parameter group params",
        ),
        (
            |_| {},
            [with(|m| m.pending_reboot = true), with(|_| {})],
            "rebooted (one) so that its parameter group is in force",
        ),
        (|_| {}, [with(|_| {}), with(|m| m.settings.tags.clear())], "tagged (arn:one) with tags team"),
        (|_| {}, [with(|_| {}), with(|_| {})], "done"),
    ];
    for (change, seen, expected) in cases {
        assert_eq!(decided(change, &seen), expected);
    }
}

#[test]
fn an_instance_and_a_table_have_settings_of_their_own() {
    let settings =
        RestoredSettings { cluster_parameter_group: None, kms_key_id: None, subnet_group: None, ..wanted_settings() };
    let of = |kind: RestoredKind, status: &str, settings: &RestoredSettings, observed: RestoredObserved| {
        let wanted = Wanted { kind, identifier: ID, instances: &[], settings };
        line(&next(&wanted, &RestoredObserved { status: status.into(), ..observed }, &[]))
    };
    let instance = |change: fn(&mut RestoredObserved)| {
        let mut observed = RestoredObserved { settings: settings.clone(), ..cluster() };
        change(&mut observed);
        observed
    };
    let kind = RestoredKind::Instance;
    assert_eq!(of(kind, "available", &settings, instance(|_| {})), "done");
    assert_eq!(of(kind, "backing-up", &settings, instance(|_| {})), "wait 5 s: shop-restored is `backing-up`");
    let rebooting = of(kind, "available", &settings, instance(|i| i.pending_reboot = true));
    assert_eq!(rebooting, "rebooted (shop-restored) so that its parameter group is in force");
    let lost = of(kind, "incompatible-network", &settings, instance(|_| {}));
    assert!(lost.starts_with("fail [shop-restored]"), "{lost}");

    let table = RestoredSettings {
        backup_retention_days: Some(7),
        deletion_protection: Some(true),
        tags: BTreeMap::from([("team".into(), "shop".into())]),
        ..RestoredSettings::default()
    };
    let kind = RestoredKind::Table;
    let seen = |settings: RestoredSettings| RestoredObserved { settings, ..cluster() };
    let bare = RestoredSettings::default();
    assert_eq!(of(kind, "CREATING", &table, seen(bare.clone())), "wait 5 s: shop-restored is `CREATING`");
    assert_eq!(of(kind, "ACTIVE", &table, seen(bare.clone())), "set to deletion protection on");
    let protected = RestoredSettings { deletion_protection: Some(true), ..bare };
    assert_eq!(of(kind, "ACTIVE", &table, seen(protected.clone())), "set to point-in-time recovery of 7 days");
    let kept = RestoredSettings { backup_retention_days: Some(7), ..protected };
    assert_eq!(of(kind, "ACTIVE", &table, seen(kept)), "tagged (arn:cluster) with tags team");
    assert_eq!(of(kind, "ACTIVE", &table, seen(table.clone())), "done");
}

fn settings() -> impl Strategy<Value = RestoredSettings> {
    let name = || proptest::option::of(prop_oneof![Just("a".to_owned()), Just("b".to_owned())]);
    let groups = proptest::sample::subsequence(vec!["sg-1".to_owned(), "sg-2".to_owned()], 0..=2);
    let tags = proptest::collection::btree_map("[ab]", "[xy]", 0..=2);
    let parts = (name(), name(), groups, proptest::option::of(1_u32..4), proptest::option::of(any::<bool>()), tags);
    parts.prop_map(|(cluster_parameter_group, parameter_group, security_group_ids, days, protection, tags)| {
        RestoredSettings {
            cluster_parameter_group,
            parameter_group,
            security_group_ids,
            backup_retention_days: days,
            deletion_protection: protection,
            tags,
            ..RestoredSettings::default()
        }
    })
}

/// What AWS makes of the changes, with a parameter group that waits for a reboot.
fn apply(observed: &mut RestoredObserved, change: &Change) {
    let set = |now: &mut RestoredObserved, with: &RestoredSettings| {
        if with.parameter_group.is_some() {
            now.pending_reboot = true;
            now.settings.parameter_group = with.parameter_group.clone();
        }
        if !with.security_group_ids.is_empty() {
            now.settings.security_group_ids = with.security_group_ids.clone();
        }
        if with.cluster_parameter_group.is_some() {
            now.settings.cluster_parameter_group = with.cluster_parameter_group.clone();
        }
        now.settings.backup_retention_days = with.backup_retention_days.or(now.settings.backup_retention_days);
        now.settings.deletion_protection = with.deletion_protection.or(now.settings.deletion_protection);
    };
    match change {
        Change::Cluster(with) | Change::Instance { settings: with, .. } => set(observed, with),
        Change::Reboot { .. } => observed.pending_reboot = false,
        Change::Tags { settings, .. } => observed.settings.tags.extend(settings.tags.clone()),
        Change::ProtectTable(on) => observed.settings.deletion_protection = Some(*on),
        Change::KeepTablePoints(days) => observed.settings.backup_retention_days = Some(*days),
    }
}

proptest! {
    /// From whatever a restore left, a handful of calls leads to what the plan says, and nothing that the plan does not state is touched.
    #[test]
    fn every_start_leads_to_the_plan(wanted in settings(), now in settings()) {
        let kind = RestoredKind::Instance;
        let mut observed = RestoredObserved { settings: now.clone(), ..cluster() };
        let wants = Wanted { kind, identifier: ID, instances: &[], settings: &wanted };
        let mut calls = 0;
        while let Next::Change(change) = next(&wants, &observed, &[]) {
            apply(&mut observed, &change);
            calls += 1;
            prop_assert!(calls <= 3, "no end: {change:?}");
        }
        prop_assert_eq!(next(&wants, &observed, &[]), Next::Done);
        prop_assert!(lacking(&wanted, &observed.settings).is_empty());
        if wanted.backup_retention_days.is_none() {
            prop_assert_eq!(observed.settings.backup_retention_days, now.backup_retention_days);
        }
        if wanted.security_group_ids.is_empty() {
            prop_assert_eq!(observed.settings.security_group_ids, now.security_group_ids);
        }
    }
}
