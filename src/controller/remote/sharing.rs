//! Several connections to one Speech resource: they are found out, and draw on one request budget.
use super::{Remote, Remotes};
use kube::runtime::reflector::ObjectRef;
use speech_api::SpeechConnection;
use speech_plan::{
    connection::{Draws, Peer, Sharing, draws},
    view::View,
};
use speech_service::entity::Header;
use std::sync::{Arc, PoisonError, RwLock};

/// What a connection knows of those that lead to the same Speech resource.
#[derive(Debug, Default)]
pub(super) struct Peers(RwLock<Vec<ObjectRef<SpeechConnection>>>);

impl Remote {
    /// Which other connections lead to the same Speech resource, as far as readers of this one may know.
    pub fn sharing(&self, key: &ObjectRef<SpeechConnection>) -> Sharing {
        let peers = self.peers();
        let names = peers.iter().map(|peer| (peer.namespace.as_deref(), &*peer.name));
        Sharing::of(key.namespace.as_deref(), names)
    }

    /// The other connections to the same Speech resource.
    pub fn peers(&self) -> Vec<ObjectRef<SpeechConnection>> {
        self.peers.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Remotes {
    /// Looks for other connections to the Speech resource of this one; tells whether that is news.
    pub fn look_for_peers(&self, key: &ObjectRef<SpeechConnection>) -> bool {
        let all = self.all();
        let Some((_, own)) = all.iter().find(|(other, _)| other == key) else {
            return false;
        };
        let others = all.iter().filter(|(other, _)| other != key);
        let mut found: Vec<_> = others
            .filter(|(_, remote)| is_same(own, remote))
            .map(|(other, _)| other.clone())
            .collect();
        found.sort_by_key(order);
        let mut peers = own.peers.0.write().unwrap_or_else(PoisonError::into_inner);
        let is_news = *peers != found;
        *peers = found;
        drop(peers);
        self.settle_budget(key);
        is_news
    }

    /// Lets a connection draw on the budget that it shares with its peers.
    pub fn settle_budget(&self, key: &ObjectRef<SpeechConnection>) {
        let Some(own) = self.get(key) else { return };
        let peer = |key: ObjectRef<SpeechConnection>| {
            let remote = self.get(&key)?;
            Some(Peer {
                place: order(&key),
                rate: remote.rate(),
                budget: Arc::clone(&remote.budget),
            })
        };
        let peers: Vec<_> = own.peers().into_iter().filter_map(peer).collect();
        match draws(&order(key), own.rate(), &peers) {
            Draws::On(budget) => own.budget.join(Some(Arc::clone(budget))),
            Draws::Own((requests, per)) => {
                own.budget.join(None);
                own.budget.reconfigure(requests, per);
            }
        }
    }
}

fn order(key: &ObjectRef<SpeechConnection>) -> (Option<String>, String) {
    (key.namespace.clone(), key.name.clone())
}

/// By the same address and key, or because both show an entity that no other resource has.
fn is_same(one: &Remote, other: &Remote) -> bool {
    let (Some(first), Some(second)) = (one.link(), other.link()) else {
        return false;
    };
    first.client.reaches_as(&second.client) || show_the_same(&one.view(), &other.view())
}

fn show_the_same(one: &View, other: &View) -> bool {
    let has = |found: Option<&Header>, header: &Header| found.is_some_and(|found| is_one(found, header));
    let endpoint = one.endpoints.iter().any(|entry| {
        let header = &entry.entity.header;
        has(other.endpoints.get(header.id).map(|entry| &entry.entity.header), header)
    });
    let model = || {
        one.models.iter().any(|entry| {
            let header = &entry.entity.header;
            has(other.models.get(header.id).map(|entry| &entry.entity.header), header)
        })
    };
    endpoint || model()
}

/// The id alone is not enough for what holds seeds and copies; the service says where an entity is, whoever asks and in
/// whatever version.
fn is_one(one: &Header, other: &Header) -> bool {
    let place = |header: &Header| header.self_uri.split("/speechtotext").next().map(str::to_owned);
    one.id == other.id && place(one) == place(other)
}
