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

pub fn event() -> impl Strategy<Value = crate::testing::Event<Event>> {
    let other = prop_oneof![
        any::<(bool, bool, bool)>().prop_map(|(works, seen, usable)| Event::Link(works, seen, usable)),
        (86_400i64..10_000_000).prop_map(Event::Leap),
        (0..SPECS.len()).prop_map(Event::Edit),
        (3u128..5).prop_map(Event::Current),
        (0u8..4).prop_map(Event::Drift),
        (5u128..8).prop_map(Event::NewBase),
        Just(Event::Vanish),
        (1u128..8).prop_map(|n| Event::Annotate(APPROVED_MODEL, id(n).to_string())),
        (0u8..9).prop_map(|n| Event::Annotate(CLEAR_QUARANTINE, format!("all {n}"))),
    ];
    crate::testing::event(1..200, 9, other)
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
    deps.prop_map(|(spec, adopt, remote, first, second)| new(spec, adopt, remote.filter(|_| adopt), [first, second]))
}

pub fn new(spec: usize, adopt: bool, remote: Option<Endpoint>, customs: [CustomModel; 2]) -> Life {
    let [first, second] = customs;
    let world = World::new()
        .base(base_model(2, "2026-06-01T00:00:00Z"))
        .custom(first)
        .custom(second)
        .dataset(dataset(5));
    let mut object = endpoint(SPECS[spec]);
    if adopt {
        object.spec.adopt = Some(speech_api::reference::EntityRef { id: id(10).to_string() });
    }
    let case = Case::new(world, object).with(|c| c.related.model = Some(model_with_current(3)));
    let service = Remotes {
        endpoints: remote.into_iter().collect(),
        ..Remotes::default()
    };
    Life::new(case, service)
}

/// An endpoint with a gate that serves, and a newer model that has to pass it.
pub fn gated() -> Life {
    let later = custom_model(4, LATER);
    let mut life = new(15, false, None, [custom_model(3, "2026-09-01T00:00:00Z"), later]);
    life.settle(|_| false);
    life.case.related.model = Some(model_with_current(4));
    life
}
