use proptest::prelude::*;

use super::*;
use crate::plan::{FailoverRole, RecordType};

fn record(name: &str, ttl_seconds: u32, values: &[&str]) -> DnsRecord {
    let values = values.iter().map(|v| (*v).to_owned()).collect();
    DnsRecord::simple(name, RecordType::Cname, ttl_seconds, values)
}

fn listed(records: &[DnsRecord]) -> BTreeMap<RecordKey, RecordObserved> {
    records.iter().map(|record| (key_of(record), RecordObserved::from(record))).collect()
}

#[test]
fn decisions() {
    use ChangeState::{Gone, InSync, None, Pending};
    let api = || record("api.shop.example.com", 5, &["recovery-lb.shop.example.com"]);
    let old = || record("api.shop.example.com", 5, &["primary-lb.shop.example.com"]);
    let www = || record("www.shop.example.com", 5, &["recovery-lb.shop.example.com"]);
    let upsert = |records: &[DnsRecord]| Decision::Upsert(records.to_vec());
    let rows = [
        ("leads to the primary", vec![api()], vec![old()], None, upsert(&[api()])),
        ("is not there at all", vec![api()], vec![], None, upsert(&[api()])),
        ("one of two differs", vec![api(), www()], vec![old(), www()], None, upsert(&[api()])),
        (
            "only the time to live differs",
            vec![api()],
            vec![DnsRecord { ttl_seconds: 60, ..api() }],
            None,
            upsert(&[api()]),
        ),
        ("as wanted before this run", vec![api()], vec![api()], None, Decision::Done),
        ("written, on its way", vec![api()], vec![api()], Pending, Decision::Wait),
        ("written, the list lags behind", vec![api()], vec![old()], Pending, Decision::Wait),
        ("written, everywhere", vec![api()], vec![api()], InSync, Decision::Done),
        ("everywhere once, then changed by somebody", vec![api()], vec![old()], InSync, upsert(&[api()])),
        ("stranded by an outage: made again, whatever the list says", vec![api()], vec![api()], Gone, upsert(&[api()])),
        ("stranded, and the list shows it", vec![api()], vec![old()], Gone, upsert(&[api()])),
        (
            "case and the closing dot say nothing",
            vec![api()],
            vec![record("API.shop.example.com.", 5, &["Recovery-LB.shop.example.com."])],
            None,
            Decision::Done,
        ),
        (
            "the order of values says nothing",
            vec![record("a.example.com", 5, &["one", "two"])],
            vec![record("a.example.com", 5, &["two", "one"])],
            None,
            Decision::Done,
        ),
    ];
    for (name, wanted, found, change, expected) in rows {
        assert_eq!(decide(&wanted, &listed(&found), change), expected, "{name}");
    }
}

#[test]
fn records_of_one_name_are_told_apart_and_compared_whole() {
    let weighted = |identifier: &str, weight: u8| DnsRecord {
        set_identifier: Some(identifier.into()),
        weight: Some(weight),
        ..record("api.example.com", 5, &["lb.example.com"])
    };
    let (home, away) = (weighted("home", 0), weighted("away", 255));
    let wanted = [home.clone(), away.clone()];
    let before = listed(&[weighted("home", 255), away.clone()]);
    assert_eq!(decide(&wanted, &before, ChangeState::None), Decision::Upsert(vec![home.clone()]));
    assert_eq!(decide(&wanted, &listed(&wanted), ChangeState::None), Decision::Done);
    // A simple record of that name is another record.
    let simple = listed(&[record("api.example.com", 5, &["lb.example.com"])]);
    assert_eq!(decide(&wanted, &simple, ChangeState::None), Decision::Upsert(wanted.to_vec()));
    let followed = DnsRecord { health_check_id: Some("h".into()), ..away.clone() };
    assert_eq!(decide(std::slice::from_ref(&followed), &before, ChangeState::None), Decision::Upsert(vec![followed]));
    let role = |role| DnsRecord { weight: None, failover: Some(role), ..away.clone() };
    let secondary = role(FailoverRole::Secondary);
    let found = listed(&[role(FailoverRole::Primary)]);
    assert_eq!(decide(std::slice::from_ref(&secondary), &found, ChangeState::None), Decision::Upsert(vec![secondary]));
    assert_eq!((told(&away), told(&record("a", 5, &[]))), ("api.example.com CNAME (away)".into(), "a CNAME".into()));
}

#[test]
fn batch_sizes() {
    let many = |count, length| {
        let value = "v".repeat(length);
        (0..count).map(|i| record(&format!("{i:04}"), 5, &[&value])).collect::<Vec<_>>()
    };
    let rows = [
        ("nothing", many(0, 1), vec![]),
        ("one", many(1, 1), vec![1]),
        ("as many as one batch takes", many(500, 1), vec![500]),
        ("one more", many(501, 1), vec![500, 1]),
        ("characters fill it exactly: 2 * (4 + 3996) * 4", many(4, 3_996), vec![4]),
        ("a character too many", many(4, 3_997), vec![3, 1]),
        ("each too long by itself: the plan's check refuses these", many(2, 16_000), vec![1, 1]),
    ];
    for (name, records, expected) in rows {
        let sizes: Vec<usize> = batches(&records).iter().map(Vec::len).collect();
        assert_eq!(sizes, expected, "{name}");
    }
}

#[test]
fn records_of_one_name_stay_in_one_batch() {
    let of = |identifier: &str| DnsRecord { set_identifier: Some(identifier.into()), ..record("pair", 5, &["v"]) };
    let singles = |count: usize| (0..count).map(|i| record(&format!("{i:04}"), 5, &["v"])).collect::<Vec<_>>();
    let sizes = |records: &[DnsRecord]| batches(records).iter().map(Vec::len).collect::<Vec<_>>();
    assert_eq!(sizes(&[singles(499), vec![of("a"), of("b")]].concat()), [499, 2]);
    assert_eq!(sizes(&[singles(498), vec![of("a"), of("b")]].concat()), [500]);
    let many: Vec<DnsRecord> = (0..501).map(|i| of(&i.to_string())).collect();
    assert_eq!(sizes(&many), [500, 1], "more than a batch takes must be cut somewhere");
}

fn any_records() -> impl Strategy<Value = Vec<DnsRecord>> {
    let values = proptest::collection::vec("[a-zA-Z.]{0,40}", 0..3);
    let record_type = prop_oneof![Just(RecordType::A), Just(RecordType::Cname), Just(RecordType::Txt)];
    let one = ("[a-cA-C]{1,2}\\.?", record_type, 1u32..4, values)
        .prop_map(|(name, record_type, ttl_seconds, values)| DnsRecord::simple(name, record_type, ttl_seconds, values));
    proptest::collection::vec(one, 0..12)
}

fn any_change() -> impl Strategy<Value = ChangeState> {
    use ChangeState::{Gone, InSync, None, Pending};
    prop_oneof![Just(None), Just(Pending), Just(InSync), Just(Gone)]
}

/// What Route 53 holds after these UPSERTs.
fn upserted(
    mut zone: BTreeMap<RecordKey, RecordObserved>,
    records: &[DnsRecord],
) -> BTreeMap<RecordKey, RecordObserved> {
    zone.extend(listed(records));
    zone
}

proptest! {
    #[test]
    fn it_writes_only_what_is_wanted(wanted in any_records(), found in any_records(), change in any_change()) {
        match decide(&wanted, &listed(&found), change) {
            Decision::Upsert(records) => {
                prop_assert!(records.iter().all(|record| wanted.contains(record)));
                prop_assert!(change != ChangeState::Pending, "writes while a change is on its way");
            }
            Decision::Done => prop_assert!(matches!(change, ChangeState::None | ChangeState::InSync)),
            Decision::Wait => prop_assert_eq!(change, ChangeState::Pending),
        }
    }

    #[test]
    fn one_change_is_enough(wanted in any_records(), found in any_records()) {
        // The plan's check refuses a record that stands twice: of those the last would win for ever.
        let mut seen = std::collections::BTreeSet::new();
        let wanted: Vec<DnsRecord> =
            wanted.into_iter().filter(|r| seen.insert(key_of(r))).collect();
        let zone = listed(&found);
        if let Decision::Upsert(records) = decide(&wanted, &zone, ChangeState::None) {
            prop_assert!(!records.is_empty(), "an empty batch is refused by Route 53");
            prop_assert_eq!(decide(&wanted, &upserted(zone, &records), ChangeState::InSync), Decision::Done);
        }
    }

    #[test]
    fn batches_lose_nothing_keep_the_order_and_the_limits(
        lengths in proptest::collection::vec(prop_oneof![0usize..50, 0usize..15_990], 0..700),
    ) {
        let value = "v".repeat(16_000);
        let records: Vec<DnsRecord> =
            lengths.iter().enumerate().map(|(i, length)| record(&format!("{i}"), 5, &[&value[..*length]])).collect();
        let batches = batches(&records);
        prop_assert_eq!(batches.concat(), records);
        for batch in &batches {
            prop_assert!(!batch.is_empty() && batch.len() <= UPSERTS_PER_BATCH_MAX);
            prop_assert!(batch.iter().map(upsert_characters).sum::<usize>() <= BATCH_CHARACTERS_MAX);
        }
    }
}
