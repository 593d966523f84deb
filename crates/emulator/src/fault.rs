//! Faults that tests ask for: by route, a number of times, with a probability.

mod spec;

use super::lifecycle::EntityError;
use serde_json::{Value, json};
pub use spec::{Action, FailNext, FaultSpec, RouteMatch};

/// What faults are matched with.
#[derive(Clone, Debug, Default)]
pub struct Target {
    /// Name of the Speech resource.
    pub resource: String,
    /// HTTP method.
    pub method: String,
    /// Path behind resource and version.
    pub path: String,
    /// The operationId.
    pub operation: &'static str,
}

impl RouteMatch {
    fn fits(&self, target: &Target) -> bool {
        let path_fits = |pattern: &String| {
            let text = if pattern.contains('/') {
                target.path.as_str()
            } else {
                target.operation
            };
            glob(pattern.as_bytes(), text.as_bytes())
        };
        self.resource
            .as_ref()
            .is_none_or(|resource| *resource == target.resource)
            && self
                .method
                .as_ref()
                .is_none_or(|method| method.eq_ignore_ascii_case(&target.method))
            && self.path.as_ref().is_none_or(path_fits)
    }
}

/// Matches a pattern in which `*` stands for any text, slashes included.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    match pattern.split_first() {
        None => text.is_empty(),
        Some((b'*', rest)) => (0..=text.len()).any(|start| text.get(start..).is_some_and(|tail| glob(rest, tail))),
        Some((first, rest)) => text
            .split_first()
            .is_some_and(|(head, tail)| head == first && glob(rest, tail)),
    }
}

#[derive(Clone, Debug)]
struct Fault {
    id: u64,
    spec: FaultSpec,
    random: u64,
}

/// A fault that strikes a request.
#[derive(Clone, Debug, PartialEq)]
pub struct Strike {
    /// Id of the fault.
    pub id: u64,
    /// What happens.
    pub action: Action,
}

impl Strike {
    /// What the journal says of it.
    pub fn noted(&self) -> Value {
        json!({ "id": self.id, "action": self.action.name() })
    }
}

/// All faults that are set.
#[derive(Debug, Default)]
pub struct Faults {
    last_id: u64,
    entries: Vec<Fault>,
}

impl Faults {
    /// Sets a fault and gives its id.
    pub fn add(&mut self, spec: FaultSpec) -> u64 {
        self.last_id += 1;
        let random = spec.seed.unwrap_or(self.last_id);
        self.entries.push(Fault {
            id: self.last_id,
            spec,
            random,
        });
        self.last_id
    }

    /// Every fault with its id.
    pub fn list(&self) -> Value {
        let describe = |fault: &Fault| {
            let mut value = serde_json::to_value(&fault.spec).unwrap_or_default();
            if let Some(members) = value.as_object_mut() {
                members.insert("id".to_owned(), fault.id.into());
            }
            value
        };
        self.entries.iter().map(describe).collect()
    }

    /// Removes one fault; false when there is none with this id.
    pub fn remove(&mut self, id: u64) -> bool {
        let before = self.entries.len();
        self.entries.retain(|fault| fault.id != id);
        self.entries.len() < before
    }

    /// Removes all.
    pub fn clear(&mut self) {
        self.entries.clear();
    }

    /// The first fault that strikes this request.
    pub fn strike(&mut self, target: &Target) -> Option<Strike> {
        let index = self.entries.iter_mut().position(|fault| {
            !fault.spec.action.is_passive()
                && fault.spec.route.fits(target)
                && fault.spec.probability.is_none_or(|p| p > roll(&mut fault.random))
        })?;
        let fault = self.entries.get_mut(index)?;
        let strike = Strike {
            id: fault.id,
            action: fault.spec.action.clone(),
        };
        if let Some(times) = &mut fault.spec.times {
            *times = times.saturating_sub(1);
            if *times == 0 {
                self.entries.remove(index);
            }
        }
        Some(strike)
    }

    /// Clock seconds by which this list is late.
    pub fn list_lag(&self, target: &Target) -> Option<f64> {
        let fitting = self.entries.iter().filter(|fault| fault.spec.route.fits(target));
        fitting
            .filter_map(|fault| fault.spec.action.list_lag)
            .map(|lag| lag.seconds)
            .reduce(f64::max)
    }

    /// The failure planned for the next entity of a kind in a resource.
    pub fn take_planned_failure(&mut self, resource: &str, kind: &str) -> Option<EntityError> {
        let index = self.entries.iter().position(|fault| {
            let fits_kind = fault
                .spec
                .action
                .fail_next
                .as_ref()
                .is_some_and(|fail| fail.kind == kind);
            fits_kind
                && fault
                    .spec
                    .route
                    .resource
                    .as_ref()
                    .is_none_or(|wanted| wanted == resource)
        })?;
        let fail = self.entries.get_mut(index)?.spec.action.fail_next.as_mut()?;
        let error = EntityError {
            code: fail.code.clone(),
            message: fail.message.clone(),
        };
        fail.count = fail.count.saturating_sub(1);
        if fail.count == 0 {
            self.entries.remove(index);
        }
        Some(error)
    }
}

/// The next random number between 0 and 1 (SplitMix64), so that a seed repeats a run.
fn roll(state: &mut u64) -> f64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^= mixed >> 31;
    // 53 bits fit a double exactly.
    (mixed >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn spec(value: Value) -> FaultSpec {
        serde_json::from_value(value).unwrap()
    }

    fn target(method: &str, path: &str, operation: &'static str) -> Target {
        Target {
            resource: "west".to_owned(),
            method: method.to_owned(),
            path: path.to_owned(),
            operation,
        }
    }

    #[test]
    fn a_fault_strikes_only_its_route_and_only_so_often() {
        let mut faults = Faults::default();
        faults.add(spec(
            json!({ "route": { "method": "POST", "path": "/endpoints" }, "action": { "status": 503 }, "times": 2 }),
        ));
        assert_eq!(faults.strike(&target("GET", "/endpoints", "Endpoints_List")), None);
        let create = target("POST", "/endpoints", "Endpoints_Create");
        assert!(faults.strike(&create).is_some());
        assert!(faults.strike(&create).is_some());
        assert_eq!(faults.strike(&create), None);
    }

    #[test]
    fn a_path_without_a_slash_is_an_operation_and_may_have_stars() {
        let route = RouteMatch {
            path: Some("Endpoints_*".to_owned()),
            ..RouteMatch::default()
        };
        assert!(route.fits(&target("GET", "/endpoints", "Endpoints_List")));
        assert!(!route.fits(&target("GET", "/models", "Models_ListCustomModels")));
        let route = RouteMatch {
            path: Some("/models/*:copy".to_owned()),
            ..RouteMatch::default()
        };
        assert!(route.fits(&target("POST", "/models/7:copy", "Models_Copy")));
    }

    #[test]
    fn a_seed_repeats_the_same_run_of_chances() {
        let run = || {
            let mut faults = Faults::default();
            faults.add(spec(
                json!({ "action": { "status": 500 }, "probability": 0.5, "seed": 7 }),
            ));
            (0..200)
                .map(|_| faults.strike(&Target::default()).is_some())
                .collect::<Vec<_>>()
        };
        let hits = run().into_iter().filter(|hit| *hit).count();
        assert_eq!(run(), run());
        assert!((60..140).contains(&hits), "{hits}");
    }
}
