//! A fleet that needs nothing.
use crate::{
    Outcome,
    fleet::Fleet,
    report::{Report, Row},
    stack::Stack,
};
use jiff::Timestamp;
use std::time::Duration;

/// What the operator did meanwhile.
#[derive(Clone, Copy, Debug)]
pub struct Rested {
    cluster_writes: u32,
    remote_writes: u32,
    /// Per object and minute.
    remote_reads: f64,
    /// Seconds per minute.
    cpu: f64,
}

/// Watches the fleet for so long.
pub async fn measure(stack: &mut Stack, fleet: &Fleet, time: Duration) -> Outcome<Rested> {
    tokio::time::sleep(Duration::from_secs(5)).await; // what went before has ended by then
    eprintln!(
        "watching {} endpoints at rest for {} s",
        fleet.endpoints,
        time.as_secs()
    );
    let (since, last, cpu) = (Timestamp::now(), stack.last_request().await?, stack.cpu()?);
    tokio::time::sleep(time).await;
    let cpu = stack.cpu()? - cpu;
    let writes = stack.writes(since)?;
    let requests = stack.requests(last).await?;
    let reads = requests.iter().filter(|request| request.method == "GET").count();
    let minutes = time.as_secs_f64() / 60.0;
    let count = |many: usize| u32::try_from(many).map(f64::from);
    let rested = Rested {
        cluster_writes: writes.without_events() + writes.events,
        remote_writes: u32::try_from(requests.len() - reads)?,
        remote_reads: count(reads)? / count(fleet.endpoints)? / minutes,
        cpu: cpu / minutes,
    };
    eprintln!("  {rested:?}");
    Ok(rested)
}

impl Rested {
    /// Adds the rows.
    pub fn report(&self, report: &mut Report) {
        let (fleet, seconds) = (report.scale.fleet, report.scale.rest.as_secs());
        report.add(Row {
            figure: format!("at rest, {fleet} Ready, {seconds} s: Kubernetes writes / remote writes"),
            plain: "0 / 0",
            cert_manager: "0",
            goal: "0 / 0",
            ours: format!("{} / {}", self.cluster_writes, self.remote_writes),
            met: self.cluster_writes == 0 && self.remote_writes == 0,
        });
        report.add(Row {
            figure: "at rest: remote reads per object and minute; CPU per minute".into(),
            plain: "1; 0.5 s",
            cert_manager: "–",
            goal: "≤ 0.1; ≤ 0.1 s",
            ours: format!("{:.3}; {:.3} s", self.remote_reads, self.cpu),
            met: self.remote_reads <= 0.1 && self.cpu <= 0.1,
        });
    }
}
