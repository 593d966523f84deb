//! What is measured of the Speech resources, and of what happened to objects.
use super::planned::{key_of, ready, seconds};
use crate::{
    controller::{Context, remote::Remote},
    metrics::{
        Metrics, catalogue,
        series::{Row, write},
    },
};
use kube::{ResourceExt, runtime::reflector::ObjectRef};
use prometheus_client::encoding::DescriptorEncoder;
use speech_api::SpeechConnection;
use speech_plan::{Scope, view::View};
use speech_service::entity::OwnerTag;
use std::{collections::HashSet, fmt, sync::Arc};

type Connected = (ObjectRef<SpeechConnection>, Arc<Remote>);

/// Writes what is known of all connections.
pub fn write_all(encoder: &mut DescriptorEncoder<'_>, metrics: &Metrics, context: &Context) -> fmt::Result {
    let connections = context.stores.connections.state();
    let ready = connections
        .iter()
        .filter_map(|connection| ready(&key_of(&**connection), &connection.status.as_ref()?.conditions));
    write(encoder, &catalogue::CONNECTION_READY, ready)?;
    let declared = Declared::of(context);
    let remotes = context.remotes.all();
    metrics.forget_sweeps(&remotes.iter().map(|(key, _)| key).collect());
    let mut one = |definition, value: &dyn Fn(&Connected) -> Option<f64>| {
        let rows = remotes
            .iter()
            .filter_map(|connected| Some((key(connected, None), value(connected)?)));
        write(encoder, definition, rows)
    };
    let swept = |(key, _): &Connected| metrics.sweep(key);
    one(&catalogue::CONNECTION_SWEPT, &|one| {
        Some(seconds(swept(one)?.whole_at?))
    })?;
    one(&catalogue::CONNECTION_SWEEP_TIME, &|one| {
        Some(swept(one)?.took.as_secs_f64())
    })?;
    one(&catalogue::CONNECTION_BUDGET_USED, &|(_, remote)| {
        let usage = remote.budget.usage();
        Some(f64::from(usage.in_window) / f64::from(usage.limit.max(1)))
    })?;
    one(&catalogue::CONNECTION_BUDGET, &|(_, remote)| {
        Some(f64::from(remote.budget.usage().limit))
    })?;
    one(&catalogue::CONNECTION_BUDGET_LEFT, &|(_, remote)| {
        Some(f64::from(remote.budget.usage().effective_limit))
    })?;
    one(&catalogue::CONNECTION_WAITING, &|(_, remote)| {
        Some(number(remote.budget.usage().waiting))
    })?;
    one(&catalogue::CONNECTION_THROTTLED, &|(_, remote)| {
        Some(f64::from(u8::from(remote.budget.usage().is_throttled)))
    })?;
    one(&catalogue::CONNECTION_DELETIONS_HELD, &|(_, remote)| {
        Some(number(remote.agenda().guard.held().map_or(0, |held| held.entities)))
    })?;
    one(&catalogue::CONNECTION_SKEW, &|(_, remote)| {
        Some(remote.meter.ahead()?.as_secs_f64())
    })?;
    let entities = remotes.iter().flat_map(|connected| {
        let view = connected.1.view();
        let known = view
            .is_complete()
            .then(|| [("endpoint", view.endpoints.len()), ("model", view.models.len())]);
        let row = |(kind, count)| (key(connected, Some(kind)), number(count));
        known.into_iter().flatten().map(row).collect::<Vec<Row>>()
    });
    write(encoder, &catalogue::CONNECTION_ENTITIES, entities)?;
    let orphans = remotes.iter().flat_map(|connected| {
        let counts = declared
            .orphans(&connected.1.view())
            .into_iter()
            .filter(|(_, count)| *count > 0);
        let row = |(kind, count)| (key(connected, Some(kind)), number(count));
        counts.map(row).collect::<Vec<Row>>()
    });
    write(encoder, &catalogue::CONNECTION_ORPHANS, orphans)?;
    let mut there = declared.names.clone();
    there.extend(connections.iter().map(|connection| {
        let namespace = connection.namespace().unwrap_or_default();
        ("SpeechConnection".to_owned(), namespace, connection.name_any())
    }));
    write(encoder, &catalogue::CLUSTER_REFUSED, metrics.refusals(&there))?;
    write(encoder, &catalogue::DRIFT, metrics.drift(&declared.uids))
}

fn key((connection, _): &Connected, more: Option<&str>) -> Vec<String> {
    let key = [
        connection.namespace.clone().unwrap_or_default(),
        connection.name.clone(),
    ];
    key.into_iter().chain(more.map(str::to_owned)).collect()
}

fn number(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

/// What the cluster declares.
struct Declared<'a> {
    cluster: &'a str,
    scope: &'a Scope,
    uids: HashSet<String>,
    /// Kind, namespace and name.
    names: HashSet<(String, String, String)>,
}

impl<'a> Declared<'a> {
    fn of(context: &'a Context) -> Self {
        let mut declared = Self {
            cluster: &context.cluster,
            scope: &context.scope,
            uids: HashSet::new(),
            names: HashSet::new(),
        };
        context
            .stores
            .endpoints
            .state()
            .iter()
            .for_each(|one| declared.note("SpeechEndpoint", &**one));
        context
            .stores
            .models
            .state()
            .iter()
            .for_each(|one| declared.note("SpeechModel", &**one));
        declared
    }

    fn note(&mut self, kind: &str, object: &impl ResourceExt) {
        self.uids.extend(object.uid());
        let namespace = object.namespace().unwrap_or_default();
        self.names.insert((kind.to_owned(), namespace, object.name_any()));
    }

    /// How many entities bear the mark of this cluster and belong to no object, by type. What a new object of the same name
    /// may take over is none of them.
    fn orphans(&self, view: &View) -> [(&'static str, usize); 2] {
        let endpoints = view
            .endpoints
            .iter()
            .filter_map(|entry| entry.entity.header.owner.as_ref());
        let models = view
            .models
            .iter()
            .filter_map(|entry| entry.entity.header.owner.as_ref());
        [
            (
                "endpoint",
                endpoints.filter(|tag| self.lacks("SpeechEndpoint", tag)).count(),
            ),
            ("model", models.filter(|tag| self.lacks("SpeechModel", tag)).count()),
        ]
    }

    fn lacks(&self, kind: &str, tag: &OwnerTag) -> bool {
        let (namespace, name) = tag.object.split_once('/').unwrap_or_default();
        let named = (kind.to_owned(), namespace.to_owned(), name.to_owned());
        let seen = tag.cluster == self.cluster && self.scope.sees(tag);
        seen && !self.uids.contains(&tag.uid) && !self.names.contains(&named)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_that_is_made_anew_knows_nothing_of_the_sweeps_before() {
        let metrics = Metrics::new();
        let [gone, there] = ["gone", "there"].map(|name| ObjectRef::<SpeechConnection>::new(name).within("shop"));
        for key in [&gone, &there] {
            metrics.swept_whole(key, jiff::Timestamp::UNIX_EPOCH);
        }
        metrics.forget_sweeps(&HashSet::from([&there]));
        assert!(metrics.sweep(&gone).is_none());
        assert!(metrics.sweep(&there).is_some_and(|sweep| sweep.whole_at.is_some()));
    }

    #[test]
    fn an_orphan_bears_the_mark_of_this_cluster_and_scope_and_of_no_object_that_is_there() {
        let named = ("SpeechEndpoint".to_owned(), "shop".to_owned(), "hotline".to_owned());
        let declared = Declared {
            cluster: "here",
            scope: &Scope::of(["shop".to_owned()]),
            uids: ["u1".to_owned()].into(),
            names: [named].into(),
        };
        for (cluster, uid, object, expected) in [
            ("here", "u1", "shop/old-name", false),
            ("here", "u2", "shop/gone", true),
            ("here", "u2", "shop/hotline", false),
            ("elsewhere", "u2", "shop/gone", false),
            ("here", "u2", "bank/unseen", false),
        ] {
            let tag = OwnerTag {
                uid: uid.to_owned(),
                object: object.to_owned(),
                cluster: cluster.to_owned(),
                attempt: 1,
                revision: None,
                inputs: None,
            };
            assert_eq!(
                declared.lacks("SpeechEndpoint", &tag),
                expected,
                "{cluster} {uid} {object}"
            );
        }
    }
}
