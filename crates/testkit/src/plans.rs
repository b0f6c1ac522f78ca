//! Plans in memory: every version is kept, as a versioned bucket keeps it.

use std::cell::RefCell;
use std::collections::BTreeMap;

use pilot_core::contract::PlanPin;
use pilot_core::plan::{self, RecoveryPlan, sha256_hex};
use pilot_core::{Failure, FailureName};
use pilot_shell::plans::{PlanStore, plan_key};

const BUCKET: &str = "artifacts";

/// Plans in memory.
#[derive(Debug, Default)]
pub struct FakePlans {
    /// By name, oldest version first; version 1 is the first.
    documents: RefCell<BTreeMap<String, Vec<Vec<u8>>>>,
    /// Plans that were read, by hash: a test that drives thousands of runs checks the document once.
    read: RefCell<BTreeMap<String, RecoveryPlan>>,
}

impl FakePlans {
    /// No plans.
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts a document, unchecked (as a bucket takes it), and pins it.
    pub fn put(&self, name: &str, document: &str) -> PlanPin {
        let mut documents = self.documents.borrow_mut();
        let versions = documents.entry(name.to_owned()).or_default();
        versions.push(document.as_bytes().to_vec());
        pin(name, versions.len(), document.as_bytes())
    }

    /// Rewrites a version in place, which a versioned bucket does not let happen: for `PlanChanged`.
    pub fn rewrite(&self, pin: &PlanPin, document: &str) {
        let mut documents = self.documents.borrow_mut();
        let versions = documents.entry(pin.name.clone()).or_default();
        if let Some(version) = index(pin).and_then(|index| versions.get_mut(index)) {
            *version = document.as_bytes().to_vec();
        }
    }

    fn parse(&self, name: &str, document: &[u8]) -> Result<RecoveryPlan, Failure> {
        let sha256 = sha256_hex(document);
        if let Some(plan) = self.read.borrow().get(&sha256) {
            return Ok(plan.clone());
        }
        let plan = plan::parse(document, &resource(name))?;
        self.read.borrow_mut().insert(sha256, plan.clone());
        Ok(plan)
    }

    fn document(&self, name: &str, index: Option<usize>) -> Result<(Vec<u8>, usize), Failure> {
        let documents = self.documents.borrow();
        let versions = documents.get(name).map_or(&[][..], Vec::as_slice);
        let index = index.or_else(|| versions.len().checked_sub(1));
        index.and_then(|index| Some((versions.get(index)?.clone(), index + 1))).ok_or_else(|| {
            Failure::new(FailureName::PlanNotFound, resource(name), "there is no such plan").now("nothing was touched")
        })
    }
}

fn resource(name: &str) -> String {
    format!("s3://{BUCKET}/{}", plan_key(name))
}

fn index(pin: &PlanPin) -> Option<usize> {
    pin.version.parse::<usize>().ok()?.checked_sub(1)
}

fn pin(name: &str, version: usize, document: &[u8]) -> PlanPin {
    PlanPin {
        name: name.into(),
        bucket: BUCKET.into(),
        key: plan_key(name),
        version: version.to_string(),
        sha256: sha256_hex(document),
    }
}

impl PlanStore for FakePlans {
    async fn newest(&self, name: &str) -> Result<(PlanPin, RecoveryPlan), Failure> {
        let (document, version) = self.document(name, None)?;
        let plan = self.parse(name, &document)?;
        if plan.metadata.name != name {
            let what = format!("/metadata/name: is {:?}", plan.metadata.name);
            return Err(Failure::new(FailureName::PlanInvalid, resource(name), what).now("nothing was touched"));
        }
        Ok((pin(name, version, &document), plan))
    }

    async fn pinned(&self, pin: &PlanPin) -> Result<RecoveryPlan, Failure> {
        let (document, _) = self.document(&pin.name, index(pin))?;
        if sha256_hex(&document) != pin.sha256 {
            let what = format!("version {:?} does not have the pinned SHA-256", pin.version);
            return Err(Failure::new(FailureName::PlanChanged, resource(&pin.name), what));
        }
        self.parse(&pin.name, &document)
    }
}
