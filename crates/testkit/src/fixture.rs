//! One workload, ready to be failed over: a plan with every kind of component, a world that fits it, a run, and its events.

pub mod restore;

pub mod cache;
pub mod datastore;

use jiff::{SignedDuration, Timestamp};
use pilot_core::contract::{Assessment, Mode, PlanPin, Run, Step, StepRef, StepRequest, Trigger, TriggerKind};
use pilot_core::decide::routing::ControlState;
use pilot_core::observed::LagSample;
use pilot_core::plan::{DnsRecord, RecordType};
use serde_json::Value;

use crate::{
    FakeCluster, FakeDocument, FakeDoor, FakeFunction, FakeGlobalCluster, FakeGroup, FakeHookFunction, FakeLedger,
    FakePlans, FakeProject, FakeReplica, FakeService, FakeWorld, now,
};

/// The plan's name.
pub const PLAN: &str = "shop";
/// The replica's identifier.
pub const REPLICA: &str = "shop-db-replica";
/// The group's name.
pub const GROUP: &str = "shop-app";
/// The STOP object's bucket.
pub const STOP_BUCKET: &str = "shop-stop";
/// The STOP object's key.
pub const STOP_KEY: &str = "stop/shop";
/// The hosted zone.
pub const ZONE: &str = "Z0SHOP";

/// The service of [`with_service`], as `CLUSTER/SERVICE`.
pub const SERVICE: &str = "shop/api";
/// The primary's service: it has the name of the recovery Region's.
pub const PRIMARY_SERVICE: &str = "shop/api";
/// The primary's group: it has the name of the recovery Region's, as groups of one workload often have.
pub const PRIMARY_GROUP: &str = "shop-app";
/// The primary's load balancer.
pub const LOAD_BALANCER: &str =
    "arn:aws:elasticloadbalancing:ap-southeast-2:111122223333:loadbalancer/app/shop/0123456789abcdef";
/// The primary's DB instance.
pub const INSTANCE: &str = "shop-db";
/// The primary's security group that admits nobody.
pub const CLOSED_DOOR: &str = "sg-0c105ed000000000";

/// A plan with every kind of component: the switch first, the records in the wave after it.
pub const PLAN_YAML: &str = "
apiVersion: pilotlight.dev/v1
kind: RecoveryPlan
metadata: {name: shop, description: A shop, owner: shop on-call}
regions: {primary: ap-southeast-2, recovery: ap-southeast-1}
objectives: {rtoSeconds: 300, rpoSeconds: 60}
policy: {quorum: 1, holdSeconds: 0, maxDataLossSeconds: 60}
signals:
  - {kind: alarm, name: canary, fate: application, alarmName: shop-canary, region: ap-southeast-1}
databases:
  - {kind: rdsReadReplica, name: db, primaryIdentifier: shop-db, replicaIdentifier: shop-db-replica, backupRetentionDays: 7,
     timeoutSeconds: 900}
compute:
  - {kind: autoScalingGroup, name: web, groupName: shop-app, capacity: {min: 2, max: 4, desired: 2}, timeoutSeconds: 600}
traffic:
  - {kind: stopObject, name: switch, wave: 1, bucket: shop-stop, key: stop/shop, timeoutSeconds: 60}
  - kind: route53Records
    name: api
    wave: 2
    hostedZoneId: Z0SHOP
    timeoutSeconds: 300
    records:
      - {name: api.shop.test, recordType: CNAME, ttlSeconds: 5, values: [recovery-lb.shop.test]}
      - {name: new.shop.test, recordType: A, ttlSeconds: 5, values: [192.0.2.7]}
validation:
  endpoints: [{name: reads, url: 'https://recovery-lb.shop.test/health'}]
";

/// The global database of [`plan_yaml_with_global_cluster`].
pub const GLOBAL_CLUSTER: &str = "shop-global";
/// Its cluster in the primary Region.
pub const PRIMARY_CLUSTER_ARN: &str = "arn:aws:rds:ap-southeast-2:111122223333:cluster:shop-aurora";
/// Its cluster in the recovery Region.
pub const RECOVERY_CLUSTER_ARN: &str = "arn:aws:rds:ap-southeast-1:111122223333:cluster:shop-aurora-dr";

/// The same plan with an Aurora global database in place of the read replica.
pub fn plan_yaml_with_global_cluster() -> String {
    let (head, rest) = PLAN_YAML.split_once("databases:").unwrap_or((PLAN_YAML, ""));
    let tail = rest.split_once("compute:").map_or("", |(_, tail)| tail);
    let databases = "databases:
  - {kind: auroraGlobalCluster, name: db, globalClusterIdentifier: shop-global, primaryClusterIdentifier: shop-aurora,
     recoveryClusterIdentifier: shop-aurora-dr, timeoutSeconds: 900}
";
    format!("{head}{databases}compute:{tail}")
}

/// The parameter group that [`with_promoted_settings`] names, and the security group.
pub const PROMOTED: (&str, &str) = ("shop-parameters", "sg-0a1b2c3d4e5f60005");

/// The same plan, whose database is to be set so once it is promoted; of a cluster its instances too.
pub fn with_promoted_settings(plan_yaml: &str) -> String {
    let (parameter_group, security_group) = PROMOTED;
    let settings = format!(
        "promotedSettings: {{parameterGroup: {parameter_group}, securityGroupIds: [{security_group}], deletionProtection: true, \
         tags: {{serves: the shop}}}},\n     timeoutSeconds: 900"
    );
    plan_yaml.replacen("timeoutSeconds: 900", &settings, 1)
}

/// The Aurora cluster of [`plan_yaml_in_one_region`].
pub const CLUSTER: &str = "shop-zonal";
/// Its writer in ordinary times, and its Availability Zone.
pub const WRITER: (&str, &str) = ("shop-zonal-a", "ap-southeast-1a");
/// Its reader, and its Availability Zone.
pub const READER: (&str, &str) = ("shop-zonal-b", "ap-southeast-1b");

/// The same plan within one Region: an Aurora cluster whose writer moves to another Availability Zone, and no traffic to lead over.
pub fn plan_yaml_in_one_region() -> String {
    let (head, rest) = PLAN_YAML.split_once("databases:").unwrap_or((PLAN_YAML, ""));
    let between =
        |from: &str, to: &str| rest.split_once(from).map_or("", |(_, rest)| rest.split(to).next().unwrap_or(""));
    let head = head.replace("primary: ap-southeast-2", "primary: ap-southeast-1");
    let databases = format!(
        "databases:
  - {{kind: auroraCluster, name: db, clusterIdentifier: {CLUSTER}, primaryInstanceIdentifier: {},
     recoveryInstanceIdentifier: {}, timeoutSeconds: 900}}
",
        WRITER.0, READER.0
    );
    let (compute, validation) = (between("compute:", "traffic:"), between("validation:", "\0"));
    format!("{head}{databases}compute:{compute}traffic: []\nvalidation:{validation}")
}

/// A plan with an ECS service beside its group, in the wave after it.
pub fn with_service(plan_yaml: &str) -> String {
    let service = "compute:
  - {kind: ecsService, name: api-tasks, wave: 2, clusterName: shop, serviceName: api, capacity: {min: 1, max: 4, desired: 2},
     restingCapacity: {min: 0, max: 0, desired: 0}, timeoutSeconds: 600}";
    plan_yaml.replacen("compute:", service, 1)
}

/// The function of [`with_function`].
pub const FUNCTION: &str = "shop-price";

/// A plan with a Lambda function beside its group, in the wave after it.
pub fn with_function(plan_yaml: &str) -> String {
    let function = "compute:
  - {kind: lambdaConcurrency, name: price, wave: 2, functionName: shop-price, qualifier: live,
     capacity: {reservedConcurrency: 10, provisionedConcurrency: 5},
     restingCapacity: {reservedConcurrency: 0, provisionedConcurrency: 0}, timeoutSeconds: 600}";
    plan_yaml.replacen("compute:", function, 1)
}

/// The CodeBuild project of [`with_build`].
pub const PROJECT: &str = "shop-deploy";

/// A plan with a CodeBuild hook beside its group.
pub fn with_build(plan_yaml: &str) -> String {
    let hook = format!(
        "compute:
  - {{kind: codeBuildHook, name: deploy, projectName: {PROJECT}, environment: {{STAGE: recovery}}, timeoutSeconds: 600}}"
    );
    plan_yaml.replacen("compute:", &hook, 1)
}

/// The SSM document of [`with_automation`].
pub const DOCUMENT: &str = "shop-runbook";

/// A plan with an automation hook beside its group.
pub fn with_automation(plan_yaml: &str) -> String {
    let hook = format!(
        "compute:
  - {{kind: automationHook, name: runbook, documentName: {DOCUMENT}, parameters: {{Stage: [recovery]}}, timeoutSeconds: 600}}"
    );
    plan_yaml.replacen("compute:", &hook, 1)
}

/// The Lambda function of [`with_called`].
pub const HOOK_FUNCTION: &str = "shop-hook";

/// A plan with a Lambda hook beside its group, whose function knows how to take back what it made.
pub fn with_called(plan_yaml: &str) -> String {
    let hook = format!(
        "compute:
  - {{kind: lambdaHook, name: call, functionName: {HOOK_FUNCTION}, payload: {{ratio: 0.5}}, undoCall: true, timeoutSeconds: 600}}"
    );
    plan_yaml.replacen("compute:", &hook, 1)
}

/// A plan whose fence takes the primary's ECS service to zero, and nothing else.
pub fn fenced_service(plan_yaml: &str, policy: &str) -> String {
    let fence = format!(
        "fence:
  policy: {policy}
  timeoutSeconds: 30
  items: [{{kind: ecsService, name: old-tasks, clusterName: shop, serviceName: api}}]
"
    );
    plan_yaml.replacen("compute:", &format!("{fence}compute:"), 1)
}

/// The same plan without its database: a run without a pivot, of which everything can be undone.
pub fn plan_yaml_without_database() -> String {
    let (head, rest) = PLAN_YAML.split_once("databases:").unwrap_or((PLAN_YAML, ""));
    let tail = rest.split_once("compute:").map_or("", |(_, tail)| tail);
    format!("{head}compute:{tail}")
}

/// The same plan with a fence of every kind of item, under this policy (`bestEffort`, `required`).
pub fn plan_yaml_with_fence(policy: &str) -> String {
    fenced(PLAN_YAML, policy)
}

/// A plan with the fence of [`plan_yaml_with_fence`].
pub fn fenced(plan_yaml: &str, policy: &str) -> String {
    let fence = format!(
        "fence:
  policy: {policy}
  timeoutSeconds: 30
  items:
    - {{kind: autoScalingGroup, name: old-web, groupName: {PRIMARY_GROUP}}}
    - {{kind: loadBalancer, name: old-door, loadBalancerArn: '{LOAD_BALANCER}', closedSecurityGroupId: {CLOSED_DOOR}}}
    - {{kind: rdsInstance, name: old-db, identifier: {INSTANCE}, closedSecurityGroupId: {CLOSED_DOOR}}}
"
    );
    plan_yaml.replacen("compute:", &format!("{fence}compute:"), 1)
}

/// The security groups of the primary's load balancer and of its DB instance, as the plan with a way home knows them.
pub const OPEN_DOORS: [&str; 2] = ["sg-0a00000000000001", "sg-0b00000000000001"];

/// The same plan with a way home: a fence on either side, a resting capacity, what serves at home, and what a new replica gets there.
pub fn plan_yaml_with_home() -> String {
    with_home(PLAN_YAML)
}

/// A plan with the way home of [`plan_yaml_with_home`].
pub fn with_home(plan_yaml: &str) -> String {
    let yaml = fenced(plan_yaml, "bestEffort");
    let [balancer, instance] = OPEN_DOORS.map(|open| format!(", openSecurityGroupIds: [{open}]}}\n    - "));
    let yaml = yaml.replacen(
        &format!("closedSecurityGroupId: {CLOSED_DOOR}}}\n    - "),
        &format!("closedSecurityGroupId: {CLOSED_DOOR}{balancer}"),
        1,
    );
    let instance = instance.trim_end_matches("    - ");
    let yaml = yaml.replacen(
        &format!("closedSecurityGroupId: {CLOSED_DOOR}}}\n"),
        &format!("closedSecurityGroupId: {CLOSED_DOOR}{instance}"),
        1,
    );
    let yaml = yaml.replacen(
        "capacity: {min: 2, max: 4, desired: 2}",
        "capacity: {min: 2, max: 4, desired: 2}, restingCapacity: {min: 0, max: 4, desired: 0}",
        1,
    );
    let yaml = yaml.replacen(
        "backupRetentionDays: 7,",
        &format!(
            "backupRetentionDays: 7, primarySettings: {{securityGroupIds: [{}], deletionProtection: true}},",
            OPEN_DOORS[1]
        ),
        1,
    );
    format!("{yaml}{HOME_YAML}")
}

const HOME_YAML: &str = "home:
  fence:
    timeoutSeconds: 30
    items: [{kind: autoScalingGroup, name: recovery-web, groupName: shop-app}]
  compute:
    - {kind: autoScalingGroup, name: web, groupName: shop-app, capacity: {min: 2, max: 6, desired: 3}, timeoutSeconds: 600}
  traffic:
    - kind: route53Records
      name: api
      wave: 2
      hostedZoneId: Z0SHOP
      timeoutSeconds: 300
      records:
        - {name: api.shop.test, recordType: CNAME, ttlSeconds: 5, values: [primary-lb.shop.test]}
        - {name: new.shop.test, recordType: A, ttlSeconds: 5, values: [192.0.2.8]}
  validation:
    endpoints: [{name: home-reads, url: 'https://primary-lb.shop.test/health'}]
";

/// The routing control that lets traffic to the primary, in the plan of [`with_routing_controls`].
pub const PRIMARY_CONTROL: &str =
    "arn:aws:route53-recovery-control::111122223333:controlpanel/0a1b2c/routingcontrol/c0ffee01";
/// The one that lets traffic to the recovery Region.
pub const RECOVERY_CONTROL: &str =
    "arn:aws:route53-recovery-control::111122223333:controlpanel/0a1b2c/routingcontrol/c0ffee02";

/// A plan whose switch is a pair of routing controls in place of the STOP object.
pub fn with_routing_controls(plan_yaml: &str) -> String {
    let stop = "  - {kind: stopObject, name: switch, wave: 1, bucket: shop-stop, key: stop/shop, timeoutSeconds: 60}";
    let controls = format!(
        "  - kind: routingControl
    name: switch
    wave: 1
    timeoutSeconds: 60
    clusterEndpoints:
      - {{region: ap-southeast-2, url: 'https://a.example.com/v1'}}
      - {{region: us-west-2, url: 'https://b.example.com/v1'}}
    controlsOn: ['{RECOVERY_CONTROL}']
    controlsOff: ['{PRIMARY_CONTROL}']"
    );
    plan_yaml.replacen(stop, &controls, 1)
}

/// A run of this mode of the plan with a way home, as `open-run` would open it, the run's plans, and a ledger in which it holds the lease.
pub fn there_and_back(plan_yaml: &str, mode: Mode) -> (FakePlans, Run, FakeLedger) {
    let plans = FakePlans::new();
    let target_region = mode.leads_home().then(|| "ap-southeast-2".to_owned());
    let run = Run { mode, target_region, ..run(plans.put(PLAN, plan_yaml)) };
    let ledger = FakeLedger::held_by(&run);
    (plans, run, ledger)
}

/// A record of the zone that leads to the primary before the run.
pub fn api_record() -> DnsRecord {
    DnsRecord::simple("api.shop.test.", RecordType::Cname, 300, vec!["primary-lb.shop.test.".into()])
}

/// The world before the run: a replicating replica and an Aurora global database whose lag was 2 seconds, a group and an ECS service at nothing, a
/// CodeBuild project, an SSM document, no STOP object, `api` leading to the
/// primary and no `new`; in the primary Region a group and an ECS service that serve behind a load balancer's door, and a database's.
pub fn world() -> FakeWorld {
    let world = FakeWorld::new();
    let mut replica = FakeReplica::replicating("arn:aws:rds:ap-southeast-2:111122223333:db:shop-db");
    let lag = vec![LagSample { at: incident_at() - SignedDuration::from_secs(10), lag_seconds: 2.0 }];
    replica.lag = lag.clone();
    world.put_replica(REPLICA, replica);
    let mut global = FakeGlobalCluster::replicating(PRIMARY_CLUSTER_ARN, RECOVERY_CLUSTER_ARN);
    global.lag = lag;
    world.put_global_cluster(GLOBAL_CLUSTER, global);
    world.put_datastore(datastore::DATASTORE, datastore::datastore());
    world.put_cluster(CLUSTER, FakeCluster::of(&[WRITER, READER]));
    world.put_group(GROUP, FakeGroup::of(0, 0, 0));
    world.put_service(SERVICE, FakeService::of(0, Some((0, 0))));
    world.put_function(FUNCTION, FakeFunction::of(Some(2), None));
    world.put_project(PROJECT, FakeProject::ending("SUCCEEDED"));
    world.put_document(DOCUMENT, FakeDocument::ending("Success", &["Stage", "PilotRunId"]));
    world.put_hook_function(HOOK_FUNCTION, FakeHookFunction::ending("done"));
    world.put_bucket(STOP_BUCKET);
    world.put_control(PRIMARY_CONTROL, ControlState::On);
    world.put_control(RECOVERY_CONTROL, ControlState::Off);
    world.put_record(ZONE, &api_record());
    world.set_insync_looks(1);
    let primary = world.primary();
    primary.put_group(PRIMARY_GROUP, FakeGroup::of(2, 6, 3));
    primary.put_service(PRIMARY_SERVICE, FakeService::of(3, Some((2, 6))));
    primary.put_load_balancer(LOAD_BALANCER, FakeDoor::of(&["sg-0a00000000000001", "sg-0a00000000000002"]));
    primary.put_instance(INSTANCE, FakeDoor::of(&["sg-0b00000000000001"]));
    primary.put_security_group(CLOSED_DOOR);
    world
}

/// When the incident began: half a minute before the run.
pub fn incident_at() -> Timestamp {
    now() - SignedDuration::from_secs(30)
}

/// A store that holds the plan.
pub fn plans() -> (FakePlans, PlanPin) {
    let plans = FakePlans::new();
    let pin = plans.put(PLAN, PLAN_YAML);
    (plans, pin)
}

/// A run of generation 1, begun now by a person.
pub fn run(plan: PlanPin) -> Run {
    Run {
        run_id: "run-1".into(),
        execution_arn: "arn:aws:states:ap-southeast-1:111122223333:execution:pilot-light:run-1".into(),
        plan,
        mode: Mode::Failover,
        trigger: Trigger { kind: TriggerKind::Manual, alarm_name: None, at: None, reason: Some("a test".into()) },
        generation: 1,
        target_region: None,
        resumes: None,
        started_at: now(),
    }
}

/// What `assess` concluded: the incident as in [`incident_at`], decided now.
pub fn assessment() -> Assessment {
    Assessment { incident_at: incident_at(), last_healthy_at: None, decided_at: now() }
}

/// The event of a step that was entered at `started_at`.
pub fn step_event(run: &Run, name: Step, started_at: Timestamp, assessment: Option<Assessment>) -> Value {
    let step = StepRef { name, started_at };
    serde_json::to_value(StepRequest { run: run.clone(), step, assessment }).unwrap_or_default()
}
