//! What is left when the owner of a node is killed: nothing.
use crate::{
    harness::{HarnessError, Process, eventually, installed},
    site::{self, Site},
};
use std::{path::Path, time::Duration};

/// The option by which this program owns the namespaces of a node until it is killed.
pub const OPTION: &str = "own-a-site";
pub const NAME: &str = "nothing_is_left_when_the_owner_of_a_node_is_killed";
const DEADLINE: Duration = Duration::from_secs(30);

/// Never ends.
pub async fn own() -> Result<(), HarnessError> {
    let site = Site::make(installed("tests/node")?).await?;
    let mut enter = site.enter()?.into_iter();
    let nsenter = enter.next().unwrap_or_default();
    let args: Vec<String> = enter.chain([site.assets.join("pause").display().to_string()]).collect();
    let log = site.folder().path().join("pause.log");
    let inhabitant = Process::start("pause", Path::new(&nsenter), &args, &[], &log)?;
    site.admit(inhabitant.pid())?;
    println!("owns {} {}", site.cgroup, site.folder().path().display());
    std::future::pending::<()>().await;
    Ok(())
}

pub async fn nothing_is_left_when_the_owner_of_a_node_is_killed() -> Result<(), HarnessError> {
    let log = std::env::temp_dir().join(format!("speech-operator-owner-{}.log", std::process::id()));
    let this = std::env::current_exe().map_err(|source| HarnessError::File {
        path: log.clone(),
        source,
    })?;
    let mut owner = Process::start(
        "the owner",
        &this,
        &[format!("--{OPTION}")],
        &[("HARNESS_KEEP", "")],
        &log,
    )?;
    let line = owner.wait_for_log("owns ", DEADLINE).await?;
    let told: Vec<&str> = line.split(' ').collect();
    let &[_, cgroup, folder] = told.as_slice() else {
        panic!("{line}")
    };
    assert!(
        !site::left_of(cgroup, Path::new(folder)).is_empty(),
        "it is seen while it is there"
    );
    owner.kill();
    eventually("all of a killed node goes", DEADLINE, async || {
        match site::left_of(cgroup, Path::new(folder)) {
            left if left.is_empty() => Ok(()),
            left => Err(left.join(", ")),
        }
    })
    .await?;
    std::fs::remove_file(&log).map_err(|source| HarnessError::File {
        path: log.clone(),
        source,
    })
}
