//! Databases that are recovered within one Region.

use pilot_testkit::FakeCluster;
use pilot_testkit::fixture::{CLUSTER, READER, WRITER};

use super::*;

fn one_region() -> Stage {
    Stage::aurora_of(&fixture::plan_yaml_in_one_region())
}

fn change(stage: &Stage, change: impl FnOnce(&mut FakeCluster)) {
    stage.seen.world.change_cluster(CLUSTER, change);
}

#[tokio::test]
async fn a_cluster_whose_writer_can_move_is_ready_and_loses_nothing() {
    let stage = one_region();
    let loses_nothing =
        "shop-zonal-b is available, a reader beside the writer shop-zonal-a; promoting loses at most 0.0 seconds";
    change(&stage, |cluster| cluster.kill_zone(WRITER.1));
    let response = stage.step(Step::Ready).await.unwrap();
    assert_eq!((response.status, detail(&response, "db")), (Status::Done, loses_nothing));
    // Aurora was faster.
    change(&stage, |cluster| cluster.make_writer(READER.0));
    let response = stage.step(Step::Ready).await.unwrap();
    assert_eq!((response.status, detail(&response, "db")), (Status::Done, "shop-zonal-b is its writer already"));
}

#[tokio::test]
async fn a_wrong_plan_of_a_cluster_is_refused_with_what_to_mend() {
    let edits = [
        (
            "clusterIdentifier: shop-zonal",
            "clusterIdentifier: shop-zone",
            "db: shop-zone: the Region has no such DB cluster; correct clusterIdentifier",
        ),
        (
            "recoveryInstanceIdentifier: shop-zonal-b",
            "recoveryInstanceIdentifier: shop-zonal-c",
            "db: shop-zonal: shop-zonal-c is no instance of shop-zonal, its instances are shop-zonal-a, shop-zonal-b; correct \
             recoveryInstanceIdentifier",
        ),
        (
            "primaryInstanceIdentifier: shop-zonal-a",
            "primaryInstanceIdentifier: shop-db",
            "db: shop-zonal: shop-db is no instance of it, its instances are shop-zonal-a, shop-zonal-b; correct primaryInstanceIdentifier",
        ),
    ];
    for (from, to, says) in edits {
        let stage = Stage::aurora_of(&fixture::plan_yaml_in_one_region().replacen(from, to, 1));
        let failure = stage.step(Step::Ready).await.unwrap_err();
        assert!(failure.name == FailureName::NotReady && failure.what.contains(says), "{failure}");
    }
    // The reader died with the writer.
    let stage = one_region();
    change(&stage, |cluster| cluster.kill_zone(READER.1));
    let failure = stage.step(Step::Ready).await.unwrap_err();
    assert!(failure.what.contains("shop-zonal-b is `failed`; mend it, or name another reader"), "{failure}");
}

#[tokio::test]
async fn a_cluster_is_proven_by_its_writer_and_by_both_being_available() {
    type Change = fn(&mut FakeCluster);
    let steps: [(Change, Status, &str); 3] = [
        (|_| {}, Status::InProgress, "shop-zonal-b is not the writer of shop-zonal, that is shop-zonal-a"),
        (
            |c| {
                c.make_writer(READER.0);
                c.observed.status = "failing-over".into();
            },
            Status::InProgress,
            "shop-zonal-b is the writer of shop-zonal, but `available`, and the cluster `failing-over`",
        ),
        (|c| c.make_writer(READER.0), Status::Done, "shop-zonal-b is the writer of shop-zonal, and both are available"),
    ];
    for (change_it, status, says) in steps {
        let stage = one_region();
        stage.seen.world.put_group(GROUP, FakeGroup::of(2, 4, 2));
        stage.application.writable.replace(true);
        change(&stage, change_it);
        let response = stage.step(Step::Validate).await.unwrap();
        assert_eq!((response.status, detail(&response, "db")), (status, says));
    }
}

#[tokio::test]
async fn without_traffic_only_the_application_says_whether_clients_are_served() {
    let stage = one_region();
    let response = stage.step(Step::Verify).await.unwrap();
    let names: Vec<&str> = response.components.iter().map(|component| component.name.as_str()).collect();
    assert_eq!((response.status, names.as_slice()), (Status::Done, ["endpoint reads"].as_slice()));
}

#[tokio::test]
async fn readiness_says_when_both_instances_would_die_together() {
    type Change = fn(&mut FakeCluster);
    let rows: [(Change, &[&str]); 4] = [
        (|_| {}, &[]),
        (
            |c| c.observed.instances[1].availability_zone = Some(WRITER.1.into()),
            &["shop-zonal-a and shop-zonal-b both stand in ap-southeast-1a and would die together"],
        ),
        (|c| c.make_writer(READER.0), &["shop-zonal-b is its writer already: there is nothing to fail over to"]),
        (|c| c.observed.members.truncate(1), &["shop-zonal-b is no instance of shop-zonal"]),
    ];
    for (change_it, problems) in rows {
        let stage = one_region();
        change(&stage, change_it);
        let report = stage.readiness().await;
        assert_eq!(report["ready"], problems.is_empty(), "{report:#}");
        for problem in problems {
            assert!(report["problems"].to_string().contains(problem), "{report:#}");
        }
    }
}
