//! A restored database: readiness before it, proof after it.

use pilot_core::contract::Mode;
use pilot_core::journal::{Action, Entry};
use pilot_core::plan::RestoredSettings;
use pilot_shell::ledger::Ledger;
use pilot_testkit::fixture::restore::{self, RESTORED, VAULT};

use super::*;

/// The test kit's vault, and a plan that restores from it.
fn stage(plan_yaml: &str) -> Stage {
    let stage = Stage::ready_for(plan_yaml);
    let world = restore::world();
    let new = DnsRecord::simple("new.shop.test", RecordType::A, 60, vec!["192.0.2.1".into()]);
    world.put_record(ZONE, &new);
    Stage { seen: Seen { world, failing: RefCell::default() }, ..stage }
}

fn cluster() -> Stage {
    stage(&restore::cluster_plan_yaml())
}

fn settings(change: impl FnOnce(&mut RestoredSettings)) -> RestoredSettings {
    let mut settings = RestoredSettings {
        subnet_group: Some("shop-subnets".into()),
        cluster_parameter_group: Some("shop-cluster-params".into()),
        parameter_group: None,
        security_group_ids: vec!["sg-0b00000000000009".into()],
        backup_retention_days: Some(7),
        deletion_protection: Some(true),
        kms_key_id: None,
        tags: BTreeMap::from([("team".into(), "shop".into())]),
    };
    change(&mut settings);
    settings
}

/// A database as it is after its restore.
fn restored(settings: RestoredSettings, cluster: Option<&str>) -> RestoredObserved {
    RestoredObserved {
        arn: format!("arn:aws:rds:ap-southeast-1:111122223333:cluster:{RESTORED}"),
        status: "available".into(),
        engine: Some("aurora-postgresql".into()),
        settings,
        pending_reboot: false,
        cluster: cluster.map(str::to_owned),
    }
}

fn entry(run: &Run) -> Entry {
    Entry {
        step: Step::PromoteData,
        component: "db".into(),
        action: Action::StartRestoreJob,
        resource: RESTORED.into(),
        intent_at: now(),
        generation: run.generation,
        irreversible: true,
        before: Value::Null,
        outcome: None,
        undone_at: None,
        adopted_from: None,
    }
}

#[tokio::test]
async fn a_restore_is_ready_with_the_newest_usable_point_and_says_at_what_loss() {
    let response = cluster().step(Step::Ready).await.unwrap();
    assert_eq!(response.status, Status::Done, "{response:#?}");
    assert_eq!(
        detail(&response, "db"),
        "arn:aws:backup:ap-southeast-1:111122223333:recovery-point:newest of 2026-01-31T23:58:50Z can be restored as shop-restored; \
         promoting loses at most 40.0 seconds"
    );
}

#[tokio::test]
async fn what_could_not_be_restored_is_refused_with_what_to_mend() {
    type Row = (fn(&FakeWorld), FailureName, &'static str);
    let rows: [Row; 4] = [
        (
            |world| world.put_restored(RESTORED, restored(RestoredSettings::default(), None)),
            FailureName::NotReady,
            "db: shop-restored: arn:aws:rds:ap-southeast-1:111122223333:cluster:shop-restored is there already",
        ),
        (
            |world| world.put_restored("shop-restored-2", restored(RestoredSettings::default(), None)),
            FailureName::NotReady,
            "db: shop-restored: a DB instance shop-restored-2 is there already; name another in instances",
        ),
        (
            |world| world.empty_vault(VAULT),
            FailureName::NotReady,
            "db: AWS refused to tell, refused with ResourceNotFoundException: Backup vault shop-vault not found.",
        ),
        (
            |world| {
                world.empty_vault(VAULT);
                world.put_recovery_point(VAULT, restore::point("old", "COMPLETED", restore::CLUSTER_ARN, 61));
                world.put_recovery_point(VAULT, restore::point("partial", "PARTIAL", restore::CLUSTER_ARN, 1));
            },
            FailureName::DataLossTooHigh,
            "db: promoting shop-restored would lose 61.0 to 61.0 seconds of data, the plan allows 60",
        ),
    ];
    for (change, name, expected) in rows {
        let stage = cluster();
        change(&stage.seen.world);
        let failure = stage.step(Step::Ready).await.unwrap_err();
        assert_eq!(failure.name, name, "{failure}");
        assert!(failure.what.contains(expected), "{expected:?} is not in {failure}");
    }
    // A vault with nothing of this resource that could be restored.
    let stage = cluster();
    stage.seen.world.empty_vault(VAULT);
    stage.seen.world.put_recovery_point(VAULT, restore::point("partial", "PARTIAL", restore::CLUSTER_ARN, 1));
    let failure = stage.step(Step::Ready).await.unwrap_err();
    assert!(failure.what.contains("the vault has no completed recovery point of it; it has 1 PARTIAL"), "{failure}");
}

#[tokio::test]
async fn what_this_run_restored_does_not_stand_in_its_way() {
    let stage = cluster();
    stage.seen.world.put_restored(RESTORED, restored(RestoredSettings::default(), None));
    stage.ledger.intend(&stage.run, &entry(&stage.run)).await.unwrap();
    let response = stage.step(Step::Ready).await.unwrap();
    assert_eq!(detail(&response, "db"), "this run's restore to shop-restored was begun before: it is gone on with");
}

#[tokio::test]
async fn a_planned_run_restores_nothing() {
    let stage = cluster();
    let run = Run { mode: Mode::Switchover, ..stage.run.clone() };
    let stage = Stage { ledger: FakeLedger::held_by(&run), run, ..stage };
    let failure = stage.step(Step::Ready).await.unwrap_err();
    let expected =
        "db: shop-restored: a restore loses what was written after its recovery point: only a failover restores";
    assert_eq!((failure.name, failure.what.contains(expected)), (FailureName::NotReady, true), "{failure}");
}

#[tokio::test]
async fn the_schedule_wants_a_point_that_is_young_enough() {
    // The newest usable point was 40 seconds old at the incident, which was 30 seconds ago: 70 seconds now.
    let stage = cluster();
    let report = stage.readiness().await;
    assert_eq!(report["ready"], false);
    assert_eq!(
        report["problems"],
        json!([
            "db: shop-vault: the newest usable recovery point arn:aws:backup:ap-southeast-1:111122223333:recovery-point:newest is 70 seconds \
             old, the plan allows a loss of 60 seconds (policy.maxDataLossSeconds); back it up more often"
        ])
    );
    stage.seen.world.put_recovery_point(VAULT, restore::point("young", "COMPLETED", restore::CLUSTER_ARN, 10));
    let report = stage.readiness().await;
    assert_eq!((&report["ready"], &report["problems"]), (&json!(true), &json!([])));
    let young = "db: the newest usable recovery point arn:aws:backup:ap-southeast-1:111122223333:recovery-point:young is 40 seconds old";
    assert!(report["inOrder"].as_array().unwrap().contains(&json!(young)), "{report}");
    stage.seen.world.put_restored(RESTORED, restored(RestoredSettings::default(), None));
    let report = stage.readiness().await;
    assert!(
        report["problems"][0].as_str().unwrap().contains("is there already, and a restore makes a new one"),
        "{report}"
    );
}

#[tokio::test]
async fn the_proof_wants_every_setting_of_the_plan_in_force() {
    let member = |group: &str, cluster: &str| {
        let tags = BTreeMap::from([("team".into(), "shop".into())]);
        let settings = RestoredSettings { parameter_group: Some(group.into()), tags, ..RestoredSettings::default() };
        restored(settings, Some(cluster))
    };
    let put = |world: &FakeWorld, settings: RestoredSettings, first: RestoredObserved| {
        world.put_restored(RESTORED, restored(settings, None));
        world.put_restored("shop-restored-1", first);
        world.put_restored("shop-restored-2", member("shop-params", RESTORED));
    };
    let of_db = async |change: fn(&mut RestoredSettings), first: RestoredObserved| {
        let stage = cluster();
        put(&stage.seen.world, settings(change), first);
        detail(&stage.step(Step::Validate).await.unwrap(), "db").to_owned()
    };
    let well = || member("shop-params", RESTORED);
    assert_eq!(
        of_db(|_| {}, well()).await,
        "arn:aws:rds:ap-southeast-1:111122223333:cluster:shop-restored is there, with subnet group shop-subnets; cluster parameter group \
         shop-cluster-params; parameter group shop-params; security groups sg-0b00000000000009; backup retention of 7 days; deletion \
         protection on; tags team"
    );
    type Change = fn(&mut RestoredSettings);
    let rows: [(Change, &str); 6] = [
        (
            |s| s.cluster_parameter_group = Some("default".into()),
            "shop-restored is not set to cluster parameter group shop-cluster-params",
        ),
        (|s| s.security_group_ids.clear(), "shop-restored is not set to security groups sg-0b00000000000009"),
        (|s| s.backup_retention_days = Some(1), "shop-restored is not set to backup retention of 7 days"),
        (|s| s.deletion_protection = Some(false), "shop-restored is not set to deletion protection on"),
        (
            |s| s.tags.clear(),
            "shop-restored is not tagged (arn:aws:rds:ap-southeast-1:111122223333:cluster:shop-restored) with tags team",
        ),
        (
            |s| s.subnet_group = Some("default".into()),
            "it was restored with subnet group default, not shop-subnets, and that cannot be changed any more",
        ),
    ];
    for (change, expected) in rows {
        assert_eq!(of_db(change, well()).await, expected);
    }
    assert_eq!(
        of_db(|_| {}, member("default", RESTORED)).await,
        "shop-restored is not set on shop-restored-1 to parameter group shop-params"
    );
    assert_eq!(
        of_db(|_| {}, member("shop-params", "other")).await,
        "a DB instance of that name is there, and its cluster is other, not shop-restored"
    );

    let stage = cluster();
    let response = stage.step(Step::Validate).await.unwrap();
    assert_eq!((response.status, detail(&response, "db")), (Status::InProgress, "no DB cluster shop-restored"));
    stage.seen.world.put_restored(RESTORED, restored(settings(|_| {}), None));
    let response = stage.step(Step::Validate).await.unwrap();
    assert_eq!(detail(&response, "db"), "shop-restored has no DB instance shop-restored-1");
}
