//! Where plans are kept: a versioned bucket in the recovery Region.

use std::future::Future;

use aws_sdk_s3::Client;
use pilot_core::contract::{PlanPin, Run};
use pilot_core::plan::{self, RecoveryPlan, sha256_hex};
use pilot_core::{Failure, FailureName};

use crate::CallError;

/// The key of a plan in the artifacts bucket.
pub fn plan_key(name: &str) -> String {
    format!("plans/{name}.yaml")
}

/// Reads plans.
pub trait PlanStore {
    /// The newest version of a plan, checked, with the pin that holds a run to it.
    ///
    /// # Errors
    /// [`FailureName::PlanNotFound`], [`FailureName::PlanInvalid`] (every problem by path), [`FailureName::AwsUnavailable`].
    fn newest(&self, name: &str) -> impl Future<Output = Result<(PlanPin, RecoveryPlan), Failure>>;

    /// The version a run is pinned to.
    ///
    /// # Errors
    /// [`FailureName::PlanChanged`] if the hash is not the pinned one; those of [`PlanStore::newest`].
    fn pinned(&self, pin: &PlanPin) -> impl Future<Output = Result<RecoveryPlan, Failure>>;

    /// The plan as a run goes it: the version it is pinned to, on the way home as its mirror image.
    ///
    /// # Errors
    /// Those of [`PlanStore::pinned`]; [`FailureName::EventInvalid`] if the run aims at another Region than the plan, so that nothing is done
    /// to resources of the same names in the wrong one.
    fn of_run(&self, run: &Run) -> impl Future<Output = Result<RecoveryPlan, Failure>> {
        async {
            let plan = self.pinned(&run.plan).await?.for_mode(run.mode)?;
            match &run.target_region {
                Some(target) if *target != plan.regions.recovery => Err(Failure::new(
                    FailureName::EventInvalid,
                    "/run/targetRegion",
                    format!("is {target}, but a {} of this plan leads to {}", run.mode.as_str(), plan.regions.recovery),
                )
                .now("nothing was touched")
                .next("start a run; its events are made by the state machine")),
                _ => Ok(plan),
            }
        }
    }
}

/// Plans in S3.
#[derive(Debug, Clone)]
pub struct S3Plans {
    client: Client,
    bucket: String,
}

impl S3Plans {
    /// Plans in this bucket.
    pub fn new(config: &aws_config::SdkConfig, bucket: String) -> Self {
        S3Plans { client: Client::new(config), bucket }
    }

    async fn read(&self, key: &str, version: Option<&str>) -> Result<(Vec<u8>, String), Failure> {
        let resource = format!("s3://{}/{key}", self.bucket);
        let answer = self.client.get_object().bucket(&self.bucket).key(key).set_version_id(version.map(Into::into));
        let answer = answer.send().await.map_err(|error| {
            let missing = error.as_service_error().is_some_and(|e| e.is_no_such_key());
            if missing { not_found(&resource) } else { CallError::from(error).into_failure("s3:GetObject", &resource) }
        })?;
        let version = answer.version_id().unwrap_or_default().to_owned();
        let body = answer.body.collect().await.map_err(|error| {
            CallError::Unknown { message: error.to_string() }.into_failure("s3:GetObject", &resource)
        })?;
        Ok((body.to_vec(), version))
    }
}

fn not_found(resource: &str) -> Failure {
    Failure::new(FailureName::PlanNotFound, resource, "there is no such plan")
        .now("nothing was touched")
        .next("put the plan there with `aws s3 cp PLAN.yaml`, or start with the name of one that is there")
}

impl PlanStore for S3Plans {
    async fn newest(&self, name: &str) -> Result<(PlanPin, RecoveryPlan), Failure> {
        let key = plan_key(name);
        let resource = format!("s3://{}/{key}", self.bucket);
        let (document, version) = self.read(&key, None).await?;
        let plan = plan::parse(&document, &resource)?;
        if plan.metadata.name != name {
            return Err(Failure::new(
                FailureName::PlanInvalid,
                resource,
                format!(
                    "/metadata/name: is {:?}, but the document is kept as the plan of {name:?}",
                    plan.metadata.name
                ),
            )
            .now("nothing was touched")
            .next("rename one of the two: the name is the workload's lease"));
        }
        let pin =
            PlanPin { name: name.into(), bucket: self.bucket.clone(), key, version, sha256: sha256_hex(&document) };
        Ok((pin, plan))
    }

    async fn pinned(&self, pin: &PlanPin) -> Result<RecoveryPlan, Failure> {
        let resource = format!("s3://{}/{}", self.bucket, pin.key);
        let version = Some(pin.version.as_str()).filter(|version| !version.is_empty());
        let (document, _) = self.read(&pin.key, version).await?;
        let sha256 = sha256_hex(&document);
        if sha256 != pin.sha256 {
            return Err(Failure::new(
                FailureName::PlanChanged,
                resource,
                format!("version {:?} has SHA-256 {sha256}, the run is pinned to {}", pin.version, pin.sha256),
            )
            .next("find out who rewrote the version; start a new run to use another plan"));
        }
        plan::parse(&document, &resource)
    }
}
