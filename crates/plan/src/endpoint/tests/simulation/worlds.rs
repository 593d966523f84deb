//! Random worlds, and what happens in them.
use super::*;
use speech_api::annotation::{APPROVED_MODEL, CLEAR_QUARANTINE};

pub const SPECS: [&str; 17] = [
    "model: {base: {}}",
    "model: {base: {id: 00000000-0000-0000-0000-000000000001}}",
    "model: {id: 00000000-0000-0000-0000-000000000003}",
    "model: {ref: {name: m}}",
    "model: {ref: {name: m}}\nloggingEnabled: true\ndescription: words",
    "model: {base: {}}\nsuspend: true",
    "model: {ref: {name: m}}\ndeletionPolicy: Retain",
    "model: {base: {}}\nmanagementPolicy: Observe",
    "model: {ref: {name: m}}\ndisplayName: other",
    "model: {ref: {name: m}}\nrecreate: WhenDeleted",
    "model: {base: {}}\nswap: {policy: BeforeExpiry}\nrecreate: WhenDeleted",
    "model: {ref: {name: m}}\nswap: {policy: Manual}",
    "model: {base: {}}\nswap: {approval: Required}",
    "model: {ref: {name: m}}\nswap: {windows: [{kind: Allow, days: [Sat, Sun]}]}",
    "model: {selector: {matchLabels: {team: claims}}, exclude: [00000000-0000-0000-0000-000000000004]}",
    "model: {ref: {name: m}}\nswap: {gate: {evaluation: {dataset: 00000000-0000-0000-0000-000000000005, maxWordErrorRate: 0.15}}}",
    "model: {base: {}}\nswap: {gate: {onDeadline: Promote, evaluation: {dataset: 00000000-0000-0000-0000-000000000005, maxRegression: 0.01, minWords: 1000}}}",
];

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        4 => Just(Fate::Answered),
        1 => Just(Fate::Crash),
        1 => Just(Fate::Void),
        // Whatever takes effect does so within the grace.
        2 => (0i64..119).prop_map(Fate::Lost),
        1 => Just(Fate::Failed(FailureClass::Refused)),
        1 => Just(Fate::Failed(FailureClass::Quota)),
        1 => Just(Fate::Failed(FailureClass::Transient { retry_after: None })),
    ]
}

pub fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        8 => fate().prop_map(Event::Reconcile),
        3 => Just(Event::Sweep),
        1 => Just(Event::Restart),
        1 => any::<(bool, bool, bool)>().prop_map(|(works, seen, usable)| Event::Link(works, seen, usable)),
        2 => any::<bool>().prop_map(Event::Progress),
        3 => (1i64..200).prop_map(Event::Advance),
        1 => (86_400i64..10_000_000).prop_map(Event::Advance),
        1 => (0..SPECS.len()).prop_map(Event::Edit),
        1 => (3u128..5).prop_map(Event::Current),
        1 => (0u8..4).prop_map(Event::Drift),
        1 => (5u128..8).prop_map(Event::NewBase),
        1 => Just(Event::Vanish),
        1 => (1u128..8).prop_map(|n| Event::Annotate(APPROVED_MODEL, id(n).to_string())),
        1 => (0u8..9).prop_map(|n| Event::Annotate(CLEAR_QUARANTINE, format!("all {n}"))),
    ]
}

fn custom(n: u128) -> impl Strategy<Value = CustomModel> {
    let expires = prop::sample::select(vec![
        "",
        "2026-02-01T00:00:00Z",
        "2026-04-15T00:00:00Z",
        "2026-07-15T00:00:00Z",
        LATER,
    ]);
    let state = prop::sample::select(vec![
        Status::Succeeded,
        Status::Succeeded,
        Status::Succeeded,
        Status::Failed,
    ]);
    (expires, state, prop::bool::weighted(0.9), prop::bool::weighted(0.9)).prop_map(
        move |(expires, state, fits, here)| {
            with(custom_model(n, expires), |m| {
                m.header.status = state;
                m.supports_endpoints = Some(fits);
                m.header.locale = if here { "en-US" } else { "de-DE" }.into();
            })
        },
    )
}

fn standing() -> impl Strategy<Value = Option<Endpoint>> {
    let owner = prop::sample::select(vec![None, Some(tag("another", 1)), Some(tag(UID, 0))]);
    prop::option::of((owner, any::<bool>()).prop_map(|(owner, good)| {
        with(remote(10, base_id(1)), |e| {
            e.header.owner = owner.map(Arc::new);
            put_state(
                &mut e.header,
                if good { Status::Succeeded } else { Status::Failed },
                at(NOW),
            );
        })
    }))
}

/// An endpoint that serves model 3 behind a gate, while model 4 is to follow.
pub fn gated_life() -> impl Strategy<Value = Life> {
    (15..17_usize).prop_map(|spec| {
        let mut life = gated();
        if spec == 16 {
            life.case.edit("model: {ref: {name: m}}\nswap: {gate: {onDeadline: NewestBase, evaluation: {dataset: 00000000-0000-0000-0000-000000000005, maxWordErrorRate: 0.2}}}");
        }
        life
    })
}

pub fn life() -> impl Strategy<Value = Life> {
    let deps = (0..SPECS.len(), any::<bool>(), standing(), custom(3), custom(4));
    deps.prop_map(|(spec, adopt, remote, first, second)| {
        Life::new(spec, adopt, remote.filter(|_| adopt), [first, second])
    })
}

impl std::fmt::Debug for Life {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{:?} {:?} {:?}",
            self.case.object.spec, self.service, self.case.world.view.models
        )
    }
}

/// An endpoint with a gate that serves, and a newer model that has to pass it.
pub fn gated() -> Life {
    let later = custom_model(4, LATER);
    let mut life = Life::new(15, false, None, [custom_model(3, "2026-09-01T00:00:00Z"), later]);
    life.settle();
    life.case.model = Some(model_with_current(4));
    life
}
