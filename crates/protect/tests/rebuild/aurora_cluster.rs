//! An Aurora cluster of one Region: the old writer comes back as a reader, and nothing is called for it.

use pilot_core::contract::Mode;
use pilot_testkit::fixture::{CLUSTER, READER, WRITER};
use pilot_testkit::{FakeCluster, Faults, fixture};

use crate::case::Case;
use crate::fake_rds::FakeRds;

fn case(change: impl FnOnce(&mut FakeCluster)) -> Case {
    let home = "home:
  compute: []
  validation:
    endpoints: [{name: home-reads, url: 'https://primary-lb.shop.test/health'}]
";
    let rds = FakeRds::default();
    let mut cluster = FakeCluster::of(&[WRITER, READER]);
    cluster.make_writer(READER.0);
    change(&mut cluster);
    rds.aurora.put_cluster(CLUSTER, cluster);
    Case::new(&format!("{}{home}", fixture::plan_yaml_in_one_region()), Mode::Protect, rds)
}

#[test]
fn an_old_writer_is_waited_for_until_it_reads() {
    let case = case(|cluster| cluster.observed.instances[0].status = "rebooting".into());
    let faults = Faults::none();
    assert_eq!(case.look(0, &faults), "on its way: shop-zonal-a is `rebooting`, the cluster `available` (again in 5s)");
    case.rds.aurora.change_cluster(CLUSTER, |cluster| cluster.observed.instances[0].status = "available".into());
    assert_eq!(case.look(5, &faults), "done: shop-zonal-a is an available reader of shop-zonal");
    assert!(faults.mutating_calls().is_empty() && case.entries().is_empty());
}

#[test]
fn an_old_writer_that_is_lost_is_told() {
    let faults = Faults::none();
    let lost = case(|cluster| cluster.kill_zone(WRITER.1));
    assert_eq!(lost.look(0, &faults), "ProtectFailed: shop-zonal-a is `failed`");
    let moved_back = case(|cluster| cluster.make_writer(WRITER.0));
    assert_eq!(
        moved_back.look(0, &faults),
        "ProtectFailed: shop-zonal-a is the writer itself: nobody is left to follow"
    );
}
