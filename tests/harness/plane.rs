//! A real Kubernetes control plane on loopback: etcd, kube-apiserver, kube-controller-manager.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use kube::Client;
use kube::config::{KubeConfigOptions, Kubeconfig};

use super::audit::{self, AuditEntry};
use super::error::HarnessError;
use super::folder::Folder;
use super::process::{Process, guarded, last_lines};
use super::{binaries, eventually};

/// A start takes about 3 s on two idle cores; a busy machine may take its time.
const START_DEADLINE: Duration = Duration::from_secs(60);
/// The longest that one kubectl command may take.
const KUBECTL_DEADLINE: Duration = Duration::from_secs(300);
/// A free port can be taken by another between our look and the bind; then everything starts again.
const ATTEMPTS: usize = 3;

/// The controllers that the operator's behaviour rests on: namespaces end, owners' dependants are collected, service
/// accounts appear, aggregated roles fill.
const CONTROLLERS: &str =
    "namespace-controller,garbage-collector-controller,serviceaccount-controller,clusterrole-aggregation-controller";

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

/// Where a plane's programs, files and ports are.
#[derive(Debug)]
struct Layout {
    programs: PathBuf,
    folder: PathBuf,
    kubeconfig: PathBuf,
    etcd_port: u16,
    etcd_peer_port: u16,
    apiserver_port: u16,
}

impl Plane {
    /// Starts a control plane and waits until it is ready.
    ///
    /// # Errors
    ///
    /// When the programs are not installed, one of them ends, or the API server is not ready in a minute.
    pub async fn start() -> Result<Self, HarnessError> {
        let mut attempt = 1;
        loop {
            match Self::start_once().await {
                Err(HarnessError::Ended { log, .. })
                    if attempt < ATTEMPTS && log.contains("address already in use") => {}
                other => return other,
            }
            attempt += 1;
        }
    }

    async fn start_once() -> Result<Self, HarnessError> {
        let folder = Folder::new("plane")?;
        let layout = Layout::new(&folder)?;
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

    /// The plane's temporary folder, for files that shall go with it.
    pub fn folder(&self) -> &Folder {
        &self.folder
    }

    /// A new client with the administrator's rights. It belongs to the runtime that it is made on.
    ///
    /// # Errors
    ///
    /// When the client cannot be made from the kubeconfig.
    pub async fn client(&self) -> Result<Client, HarnessError> {
        client_of(&self.layout.kubeconfig).await
    }

    /// Runs kubectl as administrator.
    ///
    /// # Errors
    ///
    /// When it cannot be run or does not end; a failing command is no error here.
    pub async fn kubectl(&self, args: &[&str]) -> Result<CommandOutput, HarnessError> {
        self.run_kubectl(args, Path::new("/dev/null")).await
    }

    /// Runs kubectl as administrator with a text as its stdin.
    ///
    /// # Errors
    ///
    /// As [`Plane::kubectl`].
    pub async fn kubectl_stdin(&self, args: &[&str], stdin: &str) -> Result<CommandOutput, HarnessError> {
        let name = format!("stdin-{}", uuid::Uuid::new_v4().simple());
        let file = self.folder.write(&name, stdin)?;
        let output = self.run_kubectl(args, &file).await;
        std::fs::remove_file(&file).map_err(HarnessError::file(&file))?;
        output
    }

    /// Runs kubectl as administrator and returns its stdout.
    ///
    /// # Errors
    ///
    /// [`HarnessError::Kubectl`] when the command fails.
    pub async fn kubectl_ok(&self, args: &[&str]) -> Result<String, HarnessError> {
        demand_success(args, self.kubectl(args).await?)
    }

    /// `kubectl apply` of one or more YAML documents; returns kubectl's stdout.
    ///
    /// # Errors
    ///
    /// [`HarnessError::Kubectl`] when the command fails.
    pub async fn apply(&self, yaml: &str) -> Result<String, HarnessError> {
        let args = ["apply", "--filename", "-"];
        demand_success(&args, self.kubectl_stdin(&args, yaml).await?)
    }

    /// Writes a kubeconfig for an existing service account, with a token of 24 hours, and returns its path.
    ///
    /// # Errors
    ///
    /// [`HarnessError::Kubectl`] when there is no such service account.
    pub async fn service_account_kubeconfig(&self, namespace: &str, name: &str) -> Result<PathBuf, HarnessError> {
        let args = ["create", "token", name, "--namespace", namespace, "--duration", "24h"];
        let token = self.kubectl_ok(&args).await?;
        let text = self.layout.kubeconfig_text(namespace, token.trim());
        self.folder.write(&format!("{namespace}-{name}.kubeconfig"), &text)
    }

    /// All writes that the API server has answered so far, in the order of their answers.
    ///
    /// # Errors
    ///
    /// When the audit log cannot be read.
    pub fn audit(&self) -> Result<Vec<AuditEntry>, HarnessError> {
        audit::read(&self.layout.audit_log())
    }

    /// The etcd process.
    pub fn etcd(&mut self) -> &mut Process {
        &mut self.etcd
    }

    /// The API server's process, for `pause`, `resume` and readings.
    pub fn apiserver(&mut self) -> &mut Process {
        &mut self.apiserver
    }

    /// The controller manager's process.
    pub fn controller_manager(&mut self) -> &mut Process {
        &mut self.controller_manager
    }

    /// Kills the API server: connections break, new ones are refused.
    pub fn stop_apiserver(&mut self) {
        self.apiserver.kill();
    }

    /// Starts the API server again on its old port, with its old data, and waits until it is ready. One that still
    /// runs is killed before.
    ///
    /// # Errors
    ///
    /// When it ends or is not ready in a minute.
    pub async fn restart_apiserver(&mut self) -> Result<(), HarnessError> {
        self.apiserver.kill();
        self.apiserver = self.layout.start_apiserver()?;
        self.layout.wait_until_ready(&mut self.etcd, &mut self.apiserver).await
    }

    async fn run_kubectl(&self, args: &[&str], stdin: &Path) -> Result<CommandOutput, HarnessError> {
        let program = self.layout.programs.join("kubectl");
        let spawn_error = |source| HarnessError::Spawn {
            program: program.clone(),
            source,
        };
        let mut command = tokio::process::Command::from(guarded(&program, stdin));
        command
            .arg("--kubeconfig")
            .arg(&self.layout.kubeconfig)
            .args(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
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

impl Layout {
    fn new(folder: &Folder) -> Result<Self, HarnessError> {
        let programs = binaries::folder()?;
        let [etcd_port, etcd_peer_port, apiserver_port] = free_ports()?;
        let token = uuid::Uuid::new_v4();
        folder.write("tokens.csv", &format!("{token},admin,admin,system:masters\n"))?;
        folder.write("audit-policy.yaml", audit::POLICY)?;
        let mut layout = Self {
            programs,
            folder: folder.path().to_owned(),
            kubeconfig: PathBuf::new(),
            etcd_port,
            etcd_peer_port,
            apiserver_port,
        };
        let text = layout.kubeconfig_text("default", &token.to_string());
        layout.kubeconfig = folder.write("admin.kubeconfig", &text)?;
        Ok(layout)
    }

    fn file(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }

    fn audit_log(&self) -> PathBuf {
        self.folder.join("audit.log")
    }

    /// A kubeconfig for whoever has the token. JSON is YAML, and needs no quoting rules of its own.
    fn kubeconfig_text(&self, namespace: &str, token: &str) -> String {
        let config = serde_json::json!({
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "plane",
            "clusters": [{"name": "plane", "cluster": {
                "server": format!("https://127.0.0.1:{}", self.apiserver_port),
                "certificate-authority": self.file("certs/apiserver.crt"),
            }}],
            "users": [{"name": "user", "user": {"token": token}}],
            "contexts": [{"name": "plane", "context": {"cluster": "plane", "user": "user", "namespace": namespace}}],
        });
        format!("{config:#}\n")
    }

    fn start_process(&self, program: &str, args: &[String]) -> Result<Process, HarnessError> {
        let log = self.folder.join(format!("{program}.log"));
        Process::start(program, &self.programs.join(program), args, &[], &log)
    }

    fn start_etcd(&self) -> Result<Process, HarnessError> {
        let client_url = format!("http://127.0.0.1:{}", self.etcd_port);
        let peer_url = format!("http://127.0.0.1:{}", self.etcd_peer_port);
        let args = [
            format!("--data-dir={}", self.file("etcd")),
            format!("--listen-client-urls={client_url}"),
            format!("--advertise-client-urls={client_url}"),
            format!("--listen-peer-urls={peer_url}"),
            format!("--initial-advertise-peer-urls={peer_url}"),
            format!("--initial-cluster=default={peer_url}"),
            "--unsafe-no-fsync=true".to_owned(), // its data need not outlive the machine
            "--log-level=warn".to_owned(),
        ];
        self.start_process("etcd", &args)
    }

    fn start_apiserver(&self) -> Result<Process, HarnessError> {
        // The server makes itself a certificate authority, a certificate and a key; the key signs service accounts'
        // tokens too, so that no key lies in the repository.
        let key = self.file("certs/apiserver.key");
        let args = [
            format!("--etcd-servers=http://127.0.0.1:{}", self.etcd_port),
            format!("--cert-dir={}", self.file("certs")),
            format!("--secure-port={}", self.apiserver_port),
            "--bind-address=127.0.0.1".to_owned(),
            "--service-cluster-ip-range=10.0.0.0/24".to_owned(),
            "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
            format!("--service-account-key-file={key}"),
            format!("--service-account-signing-key-file={key}"),
            format!("--token-auth-file={}", self.file("tokens.csv")),
            "--authorization-mode=RBAC".to_owned(),
            format!("--audit-policy-file={}", self.file("audit-policy.yaml")),
            format!("--audit-log-path={}", self.audit_log().display()),
            "--audit-log-mode=blocking".to_owned(), // an answered write is in the log
        ];
        self.start_process("kube-apiserver", &args)
    }

    fn start_controller_manager(&self) -> Result<Process, HarnessError> {
        let args = [
            format!("--kubeconfig={}", self.kubeconfig.display()),
            format!("--controllers={CONTROLLERS}"),
            "--leader-elect=false".to_owned(),
            "--secure-port=0".to_owned(),
        ];
        self.start_process("kube-controller-manager", &args)
    }

    /// Waits for /readyz, which includes the roles that RBAC starts with. A program that ends is told at once.
    async fn wait_until_ready(&self, etcd: &mut Process, apiserver: &mut Process) -> Result<(), HarnessError> {
        let mut client = None;
        let mut ended = None;
        let ready = eventually("the API server is ready", START_DEADLINE, async || {
            if let Err(error) = etcd.check_running().and_then(|()| apiserver.check_running()) {
                ended = Some(error);
                return Ok(()); // no use in waiting on
            }
            let client = match &client {
                Some(client) => client,
                None => client.insert(client_of(&self.kubeconfig).await.map_err(|error| error.to_string())?),
            };
            let request = http::Request::get("/readyz")
                .body(Vec::new())
                .map_err(|error| error.to_string())?;
            client
                .request_text(request)
                .await
                .map(drop)
                .map_err(|error| error.to_string())
        });
        match ready.await {
            Err(HarnessError::NotInTime { what, deadline, last }) => {
                let last = format!("{last}\n{}", last_lines(&apiserver.logs(), 10));
                return Err(HarnessError::NotInTime { what, deadline, last });
            }
            outcome => outcome?,
        }
        ended.map_or(Ok(()), Err)
    }
}

/// Ports that nobody listens on now. All are held until the last is found, so that they differ.
fn free_ports<const COUNT: usize>() -> Result<[u16; COUNT], HarnessError> {
    let mut listeners = Vec::with_capacity(COUNT);
    let mut ports = [0; COUNT];
    for port in &mut ports {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).map_err(HarnessError::file("127.0.0.1"))?;
        *port = listener.local_addr().map_err(HarnessError::file("127.0.0.1"))?.port();
        listeners.push(listener);
    }
    Ok(ports)
}

/// One port that nobody listens on now.
pub(super) fn free_port() -> Result<u16, HarnessError> {
    free_ports().map(|[port]| port)
}

async fn client_of(kubeconfig: &Path) -> Result<Client, HarnessError> {
    super::install_tls_provider();
    let client_error = |error: &dyn std::fmt::Display| HarnessError::Client(error.to_string());
    let kubeconfig = Kubeconfig::read_from(kubeconfig).map_err(|error| client_error(&error))?;
    let config = kube::Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await;
    let config = config.map_err(|error| client_error(&error))?;
    Client::try_from(config).map_err(|error| client_error(&error))
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
