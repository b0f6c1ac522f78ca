//! A promoted database's settings: what is missing is refused before anything is touched, and all is held against the database after.

use pilot_core::plan::RestoredKind;
use pilot_shell::ports::RestoredDatabases;
use pilot_testkit::fixture::{PROMOTED, with_promoted_settings};

use super::*;

const CLUSTER: &str = "shop-aurora-dr";

fn replica_plan() -> String {
    with_promoted_settings(&plan_yaml())
}

fn cluster_plan() -> String {
    with_promoted_settings(&fixture::plan_yaml_with_global_cluster())
}

#[tokio::test]
async fn a_missing_parameter_group_or_one_of_another_family_is_refused_before_anything_is_touched() {
    for (plan, of) in [(replica_plan(), REPLICA), (cluster_plan(), "reader-1")] {
        let stage = Stage::ready_for(&plan);
        let failure = stage.step(Step::Ready).await.unwrap_err();
        assert_eq!(failure.name, FailureName::NotReady);
        let missing =
            format!("db: {of}: the Region that is brought up has no DB parameter group shop-parameters; make it there");
        assert!(failure.what.starts_with(&missing), "{failure}");
        assert_eq!(stage.readiness().await["ready"], false);

        // The one in force is the default one, of no family of its own in this world.
        stage.seen.world.put_parameter_group(PROMOTED.0, "postgres16");
        let failure = stage.step(Step::Ready).await.unwrap_err();
        assert!(failure.what.contains("is of family postgres16, the database needs "), "{failure}");

        stage.seen.world.put_parameter_group(PROMOTED.0, "");
        let response = stage.step(Step::Ready).await.unwrap();
        let said = &response.components[0].detail;
        assert!(said.contains(&format!("{of} has another parameter group than shop-parameters now")), "{said}");
    }
}

#[tokio::test]
async fn a_security_group_is_not_asked_about_and_a_plan_without_settings_asks_for_nothing() {
    let stage = Stage::ready();
    stage.fail("restored", refused());
    stage.fail("parameter group", refused());
    assert_eq!(stage.step(Step::Ready).await.unwrap().status, Status::Done);
}

#[tokio::test]
async fn the_proof_waits_for_every_setting_and_says_what_waits_for_a_reboot() {
    let stage = Stage::recovered_by(&replica_plan()).await;
    let component = |response: StepResponse| response.components.into_iter().find(|c| c.name == "db").unwrap();
    let seen = component(stage.step(Step::Validate).await.unwrap());
    assert_eq!(seen.status, Status::InProgress);
    assert!(
        seen.detail.starts_with("shop-db-replica is not set on shop-db-replica to parameter group"),
        "{}",
        seen.detail
    );

    stage.seen.world.change_restored(REPLICA, |database| {
        let now = &mut database.settings;
        now.parameter_group = Some(PROMOTED.0.into());
        now.security_group_ids = vec![PROMOTED.1.into()];
        (now.backup_retention_days, now.deletion_protection) = (Some(7), Some(true));
        database.pending_reboot = true;
    });
    let seen = component(stage.step(Step::Validate).await.unwrap());
    assert!(seen.detail.contains("is not tagged") && seen.status == Status::InProgress, "{}", seen.detail);

    stage.seen.world.change_restored(REPLICA, |database| {
        database.settings.tags.insert("serves".into(), "the shop".into());
    });
    let seen = component(stage.step(Step::Validate).await.unwrap());
    assert_eq!(seen.status, Status::Done);
    assert!(
        seen.detail.ends_with("is `pending-reboot`: its static parameters come with the next reboot"),
        "{}",
        seen.detail
    );
}

#[tokio::test]
async fn the_proof_of_a_cluster_looks_at_its_instances_too() {
    let stage = Stage::recovered_by(&cluster_plan()).await;
    stage.seen.world.change_global_cluster(fixture::GLOBAL_CLUSTER, |global| {
        for member in &mut global.observed.members {
            member.is_writer = member.arn == fixture::RECOVERY_CLUSTER_ARN;
        }
    });
    for (kind, id) in [(RestoredKind::Cluster, CLUSTER), (RestoredKind::Instance, "reader-1")] {
        let detail = stage.step(Step::Validate).await.unwrap().components[0].detail.clone();
        assert!(detail.starts_with(&format!("{id} is not ")), "{detail}");
        RestoredDatabases::describe(&stage.seen.world, kind, id).await.unwrap().unwrap();
        stage.seen.world.change_restored(id, |database| {
            let now = &mut database.settings;
            now.parameter_group = Some(PROMOTED.0.into());
            now.security_group_ids = vec![PROMOTED.1.into()];
            now.deletion_protection = Some(true);
            now.tags.insert("serves".into(), "the shop".into());
        });
    }
    let response = stage.step(Step::Validate).await.unwrap();
    assert_eq!(response.components[0].status, Status::Done);
    let detail = &response.components[0].detail;
    assert!(
        detail.starts_with("shop-aurora-dr is the writer of shop-global, and nothing is on the move; set to"),
        "{detail}"
    );
}
