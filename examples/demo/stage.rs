//! What the story plays on: control plane, emulator and operator, and kubectl as a user types it.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::harness::{CommandOutput, Control, EmulatorProcess, OperatorProcess, Plane};
use super::screen::{Screen, Style};
use super::service::RESOURCE;
use super::{DemoError, demand};

/// The address in `deploy/demo/connection.yaml`.
const WRITTEN_ADDRESS: &str = "127.0.0.1:8765";

/// Everything that runs. Fields are dropped in this order: clients before their servers.
pub struct Stage {
    operator: OperatorProcess,
    emulator: EmulatorProcess,
    pub plane: Plane,
}

impl Stage {
    /// Starts all.
    pub async fn set(screen: &mut Screen) -> Result<Self, DemoError> {
        screen.blank();
        let plane = screen.during(
            "starting etcd, kube-apiserver and kube-controller-manager",
            Plane::start(),
        );
        let plane = plane.await?;
        let version = plane.kubectl_ok(&["version", "--output", "json"]).await?;
        let version: Value = serde_json::from_str(&version).unwrap_or_default();
        let version = super::service::text(&version, "/serverVersion/gitVersion");
        screen.good(&format!(
            "Kubernetes {version}: etcd, kube-apiserver and kube-controller-manager, on loopback"
        ));
        let seed = Path::new("examples/demo/seed.json");
        let emulator = EmulatorProcess::start(&program("speech-emulator")?, Some(seed), &[]).await?;
        screen.good(&format!("the emulated Speech service at {}", emulator.base_url()));
        let files = ["namespace", "service-account", "cluster-roles"].map(|name| format!("deploy/base/{name}.yaml"));
        let [namespace, account, roles] = &files;
        let arguments = ["apply", "-f", "crds", "-f", namespace, "-f", account, "-f", roles];
        let command = typed(&arguments);
        screen.in_picture(false);
        screen.command(&command);
        let applied = screen.during("kubectl apply", plane.kubectl(&arguments)).await?;
        show(screen, &command, &applied)?;
        screen.in_picture(true);
        let established = ["wait", "--for=condition=Established", "crd", "--all", "--timeout=30s"];
        plane.kubectl_ok(&established).await?;
        let operator = screen
            .during("starting the operator", start_operator(&plane, &emulator))
            .await?;
        screen.good(
            "the operator runs as system:serviceaccount:speech-system:speech-operator, with the ClusterRole that ships",
        );
        Ok(Self {
            operator,
            emulator,
            plane,
        })
    }

    /// The emulator's base URL.
    pub fn emulator_url(&self) -> &str {
        self.emulator.base_url()
    }

    /// The emulator's control API.
    pub fn control(&self) -> &Control {
        self.emulator.control()
    }

    /// What the operator has logged.
    pub fn operator_log(&self) -> String {
        self.operator.logs()
    }

    /// Runs a kubectl command, shows it and what it writes, and demands that it succeeds.
    pub async fn kubectl(&self, screen: &mut Screen, arguments: &[&str]) -> Result<String, DemoError> {
        let typed = typed(arguments);
        screen.command(&typed);
        let word = arguments.first().copied().unwrap_or_default();
        let output = screen
            .during(&format!("kubectl {word}"), self.plane.kubectl(arguments))
            .await?;
        show(screen, &typed, &output)?;
        Ok(output.stdout)
    }

    /// Applies the connection with the emulator's port put in.
    pub async fn connect(&self, screen: &mut Screen) -> Result<(), DemoError> {
        self.apply_with_address(screen, "deploy/demo/connection.yaml").await
    }

    /// Applies a file with the emulator's port put in.
    pub async fn apply_with_address(&self, screen: &mut Screen, path: &str) -> Result<(), DemoError> {
        let yaml = std::fs::read_to_string(path).map_err(|error| DemoError::File(path.to_owned(), error))?;
        let address = self.emulator_url().trim_start_matches("http://");
        let typed = format!("sed 's/{WRITTEN_ADDRESS}/{address}/' {path} | kubectl apply -f -");
        screen.command(&typed);
        let yaml = yaml.replace(WRITTEN_ADDRESS, address);
        let output = self.plane.kubectl_stdin(&["apply", "-f", "-"], &yaml).await?;
        show(screen, &typed, &output)
    }

    /// An object, or several by a selector, as JSON, for checks.
    pub async fn object(&self, name: &str) -> Result<Value, DemoError> {
        let arguments: Vec<&str> = ["get"]
            .into_iter()
            .chain(name.split(' '))
            .chain(["--output", "json"])
            .collect();
        let text = self.plane.kubectl_ok(&arguments).await?;
        serde_json::from_str(&text).map_err(|error| DemoError::Untrue {
            expected: format!("{name} as JSON"),
            found: error.to_string(),
        })
    }

    /// How to use it while it is left running.
    pub fn instructions(&self) -> String {
        let programs = [
            PathBuf::from(folder_of_kubectl()),
            folder_of_programs().unwrap_or_default(),
        ];
        let programs: Vec<String> = programs.iter().map(|folder| folder.display().to_string()).collect();
        let (kubeconfig, programs) = (self.plane.kubeconfig().display(), programs.join(":"));
        let page = format!("http://{}/fleet", self.operator.address());
        let clock = self.control().clock_url();
        let recognition = format!("{}/{RESOURCE}/stt/speech/universal/v2", self.emulator_url());
        format!(
            r#"export KUBECONFIG={kubeconfig}
export PATH="$PATH:{programs}"
kubectl get speech
kubectl explain spep.spec.model

# the whole fleet, why an endpoint is as it is, and what nobody declares; in a browser: {page}
export SPEECH_OPERATOR_ALLOW_HTTP=true SPEECH_OPERATOR_ALLOWED_HOSTS=127.0.0.1
kubectl speech status
kubectl speech why claims-hotline
kubectl speech orphans

# the clock of the Speech service, which the operator follows
curl -X PUT {clock} -d '{{"advance": "90d"}}'

# which model answers: see x-emulator-answered-by
curl -i -X POST -H 'Ocp-Apim-Subscription-Key: demo-key-2' \
  "{recognition}?cid=$(kubectl get spep claims-hotline -o jsonpath='{{.status.id}}')""#
        )
    }
}

async fn start_operator(plane: &Plane, emulator: &EmulatorProcess) -> Result<OperatorProcess, DemoError> {
    let kubeconfig = plane
        .service_account_kubeconfig("speech-system", "speech-operator")
        .await?;
    let clock = emulator.control().clock_url();
    let arguments = ["--log-format", "text"];
    let operator = program("speech-operator")?;
    Ok(OperatorProcess::start_with_emulator(&operator, &kubeconfig, &clock, &arguments).await?)
}

/// A binary of this package.
fn program(name: &str) -> Result<PathBuf, DemoError> {
    let folder = folder_of_programs().map_err(|error| DemoError::File(name.to_owned(), error))?;
    Ok(folder.join(name))
}

/// Examples lie one folder below the programs.
fn folder_of_programs() -> std::io::Result<PathBuf> {
    let example = std::env::current_exe()?;
    let folder = example.parent().and_then(Path::parent).unwrap_or(Path::new("."));
    Ok(folder.to_owned())
}

fn folder_of_kubectl() -> String {
    let script = "tests/control-plane/install.sh";
    let printed = std::process::Command::new(script).arg("--print").output();
    printed.map_or_else(
        |_| String::new(),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    )
}

fn show(screen: &mut Screen, typed: &str, output: &CommandOutput) -> Result<(), DemoError> {
    screen.output(&output.stdout);
    if !output.stderr.is_empty() {
        screen.line(Style::Plain, output.stderr.trim_end());
    }
    demand(output.success(), &format!("`{typed}` succeeds"), || {
        format!("exit code {:?}: {}", output.code, output.stderr.trim())
    })
}

/// A kubectl command as it is typed into a shell.
fn typed(arguments: &[&str]) -> String {
    let words: Vec<String> = arguments.iter().map(|argument| quoted(argument)).collect();
    format!("kubectl {}", words.join(" "))
}

/// An argument as it is typed into a shell.
fn quoted(argument: &str) -> String {
    let plain = |character: char| character.is_ascii_alphanumeric() || "-_=./:,@%+".contains(character);
    if argument.chars().all(plain) {
        argument.to_owned()
    } else {
        format!("'{argument}'")
    }
}
