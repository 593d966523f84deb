//! What a model's plan says, case by case, and what holds in every world.
mod contest;
mod copy;
mod dataset;
mod deletion;
mod deployable;
mod ending;
mod follow;
mod health;
mod lead_time;
mod obstructed;
mod predecessor;
mod renewal;
mod rules;
mod simulation;
mod training;
mod turn;
mod unheeded;
mod unlisted;
mod vanish;

use super::{
    Refusal, Related, Snapshot, Source, plan,
    revision::{Inputs, Revision},
    told::Told,
};
use crate::{Plan, Surroundings, testing::*};
use speech_api::{SpeechModel, SpeechModelStatus, decision::RuleName};

pub type Case = crate::testing::Case<SpeechModel>;

/// Trains from dataset 50.
pub const TRAINING: &str = "source: {training: {datasets: [00000000-0000-0000-0000-000000000032]}}";

/// The fingerprint of a spec.
pub fn print_of(spec: &str) -> String {
    let spec = model(spec).spec;
    Inputs::parse(&spec.source.training.unwrap(), spec.project.as_deref())
        .unwrap()
        .fingerprint()
}

/// What a model is copied from, who follows it, and who refused its revisions.
#[derive(Default)]
pub struct Relations {
    pub source: Option<Source>,
    pub refusals: Vec<Refusal>,
    pub follower: Option<&'static str>,
}

impl Kind for SpeechModel {
    type Related = Relations;

    fn chain() -> Vec<RuleName> {
        super::chain()
    }

    fn declare(spec: &str) -> Self {
        model(spec)
    }

    fn take_spec(&mut self, from: Self) {
        self.spec = from.spec;
    }

    fn plan(&self, related: &Relations, around: Surroundings<'_>) -> Plan<SpeechModelStatus> {
        plan(&Snapshot {
            object: self,
            related: Related {
                source: related.source.as_ref(),
                refusals: &related.refusals,
                follower: related.follower,
            },
            around,
        })
    }
}

#[test]
fn of_two_models_with_one_number_the_recorded_one_counts() {
    use speech_service::entity::Status;
    let world = World::new()
        .custom(with(revision(20, 1, "x", Status::Running), |m| {
            m.header.created_at = at(NOW)
        }))
        .custom(revision(21, 1, "x", Status::Running));
    let case = Case::new(world, model(TRAINING));
    let snapshot = Snapshot {
        object: &case.object,
        related: Related {
            source: None,
            refusals: &[],
            follower: None,
        },
        around: case.world.around(),
    };
    let all = super::revision::all(&snapshot, &case.world.view, &Told::default());
    let numbers = |line: &[Revision<'_>]| line.iter().map(|r| number(r.id())).collect::<Vec<_>>();
    assert_eq!(numbers(&all), [21, 20], "by creation, the attempts being equal");
    let line = super::revision::line(&all, &Told::default());
    assert_eq!(
        (numbers(&line), numbers(&super::revision::twins(&all, &line))),
        (vec![20], vec![21])
    );
    let status: SpeechModelStatus = serde_json::from_value(serde_json::json!({
        "candidate": {"revision": 1, "id": id(21).to_string(), "state": "Running", "startedAt": NOW}
    }))
    .unwrap();
    let told = Told::read(Some(&status));
    assert_eq!(numbers(&super::revision::line(&all, &told)), [21]);
}
