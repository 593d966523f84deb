//! What the kinds share: reasons, notices, conditions, exports.
use super::{export, notice, report, testing::*, verdict::Verdict};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use speech_api::{
    Reason, SpeechEndpointStatus, SpeechModelStatus,
    condition::{self, stamp},
};

#[path = "../../../tests/harness/argo_cd.rs"]
pub mod argo_cd;

/// Reasons that only the controller knows: what a contact with the service showed.
const OF_THE_CONTROLLER: [Reason; 16] = [
    Reason::CredentialInvalid,
    Reason::PermissionDenied,
    Reason::ServiceAccountNotFound,
    Reason::TokenRequestDenied,
    Reason::TokenRefused,
    Reason::AuthorityUnavailable,
    Reason::HostNotFound,
    Reason::TlsFailed,
    Reason::Unreachable,
    Reason::NotASpeechResource,
    Reason::DifferentResource,
    Reason::ApiVersionUnsupported,
    Reason::Throttled,
    Reason::VersionRetires,
    Reason::ResourceIsShared,
    Reason::ServiceUnavailable,
];

/// The tables, whose lines are compared with what the plans say.
const TABLES: &str = concat!(
    include_str!("connection/tests.rs"),
    include_str!("connection/tests/identity.rs"),
    include_str!("connection/tests/link.rs"),
    include_str!("endpoint/tests/choice.rs"),
    include_str!("endpoint/tests/rollout.rs"),
    include_str!("endpoint/tests/creation.rs"),
    include_str!("endpoint/tests/contest.rs"),
    include_str!("endpoint/tests/deletion.rs"),
    include_str!("endpoint/tests/gate.rs"),
    include_str!("endpoint/tests/gate/dataset.rs"),
    include_str!("endpoint/tests/gate/failures.rs"),
    include_str!("endpoint/tests/identity.rs"),
    include_str!("endpoint/tests/forecast.rs"),
    include_str!("endpoint/tests/quarantine.rs"),
    include_str!("endpoint/tests/selector.rs"),
    include_str!("endpoint/tests/swap.rs"),
    include_str!("endpoint/tests/timing.rs"),
    include_str!("endpoint/tests/unheeded.rs"),
    include_str!("model/tests/copy.rs"),
    include_str!("model/tests/copy/obstacles.rs"),
    include_str!("model/tests/dataset.rs"),
    include_str!("model/tests/deletion.rs"),
    include_str!("model/tests/follow.rs"),
    include_str!("model/tests/training.rs"),
    include_str!("model/tests/unheeded.rs"),
    include_str!("guard/tests.rs"),
    include_str!("report.rs"),
    include_str!("risk.rs"),
);

#[test]
fn every_reason_is_given_by_some_case_or_by_the_controller() {
    let mut words = TABLES.split(|c: char| !c.is_ascii_alphanumeric()).collect::<Vec<_>>();
    words.sort_unstable();
    for reason in Reason::ALL {
        let in_tables = words.binary_search(&reason.as_str()).is_ok();
        let listed = OF_THE_CONTROLLER.contains(reason);
        assert!(in_tables || listed, "no case for {}", reason.as_str());
    }
}

fn conditions(verdict: &Verdict, before: &[Condition]) -> Vec<Condition> {
    stamp(before, report::statements(verdict, None), 1, at(NOW))
}

#[test]
fn a_verdict_becomes_conditions_as_kstatus_reads_them() {
    let said = |verdict: &Verdict, meanwhile| said(&stamp(&[], report::statements(verdict, meanwhile), 1, at(NOW)));
    let meanwhile = |ready| {
        Some(report::Meanwhile {
            ready,
            reason: if ready {
                Reason::Serving
            } else {
                Reason::BaseModelAnswers
            },
            message: String::new(),
        })
    };
    let done = Verdict::done(Reason::Serving, "");
    let working = Verdict::working(Reason::Swapping, "");
    let stalled = Verdict::stalled(Reason::Refused, "");
    assert_eq!(said(&done, meanwhile(false)), "Ready=True Serving");
    assert_eq!(said(&working, None), "Ready=False Swapping, Reconciling Swapping");
    assert_eq!(
        said(&working, meanwhile(true)),
        "Ready=True Serving, Reconciling Swapping"
    );
    assert_eq!(
        said(&working, meanwhile(false)),
        "Ready=False BaseModelAnswers, Reconciling Swapping"
    );
    assert_eq!(said(&stalled, meanwhile(true)), "Ready=False Refused, Stalled Refused");
}

#[test]
fn only_transitions_are_told() {
    let none = Vec::new();
    let ready = conditions(&Verdict::done(Reason::Serving, "m"), &none);
    let rests = conditions(&Verdict::done(Reason::Suspended, "m"), &ready);
    let works = conditions(&Verdict::working(Reason::Swapping, "m"), &ready);
    let fails = conditions(&Verdict::working(Reason::TrainingFailed, "m"), &ready);
    let refused = conditions(&Verdict::stalled(Reason::Refused, "m"), &ready);
    let missing = conditions(&Verdict::stalled(Reason::ModelNotFound, "m"), &refused);
    for (name, before, after, expected) in [
        ("becoming ready", &none, &ready, vec![(false, Reason::Serving)]),
        ("staying ready", &ready, &ready, vec![]),
        ("ready for another reason", &ready, &rests, vec![]),
        ("beginning to work", &ready, &works, vec![]),
        ("trouble at work", &works, &fails, vec![(true, Reason::TrainingFailed)]),
        ("the same trouble", &fails, &fails, vec![]),
        ("stalling", &works, &refused, vec![(true, Reason::Refused)]),
        (
            "stalling for another reason",
            &refused,
            &missing,
            vec![(true, Reason::ModelNotFound)],
        ),
        ("stalled as before", &missing, &missing, vec![]),
        ("ready again", &missing, &ready, vec![(false, Reason::Serving)]),
    ] {
        let told: Vec<_> = notice::of_conditions(before, after)
            .iter()
            .map(|n| (n.warning, n.reason))
            .collect();
        assert_eq!(told, expected, "{name}");
    }
    assert!(notice::was_settled(&ready, 1, 1) && !notice::was_settled(&ready, 1, 2));
    assert!(!notice::was_settled(&works, 1, 1) && !notice::was_settled(&none, 1, 1));
    assert!(condition::is_true(&ready, "Ready"));
}

#[test]
fn an_endpoint_publishes_what_applications_need_once_it_has_an_id() {
    let wanted = endpoint("model: {base: {}}\nexportTo: {configMap: {name: hotline}}");
    let mut status = SpeechEndpointStatus::default();
    assert_eq!(export::of_endpoint(&wanted, &status), None, "no id yet");
    status = serde_json::from_value(serde_json::json!({
        "id": id(1).to_string(), "self": "s", "links": {"webSocket": "wss://x"},
        "active": {"model": id(2).to_string(), "name": "n", "expiresAt": LATER, "since": NOW}
    }))
    .unwrap();
    assert_eq!(
        export::of_endpoint(&endpoint("model: {base: {}}"), &status),
        None,
        "not wanted"
    );
    let export = export::of_endpoint(&wanted, &status).unwrap();
    let data: Vec<_> = export
        .data
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    assert_eq!(export.name, "hotline");
    assert_eq!(
        data,
        [
            &format!("endpointId={}", id(1)),
            "endpointUri=s",
            "locale=en-US",
            &format!("modelExpiresAt={LATER}"),
            &format!("modelId={}", id(2)),
            "modelName=n",
            "webSocketUrl=wss://x"
        ]
    );
}

#[test]
fn a_model_publishes_its_current_revision() {
    let wanted = model("source: {base: {}}\nexportTo: {configMap: {name: hotline}}");
    assert_eq!(
        export::of_model(&wanted, &SpeechModelStatus::default()),
        None,
        "none yet"
    );
    let status = model_with_current(3).status.unwrap();
    let data = export::of_model(&wanted, &status).unwrap().data;
    assert_eq!(
        data.keys().collect::<Vec<_>>(),
        ["locale", "modelId", "modelName", "modelUri"],
        "no expiry is known"
    );
    assert_eq!(
        export::of_model(&model("source: {base: {}}"), &status),
        None,
        "not wanted"
    );
}

#[test]
fn dates_are_never_told_later_than_they_are() {
    use super::text::{after, day_time, whole_seconds};
    assert_eq!(whole_seconds(at("2026-04-15T10:31:59.9Z")), at("2026-04-15T10:31:59Z"));
    assert_eq!(day_time(at("2026-04-15T10:31:59.9Z")), "2026-04-15 10:31 UTC");
    assert_eq!(after(jiff::Timestamp::MAX, minutes(1)), jiff::Timestamp::MAX);
}
