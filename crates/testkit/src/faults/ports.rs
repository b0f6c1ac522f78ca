//! The injector in front of the ports.

use jiff::Timestamp;
use pilot_core::decide::records::ChangeState;
use pilot_core::decide::routing::ControlStates;
use pilot_core::observed::{
    DoorObserved, FunctionObserved, GlobalClusterObserved, GroupObserved, LagSample, ReplicaObserved, ScalableTarget,
    ServiceObserved,
};
use pilot_core::plan::{Capacity, ClusterEndpoint, DnsRecord};
use pilot_shell::CallError;
use pilot_shell::ports::{
    Concurrencies, GlobalClusters, Groups, InstanceDoors, Listed, LoadBalancers, Records, Replicas, RoutingControls,
    Services, StopObjects,
};

use super::{Fault, Injected};

type Answer<R> = Result<R, CallError>;

impl<T: Replicas> Replicas for Injected<'_, T> {
    async fn describe(&self, identifier: &str) -> Answer<Option<ReplicaObserved>> {
        let call = self.inner.describe(identifier);
        self.call("rds:DescribeDBInstances", identifier, false, call, Fault::error).await
    }

    async fn lag_samples(&self, identifier: &str, from: Timestamp, to: Timestamp) -> Answer<Vec<LagSample>> {
        let call = self.inner.lag_samples(identifier, from, to);
        self.call("cloudwatch:GetMetricData", identifier, false, call, Fault::error).await
    }

    async fn promote(&self, identifier: &str, backup_retention_days: u32) -> Answer<()> {
        let call = self.inner.promote(identifier, backup_retention_days);
        self.call("rds:PromoteReadReplica", identifier, true, call, Fault::error).await
    }
}

impl<T: GlobalClusters> GlobalClusters for Injected<'_, T> {
    async fn describe(&self, global_cluster: &str, recovery_cluster: &str) -> Answer<Option<GlobalClusterObserved>> {
        let call = self.inner.describe(global_cluster, recovery_cluster);
        self.call("rds:DescribeGlobalClusters", global_cluster, false, call, Fault::error).await
    }

    async fn rpo_lag_samples(
        &self,
        recovery_cluster: &str,
        source_region: &str,
        from: Timestamp,
        to: Timestamp,
    ) -> Answer<Vec<LagSample>> {
        let call = self.inner.rpo_lag_samples(recovery_cluster, source_region, from, to);
        self.call("cloudwatch:GetMetricData", recovery_cluster, false, call, Fault::error).await
    }

    async fn fail_over(&self, global_cluster: &str, target_arn: &str) -> Answer<()> {
        let call = self.inner.fail_over(global_cluster, target_arn);
        self.call("rds:FailoverGlobalCluster", global_cluster, true, call, Fault::error).await
    }

    async fn switch_over(&self, writer_region: &str, global_cluster: &str, target_arn: &str) -> Answer<()> {
        let call = self.inner.switch_over(writer_region, global_cluster, target_arn);
        self.call("rds:SwitchoverGlobalCluster", global_cluster, true, call, Fault::error).await
    }
}

impl<T: Groups> Groups for Injected<'_, T> {
    async fn describe(&self, name: &str) -> Answer<Option<GroupObserved>> {
        let call = self.inner.describe(name);
        self.call("autoscaling:DescribeAutoScalingGroups", name, false, call, Fault::error).await
    }

    async fn resize(&self, name: &str, sizes: Capacity) -> Answer<()> {
        let call = self.inner.resize(name, sizes);
        self.call("autoscaling:UpdateAutoScalingGroup", name, true, call, Fault::error).await
    }
}

impl<T: Services> Services for Injected<'_, T> {
    async fn describe(&self, cluster: &str, service: &str) -> Answer<Option<ServiceObserved>> {
        let call = self.inner.describe(cluster, service);
        self.call("ecs:DescribeServices", service, false, call, Fault::error).await
    }

    async fn set_scalable_target(&self, cluster: &str, service: &str, target: ScalableTarget) -> Answer<()> {
        let call = self.inner.set_scalable_target(cluster, service, target);
        self.call("application-autoscaling:RegisterScalableTarget", service, true, call, Fault::error).await
    }

    async fn set_desired_count(&self, cluster: &str, service: &str, desired: u32) -> Answer<()> {
        let call = self.inner.set_desired_count(cluster, service, desired);
        self.call("ecs:UpdateService", service, true, call, Fault::error).await
    }
}

impl<T: Concurrencies> Concurrencies for Injected<'_, T> {
    async fn describe(&self, function: &str, qualifier: Option<&str>) -> Answer<Option<FunctionObserved>> {
        let call = self.inner.describe(function, qualifier);
        self.call("lambda:GetFunctionConcurrency", function, false, call, Fault::error).await
    }

    async fn set_reserved(&self, function: &str, reserved: Option<u32>) -> Answer<()> {
        let name = reserved.map_or("lambda:DeleteFunctionConcurrency", |_| "lambda:PutFunctionConcurrency");
        let call = self.inner.set_reserved(function, reserved);
        self.call(name, function, true, call, Fault::error).await
    }

    async fn set_provisioned(&self, function: &str, qualifier: &str, provisioned: Option<u32>) -> Answer<()> {
        let (put, delete) = ("lambda:PutProvisionedConcurrencyConfig", "lambda:DeleteProvisionedConcurrencyConfig");
        let call = self.inner.set_provisioned(function, qualifier, provisioned);
        self.call(provisioned.map_or(delete, |_| put), function, true, call, Fault::error).await
    }
}

impl<T: LoadBalancers> LoadBalancers for Injected<'_, T> {
    async fn door(&self, arn: &str) -> Answer<Option<DoorObserved>> {
        let call = self.inner.door(arn);
        self.call("elasticloadbalancing:DescribeLoadBalancers", arn, false, call, Fault::error).await
    }

    async fn set_door(&self, arn: &str, security_group_ids: &[String]) -> Answer<()> {
        let call = self.inner.set_door(arn, security_group_ids);
        self.call("elasticloadbalancing:SetSecurityGroups", arn, true, call, Fault::error).await
    }
}

impl<T: InstanceDoors> InstanceDoors for Injected<'_, T> {
    async fn door(&self, identifier: &str) -> Answer<Option<DoorObserved>> {
        let call = self.inner.door(identifier);
        self.call("rds:DescribeDBInstances", identifier, false, call, Fault::error).await
    }

    async fn set_door(&self, identifier: &str, security_group_ids: &[String]) -> Answer<()> {
        let call = self.inner.set_door(identifier, security_group_ids);
        self.call("rds:ModifyDBInstance", identifier, true, call, Fault::error).await
    }
}

impl<T: StopObjects> StopObjects for Injected<'_, T> {
    async fn present(&self, bucket: &str, key: &str) -> Answer<bool> {
        let call = self.inner.present(bucket, key);
        self.call("s3:HeadObject", key, false, call, Fault::error).await
    }

    async fn put(&self, bucket: &str, key: &str, body: String) -> Answer<()> {
        let call = self.inner.put(bucket, key, body);
        self.call("s3:PutObject", key, true, call, Fault::error).await
    }

    async fn delete(&self, bucket: &str, key: &str) -> Answer<()> {
        let call = self.inner.delete(bucket, key);
        self.call("s3:DeleteObject", key, true, call, Fault::error).await
    }
}

impl<T: RoutingControls> RoutingControls for Injected<'_, T> {
    async fn states(&self, endpoints: &[ClusterEndpoint], controls: &[&str]) -> Answer<ControlStates> {
        let call = self.inner.states(endpoints, controls);
        self.call("route53-recovery-cluster:GetRoutingControlState", &controls.join(" "), false, call, Fault::error)
            .await
    }

    async fn set(&self, endpoints: &[ClusterEndpoint], states: &ControlStates) -> Answer<()> {
        let arns: Vec<&str> = states.keys().map(String::as_str).collect();
        let call = self.inner.set(endpoints, states);
        self.call("route53-recovery-cluster:UpdateRoutingControlStates", &arns.join(" "), true, call, Fault::error)
            .await
    }
}

impl<T: Records> Records for Injected<'_, T> {
    async fn list(&self, zone_id: &str, wanted: &[DnsRecord]) -> Answer<Listed> {
        let call = self.inner.list(zone_id, wanted);
        self.call("route53:ListResourceRecordSets", zone_id, false, call, Fault::error).await
    }

    async fn upsert(&self, zone_id: &str, batch: &[DnsRecord]) -> Answer<String> {
        let call = self.inner.upsert(zone_id, batch);
        self.call("route53:ChangeResourceRecordSets", zone_id, true, call, Fault::error).await
    }

    async fn delete(&self, zone_id: &str, records: &[DnsRecord]) -> Answer<String> {
        let call = self.inner.delete(zone_id, records);
        self.call("route53:ChangeResourceRecordSets", zone_id, true, call, Fault::error).await
    }

    async fn change_state(&self, change_id: &str) -> Answer<ChangeState> {
        let call = self.inner.change_state(change_id);
        self.call("route53:GetChange", change_id, false, call, Fault::error).await
    }
}
