//! prometheus and promtool, as processes.
use crate::harness::{Folder, Process, free_address, in_time, installed};
use serde_json::Value;
use std::{
    path::Path,
    process::{Command, Output},
    time::Duration,
};

/// Starting takes a second; two processors are shared with much else.
const START: Duration = Duration::from_secs(60);

/// Runs promtool in `deploy/monitoring`.
pub fn promtool(args: &[&str]) -> Output {
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/monitoring");
    Command::new(installed("tests/prometheus").unwrap().join("promtool"))
        .args(args)
        .current_dir(place)
        .output()
        .unwrap()
}

/// A running Prometheus.
pub struct Prometheus {
    process: Process,
    address: String,
    http: reqwest::Client,
    folder: Folder,
}

impl Prometheus {
    /// Starts it with these rules. It scrapes what `scrape` names every second, and evaluates as often.
    pub async fn start(rules: &str) -> Self {
        let place = Folder::new("prometheus").unwrap();
        let config = "\
            global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}\n\
            rule_files: [rules.yaml]\n\
            scrape_configs:\n  - job_name: live\n    honor_labels: true\n    \
            file_sd_configs: [{files: [targets.json], refresh_interval: 1s}]\n";
        std::fs::write(place.path().join("prometheus.yaml"), config).unwrap();
        std::fs::write(place.path().join("targets.json"), "[]").unwrap();
        std::fs::write(place.path().join("rules.yaml"), rules).unwrap();
        let address = free_address().unwrap();
        let path = |name: &str| place.path().join(name).display().to_string();
        let args = [
            format!("--config.file={}", path("prometheus.yaml")),
            format!("--storage.tsdb.path={}", path("data")),
            format!("--web.listen-address={address}"),
        ];
        let log = place.path().join("prometheus.log");
        let mut process = Process::start(
            "prometheus",
            &installed("tests/prometheus").unwrap().join("prometheus"),
            &args,
            &[],
            &log,
        )
        .unwrap();
        let http = reqwest::Client::builder()
            .no_proxy()
            .timeout(Duration::from_secs(5))
            .build()
            .unwrap();
        in_time("Prometheus is ready", START, async || {
            let url = format!("http://{address}/-/ready");
            match http.get(url).send().await {
                Ok(answer) if answer.status().is_success() => Ok(()),
                other => Err(format!("{other:?} {:?}", process.check_running())),
            }
        })
        .await;
        Self {
            process,
            address,
            http,
            folder: place,
        }
    }

    /// Scrapes these addresses from now on.
    pub fn scrape(&self, targets: &[&str]) {
        let text = serde_json::json!([{ "targets": targets }]).to_string();
        let (beside, path) = (self.folder.path().join("next"), self.folder.path().join("targets.json"));
        std::fs::write(&beside, text).unwrap();
        std::fs::rename(beside, path).unwrap();
    }

    async fn get(&mut self, path: &str, query: &[(&str, &str)]) -> Value {
        let url = format!("http://{}/api/v1/{path}", self.address);
        let answer = self.http.get(url).query(query).send().await;
        let answer = answer.unwrap_or_else(|error| panic!("{error}: {:?}", self.process.check_running()));
        let answer: Value = answer.json().await.unwrap();
        assert_eq!(answer["status"], "success", "{query:?}: {answer}");
        answer["data"].clone()
    }

    /// The series that a query finds now.
    pub async fn query(&mut self, expr: &str) -> Vec<Value> {
        self.get("query", &[("query", expr)]).await["result"]
            .as_array()
            .unwrap()
            .clone()
    }

    /// Whether each rule could be evaluated: what is wrong with those that could not.
    pub async fn troubles(&mut self) -> Vec<String> {
        let groups = self.get("rules", &[]).await["groups"].clone();
        let rules = groups
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|group| group["rules"].as_array().unwrap());
        let bad = rules.filter(|rule| rule["health"] == "err");
        bad.map(|rule| format!("{}: {}", rule["name"], rule["lastError"]))
            .collect()
    }

    /// The labels of the alerts of a name that fire now.
    pub async fn firing(&mut self, name: &str) -> Vec<Value> {
        let found = self
            .query(&format!("ALERTS{{alertname=\"{name}\",alertstate=\"firing\"}}"))
            .await;
        found.into_iter().map(|series| series["metric"].clone()).collect()
    }

    /// Waits until an alert fires with these labels; what it sees instead when it is late.
    pub async fn fires(&mut self, name: &str, labels: &[(&str, &str)], within: Duration) -> Result<(), String> {
        self.wait(name, labels, within, true).await
    }

    /// Waits until no alert fires with these labels; what it sees instead when it is late.
    pub async fn resolves(&mut self, name: &str, labels: &[(&str, &str)], within: Duration) -> Result<(), String> {
        self.wait(name, labels, within, false).await
    }

    async fn wait(&mut self, name: &str, labels: &[(&str, &str)], within: Duration, fires: bool) -> Result<(), String> {
        let what = format!("{name} {labels:?} {}", if fires { "fires" } else { "is resolved" });
        let end = tokio::time::Instant::now() + within;
        loop {
            let firing = self.firing(name).await;
            let fits = |alert: &&Value| labels.iter().all(|(label, value)| alert[*label] == *value);
            if firing.iter().any(|alert| fits(&alert)) == fires {
                println!("{what}");
                return Ok(());
            }
            if tokio::time::Instant::now() >= end {
                return Err(format!("not within {within:?}: {what}; firing: {firing:?}"));
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}
