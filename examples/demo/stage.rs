//! What the story plays on: control plane, emulator and operator, and kubectl as a user types it.
use super::{
    DemoError, demand,
    harness::{CommandOutput, Control, EMULATOR, EmulatorProcess, KUBECTL_SPEECH, OPERATOR, OperatorProcess, Plane},
    screen::{Screen, Style},
    service::RESOURCE,
};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// A base model that appears at the end, for what readers try.
const TRAINABLE: &str = "7c1d5f0e-2b64-4f3a-9d58-3e8a4b9c6d17";
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
        let emulator = EmulatorProcess::start(&EMULATOR, Some(seed), &[]).await?;
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

    /// Makes the end of the story a beginning: a base model that one's own manifests can be trained with. The operator reads
    /// the list of base models every ten minutes.
    pub async fn welcome(&self, screen: &mut Screen) -> Result<(), DemoError> {
        let base_model = json!({
            "id": TRAINABLE, "displayName": "20280701", "locale": "en-US", "createdDateTime": "2028-07-16T09:30:00Z",
            "adaptationDateTime": "2030-07-15T00:00:00Z", "transcriptionDateTime": "2031-07-15T00:00:00Z",
        });
        for resource in [RESOURCE, super::fleet::RESOURCE] {
            let more = json!({"baseModels": [base_model]});
            self.control().put_resource(resource, more).await?;
        }
        self.control().advance("1h").await?;
        let served = [
            "wait",
            "--for=jsonpath={.status.active.name}=20280701",
            "spep/dictation",
            "--timeout=60s",
        ];
        let served = self.plane.kubectl_ok(&served);
        screen
            .during("a base model appears that can be trained from", served)
            .await?;
        Ok(())
    }

    /// How to use it while it is left running.
    pub fn instructions(&self) -> String {
        let programs = [
            PathBuf::from(folder_of_kubectl()),
            KUBECTL_SPEECH.parent().unwrap_or(Path::new(".")).to_owned(),
        ];
        let programs: Vec<String> = programs.iter().map(|folder| folder.display().to_string()).collect();
        let (kubeconfig, programs) = (self.plane.kubeconfig().display(), programs.join(":"));
        let page = format!("http://{}/fleet", self.operator.address());
        let clock = self.control().clock_url();
        let (log, demo) = (self.operator.log_file(), std::process::id());
        let (log, host) = (log.display(), self.emulator_url());
        let recognition = format!("{}/{RESOURCE}/stt/speech/universal/v2", self.emulator_url());
        format!(
            r#"export KUBECONFIG={kubeconfig}
export PATH="$PATH:{programs}"
kubectl get speech
kubectl explain spep.spec.model

# the whole fleet, why an endpoint is as it is, and what nobody declares; in a browser: {page}
export SPEECH_OPERATOR_ALLOW_HTTP=true SPEECH_OPERATOR_ALLOWED_HOSTS=127.0.0.1
export SPEECH_OPERATOR_DEVELOPMENT_CLOCK={clock}
kubectl speech status
kubectl speech why claims-hotline
kubectl speech plan
kubectl speech orphans

# your own manifests: connectionRef {{name: contoso}} is there already; for a connection of your own, the endpoint is
# {host}/{RESOURCE} and the key demo-key-1; the datasets of the Speech resource are
#   1c7e12fe-5263-4a9c-9165-6adb8a8ef40c  Claims phrases
#   6578203a-4324-4b00-9be7-711951f68fd9  Claims phrases, new products
kubectl speech retrain claims --wait

# the clock of the Speech service, which the operator and kubectl speech follow; kubectl itself does not, so the ages that
# it shows are wrong (<invalid>, for events)
curl -X PUT {clock} -d '{{"advance": "90d"}}'

# what the operator logs, and the end of it all
tail -f {log}
kill {demo}

# which model answers: see x-emulator-answered-by
curl -i -X POST -H 'Ocp-Apim-Subscription-Key: demo-key-2' \
  "{recognition}?cid=$(kubectl get spep claims-hotline -o jsonpath='{{.status.id}}')""#
        )
    }
}

async fn start_operator(plane: &Plane, emulator: &EmulatorProcess) -> Result<OperatorProcess, DemoError> {
    let kubeconfig = plane.operator_kubeconfig().await?;
    let clock = emulator.control().clock_url();
    let arguments = ["--log-format", "text"];
    Ok(OperatorProcess::start_with_emulator(&OPERATOR, &kubeconfig, &clock, &arguments).await?)
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
