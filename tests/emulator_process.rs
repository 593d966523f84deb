//! The harness's emulator process and control client agree with the emulator that is built here.

mod harness;

use harness::{EMULATOR, EmulatorProcess, HarnessError};
use serde_json::json;

#[tokio::test]
async fn the_emulators_clock_obeys_the_control_client() -> Result<(), HarnessError> {
    let emulator = EmulatorProcess::start(&EMULATOR, None, &["--rate", "0"]).await?;
    let control = emulator.control();
    let start = "2030-01-01T00:00:00Z".parse().unwrap();
    assert_eq!(control.set_now(start).await?, start);
    let later = control.advance("90d").await?;
    assert_eq!((later - start).total(jiff::Unit::Hour).unwrap(), 90.0 * 24.0);
    assert_eq!(control.now().await?, later);
    let backwards = control.advance("yesterday").await.unwrap_err().to_string();
    assert!(
        backwards.contains("/control/clock") && backwards.contains("400"),
        "{backwards}"
    );
    Ok(())
}

#[tokio::test]
async fn journal_faults_state_and_resources_can_be_read_and_changed() -> Result<(), HarnessError> {
    let mut emulator = EmulatorProcess::start(&EMULATOR, None, &[]).await?;
    let control = emulator.control().clone();
    control.put_resource("harness", json!({"key1": "first"})).await?;
    assert!(control.state().await?.to_string().contains("harness"));
    assert!(control.resource("harness").await?.is_object());

    reqwest::get(format!("{}/nowhere", emulator.base_url())).await.unwrap();
    assert!(control.journal(None, 0).await?.to_string().contains("/nowhere"));
    control.clear_journal().await?;
    assert!(!control.journal(None, 0).await?.to_string().contains("/nowhere"));
    control.journal(Some("harness"), 5).await?;

    control.clear_faults().await?;
    control.delete_resource("harness").await?;
    control.resource("harness").await.unwrap_err();

    emulator.process().kill();
    control.now().await.unwrap_err();
    Ok(())
}
