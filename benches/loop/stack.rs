//! The processes that are measured, and what they say about themselves.
use crate::{
    Outcome,
    harness::{AuditEntry, EMULATOR, EmulatorProcess, OPERATOR, OperatorProcess, Plane},
    subject::{Operator, Subject},
};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

/// Where our operator lives, and nothing else.
const OWN_NAMESPACE: &str = "speech-system";

/// What time it is for the operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    Real,
    /// The emulator's, which can be moved.
    Emulated,
}

/// A control plane, an emulator and an operator.
pub struct Stack {
    pub subject: Subject,
    pub plane: Plane,
    pub emulator: EmulatorProcess,
    pub operator: Operator,
    pub client: kube::Client,
    options: Vec<String>,
}

/// One request as the emulator's journal tells it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    pub seq: u64,
    pub at: Timestamp,
    pub resource: String,
    pub method: String,
    pub operation: Option<String>,
    pub status: u16,
    pub request_body: Option<Value>,
}

#[derive(Deserialize)]
struct Page {
    entries: Vec<Request>,
    last: u64,
}

impl Stack {
    /// Starts all three; the operator under its own ServiceAccount.
    pub async fn start(subject: Subject, clock: Clock) -> Outcome<Self> {
        eprintln!("starting a control plane, the emulator and {}", subject.name());
        let plane = Plane::start_counting().await?;
        subject.install(&plane).await?;
        let nothing = plane.folder().write("seed.json", "{}")?;
        let emulator = EmulatorProcess::start(&EMULATOR, Some(&nothing), &[]).await?;
        let mut options = vec!["--allow-http".to_owned()];
        if clock == Clock::Emulated {
            options.extend(["--development-clock".to_owned(), emulator.control().clock_url()]);
        }
        let operator = subject.start(&plane, &emulator, &borrowed(&options)).await?;
        let client = plane.client().await?;
        Ok(Self {
            subject,
            plane,
            emulator,
            operator,
            client,
            options,
        })
    }

    /// Ends our operator and starts another, without waiting for it.
    pub async fn restart_operator(&mut self) -> Outcome<()> {
        self.operator.here()?;
        let kubeconfig = self.plane.operator_kubeconfig().await?;
        self.operator.process().kill();
        let operator = OperatorProcess::start_unready(&OPERATOR, &kubeconfig, &borrowed(&self.options))?;
        self.operator = Operator::Here(operator);
        Ok(())
    }

    /// Processor time of the operator so far, in seconds.
    pub fn cpu(&mut self) -> Outcome<f64> {
        let seconds = self.operator.process().cpu_seconds();
        seconds.ok_or_else(|| "the operator has ended".into())
    }

    /// Processor time so far of the operator, the emulator, the apiserver and etcd, in seconds.
    pub fn cpu_of_all(&mut self) -> Outcome<[f64; 4]> {
        let all = [
            self.operator.process().cpu_seconds(),
            self.emulator.process().cpu_seconds(),
            self.plane.apiserver().cpu_seconds(),
            self.plane.etcd().cpu_seconds(),
        ];
        match all {
            [Some(operator), Some(emulator), Some(apiserver), Some(etcd)] => Ok([operator, emulator, apiserver, etcd]),
            _ => Err("a process has ended".into()),
        }
    }

    /// The most memory that the operator has ever used, in MiB.
    pub fn peak_mib(&mut self) -> Outcome<f64> {
        let kib = self
            .operator
            .process()
            .rss_peak_kib()
            .and_then(|kib| u32::try_from(kib).ok());
        Ok(f64::from(kib.ok_or("the operator has ended")?) / 1024.0)
    }

    /// The number of the newest request to the emulator.
    pub async fn last_request(&self) -> Outcome<u64> {
        Ok(self.page(u64::MAX - 1).await?.last)
    }

    /// The requests to the emulator after one.
    pub async fn requests(&self, after: u64) -> Outcome<Vec<Request>> {
        Ok(self.page(after).await?.entries)
    }

    async fn page(&self, after: u64) -> Outcome<Page> {
        let path = format!("journal?after={after}&limit=200000");
        let answer = self
            .emulator
            .control()
            .request(reqwest::Method::GET, &path, None)
            .await?;
        Ok(serde_json::from_value(answer)?)
    }

    /// The operator's own writes to the cluster since a moment. Those in its own namespace are about who leads: the Lease, and
    /// an event when a process was killed that led.
    pub fn writes_themselves(&self, since: Timestamp) -> Outcome<Vec<AuditEntry>> {
        let user = self.subject.user();
        let own = |entry: &AuditEntry| entry.user == user && entry.namespace != OWN_NAMESPACE && entry.time >= since;
        let mut entries = self.plane.audit()?;
        entries.retain(own);
        Ok(entries)
    }

    /// How many there are of them.
    pub fn writes(&self, since: Timestamp) -> Outcome<Writes> {
        let mut writes = Writes::default();
        for entry in self.writes_themselves(since)? {
            match entry.resource.as_str() {
                "events" => writes.events += 1,
                "speechconnections" => writes.connections += 1,
                _ => writes.objects += 1,
            }
        }
        Ok(writes)
    }

    /// How many passes over endpoints our operator counts, of one outcome or of all.
    pub async fn passes(&self, outcome: Option<&str>) -> Outcome<f64> {
        let metrics = self.operator.here()?.metrics().await?;
        let outcome = outcome.map(|outcome| format!("outcome=\"{outcome}\""));
        let counts = metrics
            .lines()
            .filter(|line| line.starts_with("speech_reconciles_total{kind=\"SpeechEndpoint\""))
            .filter(|line| outcome.as_ref().is_none_or(|outcome| line.contains(outcome)))
            .filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok());
        Ok(counts.sum())
    }
}

fn borrowed(options: &[String]) -> Vec<&str> {
    options.iter().map(String::as_str).collect()
}

/// How often the operator wrote to the cluster.
#[derive(Clone, Copy, Debug, Default)]
pub struct Writes {
    pub events: u32,
    /// Connections, status included.
    pub connections: u32,
    /// Everything else, status included.
    pub objects: u32,
}

impl Writes {
    /// With events and connections.
    pub fn all(self) -> u32 {
        self.connections + self.objects + self.events
    }
}
