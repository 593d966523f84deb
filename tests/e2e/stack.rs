//! What runs: a control plane, an emulator and an operator. Most tests share one; those that kill the operator or move
//! the clock take turns on another.
use crate::{
    case::Case,
    harness::{EMULATOR, EmulatorProcess, HarnessError, KINDS, OPERATOR, OperatorProcess, Plane, in_time},
};
use futures::FutureExt as _;
use kube::Client;
use std::{
    panic::{AssertUnwindSafe, resume_unwind},
    sync::LazyLock,
    time::Duration,
};
use tokio::{
    runtime::Runtime,
    sync::{Mutex, OnceCell},
};

/// One runtime for all tests: clients live on the runtime that made them, and the stacks outlive each test.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());
static SHARED: OnceCell<Stack> = OnceCell::const_new();
static LONELY: OnceCell<Mutex<Stack>> = OnceCell::const_new();
static REMOVED: OnceCell<Mutex<Stack>> = OnceCell::const_new();
static REPLICATED: OnceCell<Mutex<Stack>> = OnceCell::const_new();

/// Everything that runs. The processes and their folders go with this process, also when it is killed.
pub struct Stack {
    pub plane: Plane,
    pub client: Client,
    pub emulator: EmulatorProcess,
    pub operator: OperatorProcess,
    /// What operators said that have ended since.
    pub said_before: String,
    /// Whether the operator runs with the options that all tests but one expect.
    pub is_usual: bool,
}

impl Stack {
    /// Starts all, the operator under its own ServiceAccount.
    async fn start() -> Result<Self, HarnessError> {
        let plane = Plane::start().await?;
        plane.install().await?;
        let options = plane.entra_options().await?;
        let options: Vec<&str> = options.iter().map(String::as_str).collect();
        let emulator = EmulatorProcess::start(&EMULATOR, None, &options).await?;
        let operator = start_operator(&plane, &emulator).await?;
        let client = plane.client().await?;
        let said_before = String::new();
        Ok(Self {
            plane,
            client,
            emulator,
            operator,
            said_before,
            is_usual: true,
        })
    }

    /// Ends the operator at once (SIGKILL).
    pub fn kill_operator(&mut self) {
        self.operator.kill();
        self.note_what_was_said();
    }

    /// Keeps the log of an operator that has ended.
    pub fn note_what_was_said(&mut self) {
        self.said_before.push_str(&self.operator.logs());
    }

    /// Starts another operator in place of one that has ended.
    pub async fn restart_operator(&mut self) {
        self.operator = start_operator(&self.plane, &self.emulator).await.unwrap();
        self.is_usual = true;
    }

    /// Starts one operator more, in a pod of this name.
    pub async fn start_replica(&self, pod: &str, options: &[&str]) -> OperatorProcess {
        let kubeconfig = self.plane.operator_kubeconfig().await.unwrap();
        let clock = self.emulator.control().clock_url();
        let usual = ["--allow-http", "--development-clock", &clock];
        let env = [("POD_NAME", pod)];
        let options = [&usual, options].concat();
        let replica = OperatorProcess::start_unready_with_env(&OPERATOR, &kubeconfig, &options, &env);
        let mut replica = replica.unwrap();
        replica.wait_until_ready(SOON).await.unwrap();
        replica
    }

    /// Everything that operators of this stack have logged.
    pub fn said(&self) -> String {
        let logs = self.operator.logs();
        if self.said_before.ends_with(&logs) {
            return self.said_before.clone();
        }
        format!("{}{logs}", self.said_before)
    }
}

/// Runs a test beside others on the shared stack.
pub fn shared(name: &str, test: impl AsyncFnOnce(&Case, &Stack)) {
    RUNTIME.block_on(async {
        let stack = SHARED.get_or_try_init(Stack::start).await;
        let stack = stack.unwrap_or_else(|error| panic!("{error}"));
        let case = Case::new(stack, name).await;
        let telling = TellLog { stack, name };
        test(&case, stack).await;
        case.no_key_was_told(stack).await;
        drop(telling);
    });
}

/// Runs a test that may kill the operator, jump the clock and count everything: alone, one at a time.
pub fn alone(name: &str, test: impl AsyncFnOnce(&Case, &mut Stack)) {
    on(&LONELY, name, test);
}

/// The same on a stack of its own, for tests that wait long for a lease to end.
pub fn replicated(name: &str, test: impl AsyncFnOnce(&Case, &mut Stack)) {
    on(&REPLICATED, name, test);
}

/// The same on a stack whose definitions may be removed: they are applied anew before each test.
pub fn removed(name: &str, test: impl AsyncFnOnce(&Case, &mut Stack)) {
    on(&REMOVED, name, async |case, stack| {
        // What a test before left behind holds its definition: an operator would put the finalizers back.
        stack.kill_operator();
        nothing_is_left(&stack.plane).await;
        install_anew(&stack.plane).await;
        stack.restart_operator().await;
        test(case, stack).await;
        install_anew(&stack.plane).await;
    });
}

/// Takes all objects of our kinds away, whatever holds them, until no definition of theirs is on its way out.
async fn nothing_is_left(plane: &Plane) {
    in_time("nothing is left of the test before", SOON, async || {
        for kind in KINDS {
            let path = r#"jsonpath={range .items[*]}{.metadata.namespace} {.metadata.name}{"\n"}{end}"#;
            let found = plane.kubectl(&["get", kind, "-A", "-o", path]).await;
            for line in found.map_err(|error| error.to_string())?.stdout.lines() {
                let Some((namespace, name)) = line.split_once(' ') else {
                    continue;
                };
                let free = r#"{"metadata":{"finalizers":null}}"#;
                let patch = ["patch", kind, name, "-n", namespace, "--type=merge", "-p", free];
                plane.kubectl(&patch).await.map_err(|error| error.to_string())?;
                let delete = ["delete", kind, name, "-n", namespace, "--wait=false"];
                plane.kubectl(&delete).await.map_err(|error| error.to_string())?;
            }
        }
        let path = "jsonpath={.items[*].metadata.deletionTimestamp}";
        let ending = plane.kubectl(&["get", "crd", "-o", path]).await;
        match ending.map_err(|error| error.to_string())?.stdout.trim() {
            "" => Ok(()),
            ending => Err(ending.to_owned()),
        }
    })
    .await;
}

/// Applies everything again, and waits until the apiserver serves all kinds: it says so a moment early.
pub async fn install_anew(plane: &Plane) {
    plane.install().await.unwrap();
    in_time("all kinds are served", SOON, async || {
        let found = plane.kubectl(&["get", "spconn,spmodel,spep", "-A"]).await;
        let found = found.map_err(|error| error.to_string())?;
        if found.success() { Ok(()) } else { Err(found.stderr) }
    })
    .await;
}

fn on(stack: &'static OnceCell<Mutex<Stack>>, name: &str, test: impl AsyncFnOnce(&Case, &mut Stack)) {
    RUNTIME.block_on(async {
        let start = async || Stack::start().await.map(Mutex::new);
        let stack = stack.get_or_try_init(start).await;
        let mut stack = stack.unwrap_or_else(|error| panic!("{error}")).lock().await;
        if stack.operator.process().exit_status().is_some() || !stack.is_usual {
            stack.kill_operator(); // a test before may have failed half-way
            stack.restart_operator().await;
        }
        stack.emulator.control().clear_faults().await.unwrap();
        stack.emulator.control().set_rate(1.0).await.unwrap();
        let case = Case::new(&stack, name).await;
        let outcome = AssertUnwindSafe(test(&case, &mut stack)).catch_unwind().await;
        if let Err(panic) = outcome {
            stack.tell_log(name);
            resume_unwind(panic);
        }
        case.no_key_was_told(&stack).await;
    });
}

/// Shows what the operator logged about a test that fails.
struct TellLog<'a> {
    stack: &'a Stack,
    name: &'a str,
}

impl Stack {
    /// Prints what the operator logged about a test.
    fn tell_log(&self, name: &str) {
        let (about, key) = (format!("{name}/"), format!(".{name}\""));
        let logs = self.said();
        let lines: Vec<_> = logs
            .lines()
            .filter(|line| line.contains(&about) || line.contains(&key))
            .collect();
        eprintln!("the operator on {name}:\n{}", lines.join("\n"));
    }
}

impl Drop for TellLog<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.stack.tell_log(self.name);
        }
    }
}

/// The namespace, besides the operator's own, whose connections may use the operator's identities.
pub const LENT: &str = "entra-lent";

/// Starts an operator beside the emulator's clock; the emulator is its authority and the metadata service of its node.
async fn start_operator(plane: &Plane, emulator: &EmulatorProcess) -> Result<OperatorProcess, HarnessError> {
    let kubeconfig = plane.operator_kubeconfig().await?;
    let clock = emulator.control().clock_url();
    let authority = emulator.authority().unwrap_or_default();
    let token = plane.federated_token_file("speech-system", "speech-operator").await?;
    let (token, root) = (token.display().to_string(), plane.entra_root().display().to_string());
    let options = [
        "--allow-http",
        "--development-clock",
        &clock,
        "--identity-namespaces",
        LENT,
    ];
    let entra = [
        "--allowed-authorities",
        authority,
        "--imds-address",
        emulator.base_url(),
    ];
    let env = [
        ("SSL_CERT_FILE", root.as_str()),
        ("AZURE_FEDERATED_TOKEN_FILE", token.as_str()),
    ];
    let options = [&options[..], &entra].concat();
    let mut operator = OperatorProcess::start_unready_with_env(&OPERATOR, &kubeconfig, &options, &env)?;
    operator.wait_until_ready(SOON).await?;
    Ok(operator)
}

/// How long anything may take that needs no waiting for the service; long, because many tests share two processors.
pub const SOON: Duration = Duration::from_secs(30);
