//! Who stands for election.
use std::fmt;
use uuid::Uuid;

/// A process that wants to lead, as `holderIdentity` names it: the pod, then what tells this process from one that ran
/// in the same pod before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    pod: String,
    process: String,
}

impl Candidate {
    /// This process of a pod. Two pods must never go by one name: a process takes over at once from an earlier one of its
    /// own pod, which the kubelet has ended before.
    pub fn of_pod(pod: &str) -> Self {
        Self {
            pod: pod.to_owned(),
            process: Uuid::new_v4().simple().to_string(),
        }
    }

    /// A process outside of a pod; nobody is its predecessor.
    pub fn anonymous() -> Self {
        Self::of_pod(&format!("speech-operator-{}", Uuid::new_v4().simple()))
    }

    pub fn pod(&self) -> &str {
        &self.pod
    }

    /// Whether a `holderIdentity` names this very process.
    pub fn is(&self, holder: &str) -> bool {
        self.split(holder) == Some(self.process.as_str())
    }

    /// Whether a `holderIdentity` names an earlier process of this pod, which is gone.
    pub fn succeeds(&self, holder: &str) -> bool {
        self.split(holder).is_some_and(|process| process != self.process)
    }

    /// The process in a `holderIdentity` of this pod. Names of pods have no underscore.
    fn split<'a>(&self, holder: &'a str) -> Option<&'a str> {
        let (pod, process) = holder.rsplit_once('_')?;
        (pod == self.pod).then_some(process)
    }
}

impl fmt::Display for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}_{}", self.pod, self.process)
    }
}
