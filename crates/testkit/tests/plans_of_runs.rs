//! The plan as a run goes it, and the runs that aim at a Region their plan does not lead to.

use futures::executor::block_on;
use pilot_core::FailureName;
use pilot_core::contract::{Mode, Run};
use pilot_shell::plans::PlanStore;
use pilot_testkit::fixture;

const MODES: [Mode; 5] = [Mode::Failover, Mode::DryRun, Mode::Switchover, Mode::Protect, Mode::Failback];

#[test]
fn a_failback_goes_the_mirror_image_and_every_other_run_the_document() {
    for mode in MODES {
        let (plans, run, _) = fixture::there_and_back(&fixture::plan_yaml_with_home(), mode);
        let document = block_on(plans.pinned(&run.plan)).unwrap();
        let expected = if mode == Mode::Failback { document.mirrored().unwrap() } else { document };
        assert_eq!(block_on(plans.of_run(&run)).unwrap(), expected, "{mode:?}");
    }
}

#[test]
fn a_run_that_aims_elsewhere_than_its_plan_is_refused() {
    for mode in MODES {
        let (plans, run, _) = fixture::there_and_back(&fixture::plan_yaml_with_home(), mode);
        let home = mode == Mode::Failback;
        for (target, fits) in [("ap-southeast-1", !home), ("ap-southeast-2", home), ("us-east-1", false)] {
            let run = Run { target_region: Some(target.into()), ..run.clone() };
            let plan = block_on(plans.of_run(&run));
            assert_eq!(plan.is_ok(), fits, "{mode:?} to {target}");
            if let Err(failure) = plan {
                assert_eq!(failure.name, FailureName::EventInvalid);
                assert!(failure.what.contains(target) && failure.what.contains(mode.as_str()), "{failure}");
            }
        }
    }
}
