//! The daemons of a node, and what they are started with.
use crate::{
    harness::{HarnessError, NODE, Plane, Process},
    site::{NODE_ADDRESS, OUTSIDE, PODS, Site},
};
use std::{fs, path::PathBuf, time::Duration};

/// How long a daemon may take to start.
const DEADLINE: Duration = Duration::from_secs(60);
/// The address of the cluster's DNS server.
pub const DNS: &str = "10.96.0.10";
/// Where images are pulled from, whatever registry they name.
pub const REGISTRY: &str = "10.99.0.2:5000";
/// What holds the namespaces of a Pod; the registry has it.
pub const PAUSE: &str = "node.invalid/pause:1";
/// The hosts of Azure that the documents name.
const AZURE: &str =
    "westeurope.api.cognitive.microsoft.com my-speech.cognitiveservices.azure.com login.microsoftonline.com";

/// The daemons in the order in which they end.
pub struct Daemons {
    all: Vec<Process>,
    site_folder: PathBuf,
}

impl Daemons {
    pub fn new(site: &Site) -> Self {
        let site_folder = site.folder().path().to_owned();
        Self {
            all: Vec::new(),
            site_folder,
        }
    }

    fn start(&mut self, site: &Site, plane: &Plane, name: &str, args: &[String]) -> Result<&mut Process, HarnessError> {
        let own = site.assets.join(name);
        let program = if own.exists() {
            own
        } else {
            site.assets.join("debian/usr/bin").join(name)
        };
        let environment = site.environment();
        let environment: Vec<(&str, &str)> = environment
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let process = plane.start_at_site(name, &program, args, &environment)?;
        self.all.insert(0, process);
        self.all
            .first_mut()
            .ok_or_else(|| HarnessError::Client(name.to_owned()))
    }

    fn file(&self, name: &str) -> String {
        self.site_folder.join(name).display().to_string()
    }

    fn write(&self, name: &str, text: &str) -> Result<String, HarnessError> {
        let path = self.site_folder.join(name);
        let at = |source| HarnessError::File {
            path: path.clone(),
            source,
        };
        fs::create_dir_all(path.parent().unwrap_or(&path)).map_err(at)?;
        fs::write(&path, text).map_err(at)?;
        Ok(path.display().to_string())
    }

    /// A registry outside of the cluster.
    pub async fn start_registry(&mut self, site: &Site) -> Result<(), HarnessError> {
        let args = [
            "registry",
            "serve",
            "--address",
            REGISTRY,
            "--disk",
            &self.file("registry"),
        ]
        .map(str::to_owned);
        let at = |source| HarnessError::File {
            path: self.site_folder.clone(),
            source,
        };
        fs::create_dir_all(self.file("registry")).map_err(at)?;
        let log = self.site_folder.join("registry.log");
        let mut registry = Process::start("crane", &site.assets.join("crane"), &args, &[], &log)?;
        registry.wait_for_log("serving on port", DEADLINE).await?;
        self.all.push(registry);
        Ok(())
    }

    /// containerd, which pulls from the registry.
    pub async fn start_containerd(&mut self, site: &Site, plane: &Plane) -> Result<(), HarnessError> {
        let mirror = format!("[host.\"http://{REGISTRY}\"]\n  capabilities = [\"pull\", \"resolve\"]\n");
        self.write("mirrors/_default/hosts.toml", &mirror)?;
        self.write("cni/10-pods.conflist", &self.network())?;
        let debian = site.assets.join("debian");
        let config = self.write(
            "containerd.toml",
            &self.containerd_config(&debian.display().to_string()),
        )?;
        let log = self.start(site, plane, "containerd", &["--config".to_owned(), config])?;
        log.wait_for_log("containerd successfully booted", DEADLINE)
            .await
            .map(drop)
    }

    /// Each Pod has a wire to the node, so that all of its traffic is routed, and policies see it.
    fn network(&self) -> String {
        let leases = self.file("cni-leases");
        let network = serde_json::json!({"cniVersion": "1.0.0", "name": "pods", "plugins": [{
            "type": "ptp", "ipMasq": false,
            "ipam": {
                "type": "host-local", "dataDir": leases,
                "ranges": [[{"subnet": PODS}]], "routes": [{"dst": "0.0.0.0/0"}],
            },
        }]});
        network.to_string()
    }

    fn containerd_config(&self, debian: &str) -> String {
        format!(
            r#"version = 2
root = "{root}"
state = "/run/containerd"
disabled_plugins = ["io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.devmapper"]
[grpc]
  address = "/run/containerd/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{PAUSE}"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "{mirrors}"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{debian}/usr/lib/cni"
    conf_dir = "{cni}"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "native"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        BinaryName = "{debian}/usr/sbin/runc"
        SystemdCgroup = false
"#,
            root = self.file("containerd"),
            mirrors = self.file("mirrors"),
            cni = self.file("cni"),
        )
    }

    pub fn start_kubelet(&mut self, site: &Site, plane: &Plane) -> Result<(), HarnessError> {
        let config = serde_json::json!({
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "failCgroupV1": false,
            "cgroupDriver": "cgroupfs",
            "cgroupRoot": format!("/{}", site.cgroup),
            "containerRuntimeEndpoint": "unix:///run/containerd/containerd.sock",
            // Who can reach the node's address runs on this machine.
            "authentication": {"anonymous": {"enabled": true}, "webhook": {"enabled": false}},
            "authorization": {"mode": "AlwaysAllow"},
            "address": NODE_ADDRESS.to_string(),
            "failSwapOn": false,
            "resolvConf": self.write("resolv.conf", &format!("nameserver {NODE_ADDRESS}\n"))?,
            "podLogsDir": self.file("pod-logs"),
            "volumePluginDir": self.file("volume-plugins"),
            "evictionHard": {"memory.available": "50Mi", "nodefs.available": "1%", "imagefs.available": "1%"},
            "imageGCHighThresholdPercent": 100,
            "clusterDNS": [DNS],
            "clusterDomain": "cluster.local",
            "seccompDefault": true,
            "makeIPTablesUtilChains": false,
            "syncFrequency": "10s",
        });
        let args = [
            format!("--config={}", self.write("kubelet.json", &config.to_string())?),
            format!("--kubeconfig={}", plane.node_kubeconfig().display()),
            format!("--hostname-override={NODE}"),
            format!("--node-ip={NODE_ADDRESS}"),
            format!("--root-dir={}", self.file("kubelet")),
            format!("--cert-dir={}", self.file("kubelet-pki")),
        ];
        self.start(site, plane, "kubelet", &args).map(drop)
    }

    /// The scheduler, and what makes Services of addresses and names.
    pub fn start_services(&mut self, site: &Site, plane: &Plane) -> Result<(), HarnessError> {
        let kubeconfig = format!("--kubeconfig={}", plane.kubeconfig().display());
        let scheduler = [
            kubeconfig.clone(),
            "--leader-elect=false".to_owned(),
            "--secure-port=0".to_owned(),
        ];
        self.start(site, plane, "kube-scheduler", &scheduler)?;
        let proxy = [
            kubeconfig,
            format!("--hostname-override={NODE}"),
            format!("--cluster-cidr={PODS}"),
            "--proxy-mode=nftables".to_owned(),
            "--conntrack-max-per-core=0".to_owned(),
            "--conntrack-tcp-timeout-established=0".to_owned(),
            "--conntrack-tcp-timeout-close-wait=0".to_owned(),
            "--healthz-bind-address=".to_owned(),
            "--metrics-bind-address=127.0.0.1:10249".to_owned(),
        ];
        self.start(site, plane, "kube-proxy", &proxy)?;
        let corefile = format!(
            ".:53 {{\n bind {NODE_ADDRESS}\n errors\n hosts {{\n  {OUTSIDE} {AZURE}\n  fallthrough\n }}\n \
             kubernetes cluster.local {{\n  kubeconfig {}\n }}\n cache 5\n}}\n",
            plane.kubeconfig().display()
        );
        let corefile = self.write("Corefile", &corefile)?;
        self.start(site, plane, "coredns", &["-conf".to_owned(), corefile])
            .map(drop)
    }

    /// What enforces NetworkPolicies. It needs to know the node's Pods.
    pub fn start_firewall(&mut self, site: &Site, plane: &Plane) -> Result<(), HarnessError> {
        let mut args = [
            "--run-router=false",
            "--run-firewall=true",
            "--run-service-proxy=false",
            "--run-loadbalancer=false",
        ]
        .map(str::to_owned)
        .to_vec();
        args.extend([
            "--enable-cni=false".to_owned(),
            "--metrics-port=0".to_owned(),
            "--health-port=0".to_owned(),
            format!("--service-cluster-ip-range={}", crate::site::SERVICES),
            format!("--hostname-override={NODE}"),
            format!("--kubeconfig={}", plane.kubeconfig().display()),
        ]);
        self.start(site, plane, "kube-router", &args).map(drop)
    }

    /// What runs outside of the cluster, under Azure's names.
    pub async fn start_cloud(&mut self, site: &Site, speech: &str, entra: &str) -> Result<PathBuf, HarnessError> {
        let root = self.site_folder.join("cloud-root.pem");
        let args = [
            "--listen".to_owned(),
            format!("{OUTSIDE}:443"),
            "--root".to_owned(),
            root.display().to_string(),
            "--speech".to_owned(),
            speech.to_owned(),
            "--entra".to_owned(),
            entra.to_owned(),
        ];
        let log = self.site_folder.join("cloud.log");
        let mut cloud = Process::start("cloud", &site.assets.join("cloud"), &args, &[], &log)?;
        cloud.wait_for_log("listening", DEADLINE).await?;
        self.all.push(cloud);
        Ok(root)
    }

    /// Fails if one of them has ended.
    pub fn check(&mut self) -> Result<(), HarnessError> {
        self.all.iter_mut().try_for_each(Process::check_running)
    }
}
