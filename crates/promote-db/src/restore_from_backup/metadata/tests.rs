use pilot_core::plan::RestoredSettings;

use super::*;

fn component(resource_arn: &str, settings: RestoredSettings) -> RestoreFromBackup {
    RestoreFromBackup {
        name: "db".into(),
        wave: 1,
        resource_arn: resource_arn.into(),
        vault_name: "vault".into(),
        restore_role_arn: "arn:aws:iam::111122223333:role/restore".into(),
        restored_identifier: "shop-restored".into(),
        not_after: None,
        instances: Vec::new(),
        settings,
        timeout_seconds: 600,
    }
}

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn a_cluster_keeps_its_engine_and_loses_the_names_of_its_region() {
    let given = map(&[
        ("AvailabilityZones", "[\"us-east-1b\"]"),
        ("DBClusterParameterGroupName", "shop-15"),
        ("DBSubnetGroupName", "east"),
        ("Engine", "aurora-postgresql"),
        ("EngineVersion", "15.4"),
        ("KmsKeyId", "arn:aws:kms:us-east-1:111122223333:key/1"),
        ("OptionGroupName", "default"),
        ("Port", "5432"),
        ("vpcSecurityGroupIds", "[\"sg-1\"]"),
    ]);
    let arn = "arn:aws:rds:us-east-1:111122223333:cluster:shop";
    let bare = of(&component(arn, RestoredSettings::default()), given.clone());
    let kept = [
        ("DBClusterIdentifier", "shop-restored"),
        ("Engine", "aurora-postgresql"),
        ("EngineVersion", "15.4"),
        ("Port", "5432"),
    ];
    assert_eq!(bare, map(&kept));
    let settings = RestoredSettings {
        subnet_group: Some("west".into()),
        cluster_parameter_group: Some("shop-15-west".into()),
        parameter_group: Some("not the cluster's".into()),
        security_group_ids: vec!["sg-8".into(), "sg-9".into()],
        kms_key_id: Some("key-2".into()),
        ..RestoredSettings::default()
    };
    let mut whole = map(&kept);
    whole.extend(map(&[
        ("DBClusterParameterGroupName", "shop-15-west"),
        ("DBSubnetGroupName", "west"),
        ("KmsKeyId", "key-2"),
        ("VpcSecurityGroupIds", "[\"sg-8\",\"sg-9\"]"),
    ]));
    assert_eq!(of(&component(arn, settings), given), whole);
}

#[test]
fn an_instance_keeps_its_class() {
    let given = map(&[
        ("AvailabilityZone", "us-east-1b"),
        ("DBInstanceClass", "db.t3.medium"),
        ("dbInstanceIdentifier", "shop"),
        ("DBParameterGroupName", "east"),
        ("MultiAZ", "true"),
    ]);
    let settings = RestoredSettings { parameter_group: Some("west".into()), ..RestoredSettings::default() };
    let metadata = of(&component("arn:aws:rds:us-east-1:111122223333:db:shop", settings), given);
    let expected = [
        ("DBInstanceClass", "db.t3.medium"),
        ("DBInstanceIdentifier", "shop-restored"),
        ("DBParameterGroupName", "west"),
        ("MultiAZ", "true"),
    ];
    assert_eq!(metadata, map(&expected));
}

#[test]
fn a_table_gets_a_name_and_a_key_of_its_own_region() {
    let arn = "arn:aws:dynamodb:us-east-1:111122223333:table/shop";
    let given = map(&[
        ("encryptionType", "KMS"),
        ("kmsMasterKeyArn", "arn:aws:kms:us-east-1:111122223333:key/1"),
        ("originalTableName", "shop"),
    ]);
    let bare = of(&component(arn, RestoredSettings::default()), given.clone());
    assert_eq!(bare, map(&[("encryptionType", "Default"), ("targetTableName", "shop-restored")]));
    let key = "arn:aws:kms:us-west-2:111122223333:key/2";
    let settings = RestoredSettings { kms_key_id: Some(key.into()), ..RestoredSettings::default() };
    let expected = [("encryptionType", "KMS"), ("kmsMasterKeyArn", key), ("targetTableName", "shop-restored")];
    assert_eq!(of(&component(arn, settings), given), map(&expected));
}
