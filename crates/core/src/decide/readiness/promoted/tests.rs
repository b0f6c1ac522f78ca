use super::*;
use crate::plan::RestoredSettings;

fn seen(parameter_group: &str, cluster_parameter_group: Option<&str>) -> RestoredObserved {
    RestoredObserved {
        arn: "arn".into(),
        status: "available".into(),
        engine: None,
        settings: RestoredSettings {
            parameter_group: Some(parameter_group.into()),
            cluster_parameter_group: cluster_parameter_group.map(str::to_owned),
            ..RestoredSettings::default()
        },
        pending_reboot: false,
        cluster: None,
    }
}

fn wanted(kind: RestoredKind) -> Wanted<'static> {
    let settings = RestoredSettings {
        parameter_group: Some("params".into()),
        cluster_parameter_group: (kind == RestoredKind::Cluster).then(|| "cluster-params".into()),
        ..RestoredSettings::default()
    };
    Wanted { kind, identifier: "shop-dr", settings }
}

#[test]
fn of_a_cluster_its_own_group_and_each_instances_are_asked_about() {
    let instances = [("one".to_owned(), seen("params", None)), ("two".to_owned(), seen("default.x1", None))];
    let asked = groups(&wanted(RestoredKind::Cluster), &seen("", Some("default.cx1")), &instances);
    let told: Vec<String> = asked.iter().map(|g| format!("{} {} now {:?}", g.of, g.wanted, g.now.as_deref())).collect();
    assert_eq!(
        told,
        [
            r#"shop-dr cluster-params now Some("default.cx1")"#,
            r#"one params now Some("params")"#,
            r#"two params now Some("default.x1")"#
        ]
    );
    let nothing = Wanted { settings: RestoredSettings::default(), ..wanted(RestoredKind::Cluster) };
    assert_eq!(groups(&nothing, &seen("", None), &instances), []);
}

#[test]
fn a_missing_group_or_one_of_another_family_is_a_problem_and_another_group_is_said() {
    let cases = [
        (Some("mysql8.0"), "params", Some("mysql8.0"), "ready: a replica"),
        (
            Some("mysql8.0"),
            "default.mysql8.0",
            Some("mysql8.0"),
            "ready: a replica; shop-dr has another parameter group than params now: it gets it by the promotion, and its static \
             parameters with a reboot after it; give it the group beforehand to be spared that",
        ),
        // Nobody could tell the one in force: RDS will say.
        (Some("mysql8.0"), "params", None, "ready: a replica"),
        (
            None,
            "default.mysql8.0",
            Some("mysql8.0"),
            "problem: shop-dr: the Region that is brought up has no DB parameter group params; make it there, or correct parameterGroup in \
             the plan",
        ),
        (
            Some("postgres16"),
            "default.mysql8.0",
            Some("mysql8.0"),
            "problem: shop-dr: DB parameter group params is of family postgres16, the database needs mysql8.0; make one of that family, or \
             correct parameterGroup in the plan",
        ),
    ];
    for (family, now, now_family, expected) in cases {
        let mut asked = groups(&wanted(RestoredKind::Instance), &seen(now, None), &[]);
        asked[0].wanted_family = family.map(str::to_owned);
        asked[0].now_family = now_family.map(str::to_owned);
        let told = match settings("a replica".into(), &asked) {
            Readiness::Ready(detail) => format!("ready: {detail}"),
            Readiness::Wait(detail) => format!("wait: {detail}"),
            Readiness::Problem(problem) => format!("problem: {problem}"),
        };
        assert_eq!(told, expected);
    }
}
