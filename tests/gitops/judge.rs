//! Argo CD's own word on objects: the shipped ConfigMap, read and run by Argo CD's own code.
use crate::harness::installed;
use serde_json::Value;
use std::{
    collections::BTreeMap,
    io::Write as _,
    process::{Command, Stdio},
};

const CONFIGURATION: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/argocd/argocd-cm.yaml");

/// What Argo CD shows of an object.
#[derive(Debug)]
pub struct Judgement {
    pub status: String,
    pub message: String,
    /// By name.
    pub actions: BTreeMap<String, Action>,
}

/// An action that Argo CD offers or, if it is disabled, shows in grey.
#[derive(Debug)]
pub struct Action {
    pub is_disabled: bool,
    /// The merge patch that Argo CD would send, or why its script refuses.
    pub patch: Result<Value, String>,
}

impl Judgement {
    /// The names of the actions that are offered.
    pub fn offered(&self) -> Vec<&str> {
        let offered = self.actions.iter().filter(|(_, action)| !action.is_disabled);
        offered.map(|(name, _)| name.as_str()).collect()
    }

    /// The patch of an action that is offered.
    pub fn patch(&self, name: &str) -> Value {
        assert!(self.offered().contains(&name), "{name} is not offered: {self:#?}");
        self.actions[name].patch.clone().unwrap()
    }
}

/// Judges objects, in order. One run takes them all.
pub fn judge(objects: &[Value]) -> Vec<Judgement> {
    let folder = installed("tests/argocd").unwrap_or_else(|error| panic!("{error}"));
    let mut program = Command::new(folder.join("argo-cd-lua"))
        .arg(CONFIGURATION)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // The program reads all before it writes.
    let mut input = program.stdin.take().unwrap();
    input.write_all(&serde_json::to_vec(objects).unwrap()).unwrap();
    drop(input);
    let output = program.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let judged: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(judged.len(), objects.len());
    judged.iter().map(read).collect()
}

fn read(judged: &Value) -> Judgement {
    assert!(judged["error"].is_null(), "a script fails: {judged:#}");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let actions = judged["actions"].as_array().into_iter().flatten();
    let actions = actions.map(|action| {
        let patch = match action["error"].as_str() {
            Some(error) => Err(error.to_owned()),
            None => Ok(action["patch"].clone()),
        };
        let is_disabled = action["disabled"].as_bool().unwrap();
        (text(&action["name"]), Action { is_disabled, patch })
    });
    Judgement {
        status: text(&judged["status"]),
        message: text(&judged["message"]),
        actions: actions.collect(),
    }
}

/// The objects of a file of the repository.
pub fn objects_of(path: &str) -> Vec<Value> {
    let yaml = std::fs::read_to_string(format!("{}/{path}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    serde_saphyr::from_multiple(&yaml).unwrap()
}
