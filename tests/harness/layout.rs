//! How a plane's programs are started: their flags, files and ports.
use super::{
    binaries,
    error::HarnessError,
    eventually,
    folder::Folder,
    process::{Process, last_lines},
};
use kube::{
    Client,
    config::{KubeConfigOptions, Kubeconfig},
};
use std::{
    net::Ipv4Addr,
    path::{Path, PathBuf},
    time::Duration,
};

/// A start takes about 3 s on two idle cores; a busy machine may take its time.
const START_DEADLINE: Duration = Duration::from_secs(60);
/// The controllers that the operator's behaviour rests on: namespaces end, owners' dependants are collected, service
/// accounts appear, aggregated roles fill.
const CONTROLLERS: &str =
    "namespace-controller,garbage-collector-controller,serviceaccount-controller,clusterrole-aggregation-controller";

/// With a node all run, but for those that belong to a cloud.
const CONTROLLERS_WITH_A_NODE: &str =
    "*,-node-ipam-controller,-cloud-node-lifecycle-controller,-node-route-controller,-service-lb-controller";

/// Who issues the tokens of ServiceAccounts.
pub const ISSUER: &str = "https://kubernetes.default.svc";

/// Where a control plane runs.
#[derive(Clone, Debug)]
pub enum Site {
    /// On loopback, without a node.
    Loopback,
    /// In the namespaces of a node.
    Node {
        /// The command that enters them.
        enter: Vec<String>,
        /// Where others reach it.
        address: Ipv4Addr,
        /// The services' addresses.
        services: String,
    },
}

/// The node of a cluster that has one.
pub const NODE: &str = "node-1";
/// Where the API server of such a cluster listens, as NetworkPolicies expect it.
const NODE_API_PORT: u16 = 6443;

/// Where a plane's programs, files and ports are.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) programs: PathBuf,
    folder: PathBuf,
    site: Site,
    pub(super) kubeconfig: PathBuf,
    pub(super) node_kubeconfig: PathBuf,
    etcd_port: u16,
    etcd_peer_port: u16,
    apiserver_port: u16,
}

impl Layout {
    /// Finds the programs and free ports, and writes the files that the programs need.
    pub(super) fn new(folder: &Folder, audit_policy: &str, site: Site) -> Result<Self, HarnessError> {
        let programs = binaries::installed("tests/control-plane")?;
        let [etcd_port, etcd_peer_port, mut apiserver_port] = free_ports()?;
        if matches!(site, Site::Node { .. }) {
            apiserver_port = NODE_API_PORT;
        }
        let [token, node_token] = [uuid::Uuid::new_v4(), uuid::Uuid::new_v4()];
        let tokens =
            format!("{token},admin,admin,system:masters\n{node_token},system:node:{NODE},{NODE},system:nodes\n");
        folder.write("tokens.csv", &tokens)?;
        folder.write("audit-policy.yaml", audit_policy)?;
        let mut layout = Self {
            programs,
            folder: folder.path().to_owned(),
            site,
            kubeconfig: PathBuf::new(),
            node_kubeconfig: PathBuf::new(),
            etcd_port,
            etcd_peer_port,
            apiserver_port,
        };
        let text = layout.kubeconfig_text(&layout.apiserver_address(), "default", &token.to_string());
        layout.kubeconfig = folder.write("admin.kubeconfig", &text)?;
        let text = layout.kubeconfig_text(&layout.apiserver_address(), "default", &node_token.to_string());
        layout.node_kubeconfig = folder.write("node.kubeconfig", &text)?;
        Ok(layout)
    }

    fn file(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }

    /// Where the API server writes its audit log.
    pub(super) fn audit_log(&self) -> PathBuf {
        self.folder.join("audit.log")
    }

    /// Where the API server listens.
    pub(super) fn apiserver_address(&self) -> String {
        let address = match &self.site {
            Site::Loopback => Ipv4Addr::LOCALHOST,
            Site::Node { address, .. } => *address,
        };
        format!("{address}:{}", self.apiserver_port)
    }

    /// Where etcd listens.
    pub(super) fn etcd_address(&self) -> String {
        format!("127.0.0.1:{}", self.etcd_port)
    }

    /// A kubeconfig for whoever has the token. JSON is YAML, and needs no quoting rules of its own.
    pub(super) fn kubeconfig_text(&self, address: &str, namespace: &str, token: &str) -> String {
        let config = serde_json::json!({
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "plane",
            "clusters": [{"name": "plane", "cluster": {
                "server": format!("https://{address}"),
                "certificate-authority": self.file("certs/apiserver.crt"),
            }}],
            "users": [{"name": "user", "user": {"token": token}}],
            "contexts": [{"name": "plane", "context": {"cluster": "plane", "user": "user", "namespace": namespace}}],
        });
        format!("{config:#}\n")
    }

    fn start_process(&self, program: &str, args: &[String]) -> Result<Process, HarnessError> {
        self.start_at_site(program, &self.programs.join(program), args, &[])
    }

    /// Starts a program where the plane runs; its log lies beside those of the plane.
    pub(super) fn start_at_site(
        &self,
        name: &str,
        program: &Path,
        args: &[String],
        env: &[(&str, &str)],
    ) -> Result<Process, HarnessError> {
        let log = self.folder.join(format!("{name}.log"));
        match &self.site {
            Site::Node { enter, .. } if !enter.is_empty() => {
                let program = program.display().to_string();
                let all: Vec<String> = enter.iter().skip(1).chain([&program]).chain(args).cloned().collect();
                let enter = enter.first().map(PathBuf::from).unwrap_or_default();
                Process::start(name, &enter, &all, env, &log)
            }
            Site::Loopback | Site::Node { .. } => Process::start(name, program, args, env, &log),
        }
    }

    pub(super) fn start_etcd(&self) -> Result<Process, HarnessError> {
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

    pub(super) fn start_apiserver(&self) -> Result<Process, HarnessError> {
        // The server makes itself a certificate authority, a certificate and a key; the key signs service accounts'
        // tokens too, so that no key lies in the repository.
        let key = self.file("certs/apiserver.key");
        let mut args = vec![
            format!("--etcd-servers=http://127.0.0.1:{}", self.etcd_port),
            format!("--cert-dir={}", self.file("certs")),
            format!("--secure-port={}", self.apiserver_port),
            format!("--service-account-issuer={ISSUER}"),
            format!("--service-account-key-file={key}"),
            format!("--service-account-signing-key-file={key}"),
            format!("--token-auth-file={}", self.file("tokens.csv")),
            format!("--audit-policy-file={}", self.file("audit-policy.yaml")),
            format!("--audit-log-path={}", self.audit_log().display()),
            "--audit-log-mode=blocking".to_owned(), // an answered write is in the log
            "--audit-log-maxsize=100000".to_owned(), // in MB: never begun anew
        ];
        match &self.site {
            Site::Loopback => args.extend([
                "--bind-address=127.0.0.1".to_owned(),
                "--service-cluster-ip-range=10.0.0.0/24".to_owned(),
                "--authorization-mode=RBAC".to_owned(),
            ]),
            Site::Node { address, services, .. } => args.extend([
                "--bind-address=0.0.0.0".to_owned(),
                format!("--advertise-address={address}"),
                format!("--service-cluster-ip-range={services}"),
                "--authorization-mode=Node,RBAC".to_owned(),
                "--enable-admission-plugins=NodeRestriction".to_owned(),
                "--kubelet-preferred-address-types=InternalIP".to_owned(),
                "--allow-privileged=true".to_owned(),
            ]),
        }
        self.start_process("kube-apiserver", &args)
    }

    pub(super) fn start_controller_manager(&self) -> Result<Process, HarnessError> {
        let mut args = vec![
            format!("--kubeconfig={}", self.kubeconfig.display()),
            "--leader-elect=false".to_owned(),
            "--secure-port=0".to_owned(),
        ];
        match &self.site {
            Site::Loopback => args.push(format!("--controllers={CONTROLLERS}")),
            Site::Node { .. } => args.extend([
                format!("--controllers={}", CONTROLLERS_WITH_A_NODE),
                format!("--root-ca-file={}", self.file("certs/apiserver.crt")),
                format!(
                    "--service-account-private-key-file={}",
                    self.file("certs/apiserver.key")
                ),
            ]),
        }
        self.start_process("kube-controller-manager", &args)
    }

    /// Waits for /readyz, which includes the roles that RBAC starts with. A program that ends is told at once.
    pub(super) async fn wait_until_ready(
        &self,
        etcd: &mut Process,
        apiserver: &mut Process,
    ) -> Result<(), HarnessError> {
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
fn free_port() -> Result<u16, HarnessError> {
    free_ports().map(|[port]| port)
}

/// An address of loopback that nobody listens on now.
pub fn free_address() -> Result<String, HarnessError> {
    free_port().map(|port| format!("127.0.0.1:{port}"))
}

/// A client with the rights that a kubeconfig gives.
pub(super) async fn client_of(kubeconfig: &Path) -> Result<Client, HarnessError> {
    super::install_tls_provider();
    let client_error = |error: &dyn std::fmt::Display| HarnessError::Client(error.to_string());
    let kubeconfig = Kubeconfig::read_from(kubeconfig).map_err(|error| client_error(&error))?;
    let config = kube::Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await;
    let config = config.map_err(|error| client_error(&error))?;
    Client::try_from(config).map_err(|error| client_error(&error))
}
