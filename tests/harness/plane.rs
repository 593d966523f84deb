//! A real Kubernetes control plane on loopback: etcd, kube-apiserver, kube-controller-manager.
use super::{
    audit::{self, AuditEntry},
    error::HarnessError,
    folder::Folder,
    layout::{ISSUER, Layout, Site, client_of},
    process::{Process, guarded},
    proxy::Proxy,
};
use kube::Client;
use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

/// The operator's ServiceAccount and its namespace, the namespace first.
const OPERATOR_ACCOUNT: [&str; 2] = ["speech-system", "speech-operator"];
/// The longest that one kubectl command may take.
const KUBECTL_DEADLINE: Duration = Duration::from_secs(300);
/// A free port can be taken by another between our look and the bind; then everything starts again.
const ATTEMPTS: usize = 3;

/// What a command wrote and how it ended.
#[derive(Debug, Clone)]
pub struct CommandOutput {
    /// The exit code; `None` after a signal.
    pub code: Option<i32>,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

impl CommandOutput {
    /// Whether it ended with 0.
    pub fn success(&self) -> bool {
        self.code == Some(0)
    }
}

/// A running control plane with real RBAC and an audit log of all writes. Dropping it ends it and removes its folder.
#[derive(Debug)]
pub struct Plane {
    controller_manager: Process, // fields are dropped in this order: clients before their servers
    apiserver: Process,
    etcd: Process,
    layout: Layout,
    folder: Folder,
}

impl Plane {
    /// Starts a control plane and waits until it is ready.
    /// Fails after a minute.
    pub async fn start() -> Result<Self, HarnessError> {
        Self::start_logging(audit::WHOLE, Site::Loopback).await
    }

    /// The same with all that a node needs, elsewhere than on loopback.
    pub async fn start_at(site: Site) -> Result<Self, HarnessError> {
        Self::start_logging(audit::COUNTED, site).await
    }

    /// The same with an audit log that counts writes and keeps no bodies, which would cost the API server time.
    pub async fn start_counting() -> Result<Self, HarnessError> {
        Self::start_logging(audit::COUNTED, Site::Loopback).await
    }

    async fn start_logging(audit_policy: &str, site: Site) -> Result<Self, HarnessError> {
        let mut attempt = 1;
        loop {
            match Self::start_once(audit_policy, site.clone()).await {
                Err(HarnessError::Ended { log, .. })
                    if attempt < ATTEMPTS && log.contains("address already in use") => {}
                other => return other,
            }
            attempt += 1;
        }
    }

    async fn start_once(audit_policy: &str, site: Site) -> Result<Self, HarnessError> {
        let folder = Folder::new("plane")?;
        let layout = Layout::new(&folder, audit_policy, site)?;
        let mut etcd = layout.start_etcd()?;
        let mut apiserver = layout.start_apiserver()?;
        layout.wait_until_ready(&mut etcd, &mut apiserver).await?;
        let controller_manager = layout.start_controller_manager()?;
        Ok(Self {
            controller_manager,
            apiserver,
            etcd,
            layout,
            folder,
        })
    }

    /// The administrator's kubeconfig.
    pub fn kubeconfig(&self) -> &Path {
        &self.layout.kubeconfig
    }

    /// The kubeconfig of the kubelet, in a cluster with a node.
    pub fn node_kubeconfig(&self) -> &Path {
        &self.layout.node_kubeconfig
    }

    /// The folder of kubectl.
    pub fn programs(&self) -> &Path {
        &self.layout.programs
    }

    /// Starts a program where the plane runs.
    pub fn start_at_site(
        &self,
        name: &str,
        program: &Path,
        args: &[String],
        env: &[(&str, &str)],
    ) -> Result<Process, HarnessError> {
        self.layout.start_at_site(name, program, args, env)
    }

    /// The plane's temporary folder, for files that shall go with it.
    pub fn folder(&self) -> &Folder {
        &self.folder
    }

    /// A new client with the administrator's rights. It belongs to the runtime that it is made on.
    pub async fn client(&self) -> Result<Client, HarnessError> {
        client_of(&self.layout.kubeconfig).await
    }

    /// Runs kubectl as administrator.
    /// A command that fails is no error here.
    pub async fn kubectl(&self, args: &[&str]) -> Result<CommandOutput, HarnessError> {
        self.run_kubectl(args, Path::new("/dev/null")).await
    }

    /// Runs kubectl as administrator with a text as its stdin.
    pub async fn kubectl_stdin(&self, args: &[&str], stdin: &str) -> Result<CommandOutput, HarnessError> {
        let name = format!("stdin-{}", uuid::Uuid::new_v4().simple());
        let file = self.folder.write(&name, stdin)?;
        let output = self.run_kubectl(args, &file).await;
        std::fs::remove_file(&file).map_err(HarnessError::file(&file))?;
        output
    }

    /// Runs kubectl as administrator and returns its stdout.
    pub async fn kubectl_ok(&self, args: &[&str]) -> Result<String, HarnessError> {
        demand_success(args, self.kubectl(args).await?)
    }

    /// `kubectl apply` of one or more YAML documents; returns kubectl's stdout.
    pub async fn apply(&self, yaml: &str) -> Result<String, HarnessError> {
        let args = ["apply", "--filename", "-"];
        demand_success(&args, self.kubectl_stdin(&args, yaml).await?)
    }

    /// Whether a user may do something, by the API server's own word.
    pub async fn may(&self, user: &str, what: &str) -> Result<bool, HarnessError> {
        let user = format!("--as={user}");
        let args: Vec<&str> = ["auth", "can-i", &user].into_iter().chain(what.split(' ')).collect();
        let output = self.kubectl(&args).await?;
        let answer = output.stdout.trim();
        assert!(["yes", "no"].contains(&answer), "{what}: {output:?}");
        Ok(answer == "yes")
    }

    /// Applies what `deploy/` ships, as a user does, but for the Deployment: operators run as processes here.
    pub async fn install(&self) -> Result<(), HarnessError> {
        let paths = [
            "crds",
            "deploy/base/namespace.yaml",
            "deploy/base/service-account.yaml",
            "deploy/base/cluster-roles.yaml",
        ];
        self.install_from(&paths).await
    }

    /// Applies files of the repository and waits until all kinds are known.
    pub async fn install_from(&self, paths: &[&str]) -> Result<(), HarnessError> {
        let root = env!("CARGO_MANIFEST_DIR");
        for path in paths {
            self.kubectl_ok(&["apply", "-f", &format!("{root}/{path}")]).await?;
        }
        self.know_all_kinds().await
    }

    /// Waits until all kinds are known.
    pub async fn know_all_kinds(&self) -> Result<(), HarnessError> {
        let established = ["wait", "--for=condition=Established", "crd", "--all", "--timeout=30s"];
        self.kubectl_ok(&established).await.map(drop)
    }

    /// Writes a kubeconfig for an existing service account, with a token of 24 hours, and returns its path.
    pub async fn service_account_kubeconfig(&self, namespace: &str, name: &str) -> Result<PathBuf, HarnessError> {
        self.kubeconfig_at(&self.apiserver_address(), namespace, name).await
    }

    /// The same for the operator's own account, see [`Plane::install`].
    pub async fn operator_kubeconfig(&self) -> Result<PathBuf, HarnessError> {
        let [namespace, name] = OPERATOR_ACCOUNT;
        self.service_account_kubeconfig(namespace, name).await
    }

    /// A way to the API server that can be broken, and the operator's kubeconfig that leads over it.
    pub async fn operator_behind_proxy(&self) -> Result<(Proxy, PathBuf), HarnessError> {
        let proxy = Proxy::to(&self.apiserver_address()).await?;
        let [namespace, name] = OPERATOR_ACCOUNT;
        let address = proxy.address().to_string();
        let kubeconfig = self.kubeconfig_at(&address, namespace, name).await?;
        Ok((proxy, kubeconfig))
    }

    async fn kubeconfig_at(&self, address: &str, namespace: &str, name: &str) -> Result<PathBuf, HarnessError> {
        let args = ["create", "token", name, "--namespace", namespace, "--duration", "24h"];
        let token = self.kubectl_ok(&args).await?;
        let text = self.layout.kubeconfig_text(address, namespace, token.trim());
        let file = format!("{namespace}-{name}-{}.kubeconfig", address.replace(':', "-"));
        self.folder.write(&file, &text)
    }

    /// A file with a token of an existing service account for Entra ID, as the kubelet would mount it.
    pub async fn federated_token_file(&self, namespace: &str, name: &str) -> Result<PathBuf, HarnessError> {
        let file = format!("{namespace}-{name}.federated-token");
        let audience = "--audience=api://AzureADTokenExchange";
        let token = self
            .kubectl_ok(&["create", "token", name, "--namespace", namespace, audience])
            .await?;
        self.folder.write(&file, token.trim())
    }

    /// The options by which the emulator becomes an Entra authority that trusts this cluster.
    pub async fn entra_options(&self) -> Result<Vec<String>, HarnessError> {
        let keys = self.kubectl_ok(&["get", "--raw", "/openid/v1/jwks"]).await?;
        let keys = self.folder.write("jwks.json", &keys)?.display().to_string();
        let root = self.entra_root().display().to_string();
        let options = ["--entra-listen", "127.0.0.1:0", "--entra-ca", &root];
        let options = [&options[..], &["--entra-issuer", ISSUER, "--entra-jwks", &keys]].concat();
        Ok(options.into_iter().map(str::to_owned).collect())
    }

    /// The root certificate of that authority.
    pub fn entra_root(&self) -> PathBuf {
        self.folder.path().join("entra-root.pem")
    }

    /// Where the API server listens, `127.0.0.1:<port>`.
    pub fn apiserver_address(&self) -> String {
        self.layout.apiserver_address()
    }

    /// Compacts etcd's history up to now; returns the revision.
    pub async fn compact_etcd(&self) -> Result<u64, HarnessError> {
        super::install_tls_provider();
        let base = format!("http://{}/v3/kv", self.layout.etcd_address());
        let client = reqwest::Client::builder().no_proxy().build();
        let client = client.map_err(|error| HarnessError::Client(error.to_string()))?;
        let ask = async |path: &str, body: serde_json::Value| {
            let failed = |error: reqwest::Error| HarnessError::Http {
                request: format!("POST {base}/{path}"),
                problem: error.to_string(),
            };
            let answer = client.post(format!("{base}/{path}")).json(&body).send().await;
            let answer = answer.and_then(reqwest::Response::error_for_status).map_err(failed)?;
            answer.json::<serde_json::Value>().await.map_err(failed)
        };
        // Any key will do: the answer's header tells the revision.
        let found = ask("range", serde_json::json!({"key": "AA=="})).await?;
        let told = found.pointer("/header/revision").and_then(serde_json::Value::as_str);
        let revision: u64 = told
            .and_then(|text| text.parse().ok())
            .ok_or_else(|| HarnessError::NotUnderstood {
                what: "etcd's answer".to_owned(),
                got: found.to_string(),
            })?;
        ask(
            "compaction",
            serde_json::json!({"revision": revision.to_string(), "physical": true}),
        )
        .await?;
        Ok(revision)
    }

    /// What etcd says of its version.
    pub async fn etcd_version(&self) -> Result<String, HarnessError> {
        super::install_tls_provider();
        let url = format!("http://{}/version", self.layout.etcd_address());
        let failed = |problem: String| HarnessError::Http {
            request: format!("GET {url}"),
            problem,
        };
        let client = reqwest::Client::builder()
            .no_proxy()
            .timeout(Duration::from_secs(5))
            .build();
        let client = client.map_err(|error| HarnessError::Client(error.to_string()))?;
        let answer = client
            .get(&url)
            .send()
            .await
            .map_err(|error| failed(error.to_string()))?;
        let told: serde_json::Value = answer.json().await.map_err(|error| failed(error.to_string()))?;
        let version = told.get("etcdserver").and_then(serde_json::Value::as_str);
        version.map(str::to_owned).ok_or_else(|| failed(told.to_string()))
    }

    /// All writes that the API server has answered so far, in the order of their answers.
    pub fn audit(&self) -> Result<Vec<AuditEntry>, HarnessError> {
        audit::read(&self.layout.audit_log())
    }

    /// The writes in the audit log from a place on, in bytes, and the place to go on from.
    pub fn audit_after(&self, start: u64) -> Result<(Vec<AuditEntry>, u64), HarnessError> {
        audit::read_after(&self.layout.audit_log(), start)
    }

    pub fn etcd(&mut self) -> &mut Process {
        &mut self.etcd
    }

    /// The API server's process, for `pause`, `resume` and readings.
    pub fn apiserver(&mut self) -> &mut Process {
        &mut self.apiserver
    }

    pub fn controller_manager(&mut self) -> &mut Process {
        &mut self.controller_manager
    }

    /// Kills the API server: connections break, new ones are refused.
    pub fn stop_apiserver(&mut self) {
        self.apiserver.kill();
    }

    /// Starts the API server again on its old port, with its old data, and waits until it is ready. One that still
    /// runs is killed before.
    /// Fails after a minute.
    pub async fn restart_apiserver(&mut self) -> Result<(), HarnessError> {
        self.apiserver.kill();
        self.apiserver = self.layout.start_apiserver()?;
        self.layout.wait_until_ready(&mut self.etcd, &mut self.apiserver).await
    }

    async fn run_kubectl(&self, args: &[&str], stdin: &Path) -> Result<CommandOutput, HarnessError> {
        let program = self.layout.programs.join("kubectl");
        let mut command = tokio::process::Command::from(guarded(&program, stdin));
        command.arg("--kubeconfig").arg(&self.layout.kubeconfig);
        self.run(command, args).await
    }

    /// Runs kubectl with plugins from these folders, as administrator unless a kubeconfig says another, and with variables
    /// in its environment.
    pub async fn kubectl_plugin(
        &self,
        folders: &[&Path],
        kubeconfig: Option<&Path>,
        env: &[(&str, &str)],
        args: &[&str],
    ) -> Result<CommandOutput, HarnessError> {
        let program = self.layout.programs.join("kubectl");
        let mut command = tokio::process::Command::from(guarded(&program, Path::new("/dev/null")));
        let usual = std::env::var_os("PATH").unwrap_or_default();
        let usual: Vec<PathBuf> = std::env::split_paths(&usual).collect();
        let folders = folders.iter().map(|folder| folder.to_path_buf()).chain(usual);
        command.env("PATH", std::env::join_paths(folders).unwrap_or_default());
        // kubectl takes no options before the name of a plugin.
        command.env("KUBECONFIG", kubeconfig.unwrap_or(&self.layout.kubeconfig));
        command.envs(env.iter().copied());
        self.run(command, args).await
    }

    async fn run(&self, mut command: tokio::process::Command, args: &[&str]) -> Result<CommandOutput, HarnessError> {
        let program = self.layout.programs.join("kubectl");
        let spawn_error = |source| HarnessError::Spawn {
            program: program.clone(),
            source,
        };
        command.args(args).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.env("KUBECTL_KUBERC", "false"); // nothing of the user's own settings
        let mut child = command.kill_on_drop(true).spawn().map_err(spawn_error)?;
        let _lifeline = child.stdin.take(); // waiting would close it, which the guard takes for our end
        let output = tokio::time::timeout(KUBECTL_DEADLINE, child.wait_with_output()).await;
        let output = output.map_err(|_| HarnessError::NotInTime {
            what: format!("kubectl {}", args.join(" ")),
            deadline: KUBECTL_DEADLINE,
            last: "it still runs".to_owned(),
        })?;
        let output = output.map_err(spawn_error)?;
        Ok(CommandOutput {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }
}

fn demand_success(args: &[&str], output: CommandOutput) -> Result<String, HarnessError> {
    if output.success() {
        return Ok(output.stdout);
    }
    Err(HarnessError::Kubectl {
        args: args.join(" "),
        code: output.code,
        stderr: output.stderr.trim().to_owned(),
    })
}
