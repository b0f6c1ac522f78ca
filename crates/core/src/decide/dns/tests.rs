use super::*;
use crate::plan::RecordType;

fn expectation() -> DnsExpectation {
    DnsExpectation {
        name: "shop.example.com".into(),
        record_type: RecordType::Cname,
        expect_any_of: vec!["Recovery-LB.example.com.".into(), "spare-lb.example.com".into()],
        name_servers: Vec::new(),
    }
}

fn answer(values: Result<&[&str], &str>) -> DnsAnswer {
    DnsAnswer {
        server: "192.0.2.53:53".into(),
        values: values.map(|v| v.iter().map(ToString::to_string).collect()).map_err(str::to_owned),
    }
}

#[test]
#[expect(clippy::type_complexity, reason = "a row of a table, read as it stands")]
fn every_server_must_answer_with_expected_values_and_no_other() {
    let question = "shop.example.com CNAME at 192.0.2.53:53";
    let cases: &[(Result<&[&str], &str>, Option<&str>)] = &[
        (Ok(&["recovery-lb.EXAMPLE.com."]), None),
        (Ok(&["recovery-lb.example.com", "spare-lb.example.com."]), None),
        (Ok(&["primary-lb.example.com."]), Some("still primary-lb.example.com, expected")),
        (Ok(&["recovery-lb.example.com", "primary-lb.example.com"]), Some("still primary-lb.example.com, expected")),
        (Ok(&[]), Some("the answer is empty")),
        (Err("no answer"), Some("no answer")),
    ];
    for (values, problem) in cases {
        let problems = problems(&expectation(), &[answer(*values)]);
        match problem {
            None => assert!(problems.is_empty(), "{values:?}: {problems:?}"),
            Some(text) => {
                assert_eq!(problems.len(), 1, "{values:?}");
                assert!(problems[0].starts_with(question) && problems[0].contains(text), "{problems:?}");
            }
        }
    }
}

#[test]
fn one_server_that_lags_behind_is_enough_to_wait() {
    let answers = [answer(Ok(&["recovery-lb.example.com"])), answer(Ok(&["primary-lb.example.com"]))];
    assert_eq!(problems(&expectation(), &answers).len(), 1);
}
