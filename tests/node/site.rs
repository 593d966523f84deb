//! Namespaces, cgroups and a network for one node.
//!
//! The first process of a PID namespace holds them. When it ends, the kernel ends all that run in that namespace, and with the last
//! of them the mounts and the network go. It ends with us, even if we are killed. What stays are empty cgroups, which
//! a process of their own removes.
use crate::harness::{Folder, HarnessError, Process};
use std::{
    fs::{self, File},
    net::Ipv4Addr,
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

/// The node, and what lies outside of the cluster: this machine.
pub const NODE_ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 99, 0, 1);
pub const OUTSIDE: Ipv4Addr = Ipv4Addr::new(10, 99, 0, 2);
/// Another address of this machine, which plays nothing that the operator needs.
pub const STRANGER: Ipv4Addr = Ipv4Addr::new(10, 99, 1, 1);
/// The Pods' addresses.
pub const PODS: &str = "10.88.0.0/24";
/// The Services' addresses.
pub const SERVICES: &str = "10.96.0.0/24";

const DEADLINE: Duration = Duration::from_secs(30);
const CGROUPS: &str = "/sys/fs/cgroup";
/// In front of what belongs to a node of these tests.
const PREFIX: &str = "speech-node-";
const INTERFACE: &str = "speech-node";

/// The first process of the namespaces. Nothing that it or its children write lies on the machine, but for the folder.
const HOLD: &str = r#"
set -eu
for folder in /run /var/lib /var/log; do mount -t tmpfs node "$folder"; done
mount --make-rshared /
ip link set lo up
echo 1 >/proc/sys/net/ipv4/ip_forward
echo "namespaces made"
exec "$1"
"#;

/// Waits for the end of its stdin, that is of the owner, then removes the cgroups, as soon as nothing runs in them.
const REMOVE_CGROUPS: &str = r#"
trap '' INT TERM HUP
cat >/dev/null
tries=0
while [ "$tries" -lt 100 ]; do
  find "$1" -mindepth 1 -maxdepth 2 -type d -name "$2" -print 2>/dev/null | while read -r group; do
    find "$group" -depth -type d -exec rmdir {} + 2>/dev/null || :
  done
  [ -z "$(find "$1" -mindepth 1 -maxdepth 2 -type d -name "$2" -print 2>/dev/null)" ] && exit 0
  tries=$((tries + 1))
  sleep 0.1
done
"#;

/// Where a node runs. Dropping it ends all that runs there.
pub struct Site {
    holder: Process,
    remover: Child,
    /// The name of its cgroup in each hierarchy.
    pub cgroup: String,
    /// Where its programs are.
    pub assets: PathBuf,
    folder: Folder,
    inside: u32,
    _alone: File,
}

impl Site {
    /// Makes the namespaces. The error says what this machine lacks.
    pub async fn make(assets: PathBuf) -> Result<Self, HarnessError> {
        let alone = alone()?;
        remove_leftovers();
        let folder = Folder::new("node")?;
        let cgroup = format!("{PREFIX}{}", std::process::id());
        let remover = remover(&cgroup)?;
        make_cgroups(&cgroup)?;
        let pause = assets.join("pause").display().to_string();
        let args = [
            "--mount",
            "--net",
            "--uts",
            "--ipc",
            "--pid",
            "--fork",
            "--kill-child=KILL",
            "--mount-proc",
            "--propagation=private",
            "sh",
            "-c",
            HOLD,
            "hold",
            &pause,
        ];
        let args = args.map(str::to_owned);
        let log = folder.path().join("holder.log");
        let mut holder = Process::start("the namespaces", &program("unshare")?, &args, &[], &log)?;
        holder.wait_for_log("namespaces made", DEADLINE).await?;
        let inside = only_child(holder.pid())?;
        let site = Self {
            holder,
            remover,
            cgroup,
            assets,
            folder,
            inside,
            _alone: alone,
        };
        site.connect()?;
        Ok(site)
    }

    /// A wire between the node and the machine outside.
    fn connect(&self) -> Result<(), HarnessError> {
        let inside = self.inside.to_string();
        run(
            "ip",
            &[
                "link", "add", INTERFACE, "type", "veth", "peer", "name", "eth0", "netns", &inside,
            ],
        )?;
        run("ip", &["address", "add", &format!("{OUTSIDE}/30"), "dev", INTERFACE])?;
        run("ip", &["address", "add", &format!("{STRANGER}/32"), "dev", INTERFACE])?;
        run("ip", &["link", "set", INTERFACE, "up"])?;
        let network = format!("--net=/proc/{inside}/ns/net");
        let node = format!("{NODE_ADDRESS}/30");
        for args in [
            &["address", "add", &node, "dev", "eth0"][..],
            &["link", "set", "eth0", "up"],
            // Without a route, the node itself would not send what kube-proxy is to redirect.
            &[
                "route",
                "add",
                SERVICES,
                "dev",
                "eth0",
                "src",
                &NODE_ADDRESS.to_string(),
            ],
            &["route", "add", &STRANGER.to_string(), "via", &OUTSIDE.to_string()],
        ] {
            run("nsenter", &[&[&*network, "ip"], args].concat())?;
        }
        run(
            "ip",
            &["route", "add", PODS, "via", &NODE_ADDRESS.to_string(), "dev", INTERFACE],
        )
    }

    /// The command that enters the namespaces.
    pub fn enter(&self) -> Result<Vec<String>, HarnessError> {
        let nsenter = program("nsenter")?.display().to_string();
        let target = format!("--target={}", self.inside);
        let kinds = ["--mount", "--net", "--uts", "--ipc", "--pid"].map(str::to_owned);
        Ok([nsenter, target].into_iter().chain(kinds).collect())
    }

    /// A folder that goes with the node.
    pub fn folder(&self) -> &Folder {
        &self.folder
    }

    /// What programs of Debian's packages need to find each other and their libraries.
    pub fn environment(&self) -> [(&'static str, String); 3] {
        let root = self.assets.join("debian");
        let root = root.display();
        let libraries = format!(
            "{root}/usr/lib/{arch}-linux-gnu:{root}/lib/{arch}-linux-gnu",
            arch = std::env::consts::ARCH
        );
        let path = std::env::var("PATH").unwrap_or_default();
        let own = format!("{root}/usr/sbin:{root}/usr/bin:{root}/sbin:{root}/bin:{path}:/usr/sbin:/sbin");
        let extensions = format!("{root}/usr/lib/{}-linux-gnu/xtables", std::env::consts::ARCH);
        [
            ("PATH", own),
            ("LD_LIBRARY_PATH", libraries),
            ("XTABLES_LIBDIR", extensions),
        ]
    }

    /// The processes in the cgroups whose path contains this, by their ids outside.
    pub fn processes(&self, part: &str) -> Vec<u32> {
        let group = groups()
            .into_iter()
            .map(|hierarchy| hierarchy.join(&self.cgroup))
            .find(|group| group.exists());
        let mut found = Vec::new();
        for folder in group.into_iter().flat_map(|group| below(&group)) {
            if folder.to_string_lossy().contains(part) {
                let ids = fs::read_to_string(folder.join("cgroup.procs")).unwrap_or_default();
                found.extend(ids.lines().filter_map(|id| id.parse::<u32>().ok()));
            }
        }
        found
    }
}

impl Site {
    /// Puts a process into the node's cgroups, where a kubelet puts those of Pods.
    pub fn admit(&self, process: u32) -> Result<(), HarnessError> {
        for hierarchy in groups() {
            let path = hierarchy.join(&self.cgroup).join("cgroup.procs");
            fs::write(&path, process.to_string()).map_err(|source| HarnessError::File {
                path: path.clone(),
                source,
            })?;
        }
        Ok(())
    }
}

/// What there still is of a node: its cgroups, its folder, its wire, and processes that name its folder.
pub fn left_of(cgroup: &str, folder: &Path) -> Vec<String> {
    let groups = groups().into_iter().map(|hierarchy| hierarchy.join(cgroup));
    let paths = groups.chain([folder.to_owned(), Path::new("/sys/class/net").join(INTERFACE)]);
    let mut left: Vec<String> = paths
        .filter(|path| path.exists())
        .map(|path| path.display().to_string())
        .collect();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let command = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let command = String::from_utf8_lossy(&command).replace('\0', " ");
        if command.contains(&folder.display().to_string()) {
            left.push(command);
        }
    }
    left
}

impl Drop for Site {
    fn drop(&mut self) {
        self.holder.kill();
        drop(self.remover.stdin.take());
        let _ = self.remover.wait();
    }
}

fn failed(what: &str, got: &str) -> HarnessError {
    HarnessError::NotUnderstood {
        what: what.to_owned(),
        got: got.to_owned(),
    }
}

/// Namespaces need root, and `make test-node` builds images for one architecture.
pub fn demand_machine() -> Result<(), String> {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let user = status.lines().find_map(|line| line.strip_prefix("Uid:"));
    let user = user.and_then(|ids| ids.split_whitespace().nth(1)).unwrap_or_default();
    match (user, std::env::consts::ARCH) {
        ("0", "x86_64") => Ok(()),
        ("0", other) => Err(format!("a node is tested with images for x86_64, and this is {other}")),
        (user, _) => Err(format!(
            "a node needs root, for namespaces and cgroups of its own; this is user {user}"
        )),
    }
}

/// Waits until no other node of these tests runs on this machine.
fn alone() -> Result<File, HarnessError> {
    let path = std::env::temp_dir().join("speech-operator-node.lock");
    let at = |source| HarnessError::File {
        path: path.clone(),
        source,
    };
    let file = File::create(&path).map_err(at)?;
    file.lock().map_err(at)?;
    Ok(file)
}

/// The hierarchies of cgroups: those of version 1, or the one of version 2.
fn groups() -> Vec<PathBuf> {
    if Path::new(CGROUPS).join("cgroup.controllers").exists() {
        return vec![PathBuf::from(CGROUPS)];
    }
    let kinds = [
        "memory", "cpu", "cpuacct", "cpuset", "devices", "freezer", "blkio", "pids", "systemd",
    ];
    let all = kinds.map(|kind| Path::new(CGROUPS).join(kind));
    all.into_iter().filter(|hierarchy| hierarchy.exists()).collect()
}

fn make_cgroups(name: &str) -> Result<(), HarnessError> {
    for hierarchy in groups() {
        let group = hierarchy.join(name);
        let at = |source| HarnessError::File {
            path: group.clone(),
            source,
        };
        fs::create_dir_all(&group).map_err(at)?;
        for file in ["cpuset.cpus", "cpuset.mems"] {
            // In version 1 a new cpuset is empty, and takes no process.
            if hierarchy.ends_with("cpuset") {
                let usual = fs::read_to_string(hierarchy.join(file)).map_err(at)?;
                fs::write(group.join(file), usual.trim()).map_err(at)?;
            }
        }
    }
    Ok(())
}

/// A folder and all below it.
fn below(folder: &Path) -> Vec<PathBuf> {
    let mut all = vec![folder.to_owned()];
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            all.extend(below(&entry.path()));
        }
    }
    all
}

fn remover(pattern: &str) -> Result<Child, HarnessError> {
    let child = Command::new("sh")
        .args(["-c", REMOVE_CGROUPS, "cgroup-remover", CGROUPS, pattern])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn();
    child.map_err(|source| HarnessError::Spawn {
        program: "sh".into(),
        source,
    })
}

/// What a node that was killed together with its remover has left. We hold the lock, so nobody uses it.
fn remove_leftovers() {
    if let Ok(mut child) = remover(&format!("{PREFIX}*")) {
        drop(child.stdin.take());
        let _ = child.wait();
    }
    // The wire goes with the namespace, which may take the kernel a moment.
    let _ = Command::new("ip")
        .args(["link", "delete", INTERFACE])
        .stderr(Stdio::null())
        .status();
}

/// A program of the machine.
pub fn program(name: &str) -> Result<PathBuf, HarnessError> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let usual = ["/usr/sbin", "/sbin"].map(PathBuf::from);
    let mut all = std::env::split_paths(&path)
        .chain(usual)
        .map(|folder| folder.join(name));
    all.find(|file| file.exists())
        .ok_or_else(|| failed("a program of the machine that a node needs", name))
}

/// Runs a program of the machine.
fn run(name: &str, args: &[&str]) -> Result<(), HarnessError> {
    let program = program(name)?;
    let output = Command::new(&program).args(args).stdin(Stdio::null()).output();
    let output = output.map_err(|source| HarnessError::Spawn { program, source })?;
    match output.status.success() {
        true => Ok(()),
        false => Err(failed(
            &format!("{name} {}", args.join(" ")),
            &String::from_utf8_lossy(&output.stderr),
        )),
    }
}

/// The child of a process that is in another PID namespace; the watcher of the harness is the other child.
fn only_child(parent: u32) -> Result<u32, HarnessError> {
    let own = fs::read_link("/proc/self/ns/pid").ok();
    let is_holder = |id: &u32| {
        let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
        let of = status
            .lines()
            .find_map(|line| line.strip_prefix("PPid:"))
            .unwrap_or_default();
        of.trim() == parent.to_string() && fs::read_link(format!("/proc/{id}/ns/pid")).ok() != own
    };
    let all = fs::read_dir("/proc").into_iter().flatten().flatten();
    let mut ids = all.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    ids.find(is_holder)
        .ok_or_else(|| failed("the first process of the namespaces, a child of", &parent.to_string()))
}
