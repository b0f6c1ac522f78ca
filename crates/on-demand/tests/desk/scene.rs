//! A state machine in memory, a state table, and requests as Lambda hands them over.

use std::cell::RefCell;
use std::collections::BTreeMap;

use on_demand::handler::{Desk, handle};
use on_demand::ports::{Begun, Delivery, Execution, ExecutionStatus, StateMachine};
use on_demand::reply::Reply;
use pilot_core::Failure;
use pilot_core::approval::TaskToken;
use pilot_core::contract::{ApprovalAnswer, Run, StartRequest};
use pilot_shell::CallError;
use pilot_shell::ledger::Ledger;
use pilot_testkit::{FakeLedger, now};
use serde_json::{Value, json};

/// The stack's state machine.
pub const MACHINE: &str = "arn:aws:states:ap-southeast-1:111122223333:stateMachine:pilot-light-recovery";
/// Its executions' ARNs without their names.
pub const EXECUTIONS: &str = "arn:aws:states:ap-southeast-1:111122223333:execution:pilot-light-recovery";
/// A token as AWS makes them. It must never be shown.
pub const TOKEN: &str = "AQCEAAAAKgAAAAMAAAAAAAAAAeffSECRETeff";
/// The caller of [`sample`] requests.
pub const ANA: &str = "arn:aws:iam::111122223333:user/ana";

thread_local! {
    static PUBLISHED: RefCell<Vec<Value>> = const { RefCell::new(Vec::new()) };
}

fn publish(document: &Value) {
    PUBLISHED.with_borrow_mut(|published| published.push(document.clone()));
}

/// The metrics' names that were published since they were last asked for.
pub fn metrics() -> Vec<String> {
    let names =
        |document: &Value| document["_aws"]["CloudWatchMetrics"][0]["Metrics"][0]["Name"].as_str().map(str::to_owned);
    PUBLISHED.take().iter().filter_map(names).collect()
}

/// A state machine that keeps what was started, and answers as Step Functions does.
#[derive(Debug, Default)]
pub struct FakeMachine {
    /// By ARN.
    pub executions: RefCell<BTreeMap<String, Execution>>,
    /// What was answered, and with which token.
    pub answers: RefCell<Vec<(String, ApprovalAnswer)>>,
    /// What the next calls are refused with.
    pub fails: RefCell<Option<CallError>>,
    /// Whether somebody waits for an answer.
    pub nobody_waits: bool,
}

impl FakeMachine {
    fn arn_of(name: &str) -> String {
        format!("{EXECUTIONS}:{name}")
    }

    /// What executions were started with, by their names.
    pub fn started(&self) -> Vec<(String, StartRequest)> {
        let executions = self.executions.borrow();
        let name = |arn: &str| arn.rsplit(':').next().unwrap().to_owned();
        executions
            .iter()
            .map(|(arn, e)| (name(arn), serde_json::from_str(e.input.as_deref().unwrap()).unwrap()))
            .collect()
    }

    /// Ends an execution.
    pub fn end(&self, name: &str, change: impl FnOnce(&mut Execution)) {
        change(self.executions.borrow_mut().get_mut(&Self::arn_of(name)).unwrap());
    }
}

impl StateMachine for FakeMachine {
    fn arn(&self) -> &str {
        MACHINE
    }

    async fn start(&self, name: &str, input: &StartRequest) -> Result<Begun, CallError> {
        if let Some(error) = self.fails.borrow().clone() {
            return Err(error);
        }
        let (arn, input) = (Self::arn_of(name), serde_json::to_string(input).unwrap());
        let mut executions = self.executions.borrow_mut();
        if let Some(there) = executions.get(&arn) {
            let same = there.status == ExecutionStatus::Running && there.input.as_deref() == Some(input.as_str());
            return Ok(if same { Begun::Underway(arn) } else { Begun::NameTaken });
        }
        let status = ExecutionStatus::Running;
        executions
            .insert(arn.clone(), Execution { status, input: Some(input), output: None, error: None, cause: None });
        Ok(Begun::Underway(arn))
    }

    async fn execution(&self, arn: &str) -> Result<Option<Execution>, CallError> {
        if let Some(error) = self.fails.borrow().clone() {
            return Err(error);
        }
        Ok(self.executions.borrow().get(arn).cloned())
    }

    async fn answer(&self, token: &TaskToken, answer: &ApprovalAnswer) -> Result<Delivery, CallError> {
        if let Some(error) = self.fails.borrow().clone() {
            return Err(error);
        }
        if self.nobody_waits {
            return Ok(Delivery::NobodyWaits);
        }
        self.answers.borrow_mut().push((token.reveal().to_owned(), answer.clone()));
        Ok(Delivery::Delivered)
    }
}

/// The function, with everything around it.
#[derive(Debug, Default)]
pub struct Scene {
    /// The state machine.
    pub machine: FakeMachine,
    /// The state table.
    pub ledger: FakeLedger,
}

impl Scene {
    /// One invocation.
    pub async fn invoke(&self, event: Value) -> Result<Reply, Failure> {
        let desk = Desk { machine: &self.machine, ledger: &self.ledger, clock: now, namespace: "PilotLight", publish };
        handle(event, &desk).await
    }

    /// A request of Ana's: its status, and its answer. No answer ever holds a token.
    pub async fn send(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let reply = self.invoke(request(method, path, body.map(|body| body.to_string()))).await.unwrap();
        assert!(!reply.body.contains("SECRET"), "{}", reply.body);
        assert_eq!(reply.headers["content-type"], "application/json");
        (reply.status_code, serde_json::from_str(&reply.body).unwrap())
    }

    /// A run that was opened and asks a person; its id.
    pub async fn asking(&self, loss_seconds: Option<f64>) -> String {
        let run = run();
        self.ledger.keep_evidence(&run.run_id, "run", &json!(run)).await.unwrap();
        let asked = json!({
            "taskToken": TOKEN,
            "why": ["the plan wants every promotion approved"],
            "lossSeconds": loss_seconds,
            "askedAt": now().to_string(),
            "expiresAt": (now() + jiff::SignedDuration::from_secs(60)).to_string(),
        });
        self.ledger.keep_evidence(&run.run_id, "approval-asked", &asked).await.unwrap();
        run.run_id
    }
}

/// A run, as `open-run` writes it down.
pub fn run() -> Run {
    let run = json!({
        "runId": "run-1",
        "executionArn": format!("{EXECUTIONS}:run-1"),
        "plan": {"name": "shop", "bucket": "b", "key": "plans/shop.yaml", "version": "v1", "sha256": "9f86"},
        "mode": "failover",
        "trigger": {"kind": "manual", "reason": "the Region is dark"},
        "generation": 4,
        "startedAt": now().to_string(),
    });
    serde_json::from_value(run).unwrap()
}

/// A sample event.
pub fn sample(name: &str) -> Value {
    let path = format!("{}/../../events/on-demand/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))).unwrap()
}

/// A request of Ana's.
pub fn request(method: &str, path: &str, body: Option<String>) -> Value {
    let mut event = sample("status");
    event["requestContext"]["http"]["method"] = json!(method);
    event["rawPath"] = json!(path);
    event["body"] = json!(body);
    event
}
