//! What runs: a control plane, an emulator, and operators that come and go.
use crate::{
    evidence::Evidence,
    harness::{
        EMULATOR, EmulatorProcess, HarnessError, KINDS, KUBECTL_SPEECH, OPERATOR, OPERATOR_USER, OperatorProcess, POD,
        Plane, api_of, eventually,
    },
    tenant::Tenant,
};
use jiff::Timestamp;
use k8s_openapi::api::events::v1::Event;
use kube::{
    Api, Client,
    api::{DeleteParams, ListParams, Patch, PatchParams},
};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    time::Duration,
};

/// Where the sources are.
pub const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const START: Duration = Duration::from_secs(30);

/// Everything that runs. The processes and their folders go with this process, also when it is killed.
pub struct World {
    /// etcd, kube-apiserver and kube-controller-manager.
    pub plane: Plane,
    /// A client with the administrator's rights.
    pub client: Client,
    /// The Speech service.
    pub emulator: EmulatorProcess,
    /// The operators that were started and not ended by `kill` or `terminate`.
    pub operators: Vec<OperatorProcess>,
    kubeconfig: PathBuf,
    /// When operators were started, by pod, in real time: each begins with a request budget of its own.
    starts: Vec<(String, Timestamp)>,
    /// What operators said that have ended since; only the last of them.
    said: String,
    /// How much of the audit log has been looked at, in bytes.
    audited: u64,
    /// How much of the journal has been looked at.
    journalled: u64,
    is_spoilt: bool,
}

impl World {
    /// Starts all but operators.
    pub async fn start() -> Result<Self, HarnessError> {
        let emulator = program("CHAOS_EMULATOR", &EMULATOR);
        let (plane, emulator) = tokio::try_join!(
            async {
                let plane = Plane::start().await?;
                plane.install().await?;
                Ok(plane)
            },
            EmulatorProcess::start(&emulator, None, &[]),
        )?;
        let kubeconfig = plane.operator_kubeconfig().await?;
        let client = plane.client().await?;
        Ok(Self {
            plane,
            client,
            emulator,
            operators: Vec::new(),
            kubeconfig,
            starts: Vec::new(),
            said: String::new(),
            audited: 0,
            journalled: 0,
            is_spoilt: false,
        })
    }

    /// Installs again what somebody has removed, with another account for the operator.
    pub async fn install(&mut self) {
        self.plane.install().await.unwrap();
        self.kubeconfig = self.plane.operator_kubeconfig().await.unwrap();
    }

    /// Removes what is left of an installation, whoever holds it.
    pub async fn force_out(&self) {
        let _ = self.remove_objects().await;
        for what in ["crd --all", "namespace speech-system"] {
            let mut args = vec!["delete", "--ignore-not-found", "--timeout=30s"];
            args.extend(what.split(' '));
            let _ = self.plane.kubectl(&args).await;
        }
    }

    /// Runs `kubectl speech` as administrator.
    /// Fails with what it said.
    pub async fn kubectl_speech(&self, args: &[&str]) -> Result<String, String> {
        let folder = KUBECTL_SPEECH.parent().unwrap_or(Path::new("."));
        let args = [&["speech"], args].concat();
        let output = self.plane.kubectl_plugin(&[folder], None, &[], &args).await;
        let output = output.map_err(|error| error.to_string())?;
        if output.success() {
            Ok(output.stdout)
        } else {
            Err(output.stderr)
        }
    }

    /// Another emulator, which holds nothing and whose clock shows the present.
    pub async fn renew_emulator(&mut self) -> Result<(), HarnessError> {
        self.emulator = EmulatorProcess::start(&program("CHAOS_EMULATOR", &EMULATOR), None, &[]).await?;
        Ok(())
    }

    /// Starts an operator and waits until it is ready; returns its place in `operators`.
    pub async fn start_operator(&mut self, args: &[&str]) -> usize {
        let index = self.start_operator_with(args, &[], None);
        self.operators[index].wait_until_ready(START).await.unwrap();
        index
    }

    /// Starts an operator and waits for nothing. `kubeconfig` replaces that of its ServiceAccount, for a way through a
    /// proxy.
    pub fn start_operator_with(&mut self, args: &[&str], env: &[(&str, &str)], kubeconfig: Option<&Path>) -> usize {
        let clock = self.emulator.control().clock_url();
        let mut all = vec!["--allow-http"];
        if !args.contains(&"--development-clock") {
            all.extend(["--development-clock", &clock]);
        }
        all.extend(args);
        let kubeconfig = kubeconfig.unwrap_or(&self.kubeconfig);
        let operator =
            OperatorProcess::start_unready_with_env(&program("CHAOS_OPERATOR", &OPERATOR), kubeconfig, &all, env);
        let pod = env
            .iter()
            .find(|(name, _)| *name == "POD_NAME")
            .map_or(POD, |(_, pod)| *pod);
        self.starts.push((pod.to_owned(), Timestamp::now()));
        self.operators.push(operator.unwrap());
        self.operators.len() - 1
    }

    /// Ends an operator at once (SIGKILL).
    pub fn kill(&mut self, index: usize) {
        let mut operator = self.operators.remove(index);
        operator.kill();
        self.said = operator.logs();
    }

    /// Ends all operators at once (SIGKILL).
    pub fn kill_all(&mut self) {
        while !self.operators.is_empty() {
            self.kill(0);
        }
    }

    /// Asks an operator to end (SIGTERM) and waits for the end.
    pub async fn terminate(&mut self, index: usize) {
        let mut operator = self.operators.remove(index);
        operator.terminate(Duration::from_secs(40)).await.unwrap();
        self.said = operator.logs();
    }

    /// Ends all operators in order, so that the next one needs not wait for their lease.
    pub async fn terminate_all(&mut self) {
        while !self.operators.is_empty() {
            self.terminate(0).await;
        }
    }

    /// A namespace and a Speech resource of this name. Members of `change` replace those of the seed.
    pub async fn tenant(&self, name: &str, change: Value) -> Tenant {
        Tenant::new(self, name, change).await
    }

    /// Says that the control plane cannot be used by another row.
    pub fn spoil(&mut self) {
        self.is_spoilt = true;
    }

    /// What has happened to these tenants since the evidence was taken before, and how they stand now.
    pub async fn evidence(&mut self, tenants: &[&Tenant]) -> Evidence {
        let mut evidence = Evidence {
            starts: self.starts.clone(),
            ..Evidence::default()
        };
        let is_ours = |name: &str| tenants.iter().any(|tenant| tenant.name == name);
        for tenant in tenants {
            evidence.objects.extend(tenant.objects().await);
            evidence.seeded.extend(tenant.seeded.iter().cloned());
            evidence.remote.insert(tenant.name.clone(), tenant.remote().await);
        }
        evidence.orphaned = self.evidence_of_orphans(tenants).await;
        evidence.now = self.emulator.control().now().await.ok();
        let path = format!("journal?after={}&limit=200000", self.journalled);
        let mut journal = self
            .emulator
            .control()
            .request(reqwest::Method::GET, &path, None)
            .await
            .unwrap();
        self.journalled = journal["last"].as_u64().unwrap();
        if let Value::Array(entries) = journal["entries"].take() {
            let ours = entries
                .into_iter()
                .filter(|entry| is_ours(entry["resource"].as_str().unwrap_or_default()));
            evidence.journal = ours.collect();
        }
        let (entries, end) = self.plane.audit_after(self.audited).unwrap();
        self.audited = end;
        let ours = entries
            .into_iter()
            .filter(|entry| entry.user == OPERATOR_USER && is_ours(&entry.namespace));
        evidence.audit = ours.collect();
        evidence
    }

    /// The objects of these tenants of which an event tells that they left something behind. Where its own namespace ends,
    /// the event is about the namespace, and its words name the object.
    pub async fn evidence_of_orphans(&self, tenants: &[&Tenant]) -> BTreeSet<String> {
        let events: Api<Event> = Api::all(self.client.clone());
        let listed = events.list(&ListParams::default()).await.map(|list| list.items);
        let told = listed.unwrap_or_default().into_iter();
        let about = |event: Event| {
            let regarding = event.regarding?;
            let name = regarding.name?;
            let own = regarding.namespace.map(|namespace| format!("{namespace}/{name}"));
            Some((own, name, event.note.unwrap_or_default()))
        };
        let told = told
            .filter(|event| event.reason.as_deref() == Some("Orphaned"))
            .filter_map(about);
        let mut found = BTreeSet::new();
        for (own, name, note) in told {
            found.extend(own);
            if tenants.iter().any(|tenant| tenant.name == name) {
                let words = note.split(|c: char| !(c.is_alphanumeric() || "-._/".contains(c)));
                found.extend(words.map(|word| match word.contains('/') {
                    true => word.to_owned(),
                    false => format!("{name}/{word}"),
                }));
            }
        }
        found
    }

    /// The end of what the operators said, to look at after a violation.
    pub fn last_words(&mut self) -> String {
        let logs: Vec<String> = self.operators.iter().map(OperatorProcess::logs).collect();
        let last = logs.last().filter(|text| !text.is_empty()).unwrap_or(&self.said);
        let mut lines: Vec<&str> = last.lines().rev().take(40).collect();
        lines.reverse();
        let ended = self.operators.iter_mut().filter_map(|one| one.process().exit_status());
        let ended: String = ended
            .map(|status| format!("an operator ended unasked: {status}\n"))
            .collect();
        format!("{ended}the last operator said:\n{}", lines.join("\n"))
    }

    /// The world as it was before the row, for the next; `None` when it cannot be used again.
    pub async fn tidied(mut self) -> Option<Self> {
        self.kill_all();
        if self.is_spoilt || self.remove_objects().await.is_err() || self.renew_emulator().await.is_err() {
            return None;
        }
        // An operator of another pod would wait until it runs out, while the clock jumps because nothing moves.
        let leases = api_of(&self.client, "Lease", Some("speech-system"));
        match leases.delete("speech-operator", &DeleteParams::default()).await {
            Ok(_) => {}
            Err(kube::Error::Api(status)) if status.is_not_found() => {}
            Err(_) => return None,
        }
        self.starts.clear();
        self.journalled = 0;
        self.audited = self.plane.audit_after(self.audited).ok()?.1;
        Some(self)
    }

    /// Removes every object of ours, whoever holds it: nobody is there to let it go.
    async fn remove_objects(&self) -> Result<(), HarnessError> {
        let failed = |error: kube::Error| HarnessError::Client(error.to_string());
        for kind in KINDS {
            let api = api_of(&self.client, kind, None);
            for object in api.list(&ListParams::default()).await.map_err(failed)? {
                let namespace = object.metadata.namespace.unwrap_or_default();
                let name = object.metadata.name.unwrap_or_default();
                let own = api_of(&self.client, kind, Some(&namespace));
                let free = Patch::Merge(json!({"metadata": {"finalizers": null}}));
                let _ = own.delete(&name, &DeleteParams::default()).await;
                let _ = own.patch(&name, &PatchParams::default(), &free).await; // gone already, if it had none
            }
            eventually("no object is left", START, async || {
                match api.list(&ListParams::default()).await {
                    Ok(list) if list.items.is_empty() => Ok(()),
                    Ok(list) => Err(format!("{} left", list.items.len())),
                    Err(error) => Err(error.to_string()),
                }
            })
            .await?;
        }
        Ok(())
    }
}

/// A program, unless `CHAOS_OPERATOR` or `CHAOS_EMULATOR` names another build.
fn program(variable: &str, usual: &Path) -> PathBuf {
    std::env::var_os(variable).map_or_else(|| usual.to_owned(), PathBuf::from)
}
