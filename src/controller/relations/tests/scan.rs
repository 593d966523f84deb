//! Every question, answered by the index and by a look at all objects.
use super::world::{IDS, NAMES, NAMESPACES, UIDS, endpoint, model, one};
use crate::controller::{
    Context,
    references::{connection_of, is_copy_of, refers_to, source_key, wanted},
    relations::lead_to_one_resource,
    store::{Indexed, Store},
    testing::Parts,
    wake,
};
use kube::{Resource, ResourceExt, runtime::reflector::ObjectRef};
use proptest::{prop_assert_eq, test_runner::TestCaseError};
use speech_api::{SpeechConnection, SpeechEndpoint, SpeechModel, Subject, reference::ConnectionRef};
use speech_fuzz::Chance;
use speech_plan::{
    Scope, claim, evaluation,
    relations::{
        claimed_id, concerns_endpoint, concerns_gate, concerns_model, datasets_of, has_history, means, owners_of,
    },
    testing::{CLUSTER, World, at, base_id, custom_id, custom_model, id, remote, tag, with},
    view::{Changes, View},
};
use speech_resource::Resource as SpeechResource;
use speech_service::{EntityId, entity::OwnerTag};
use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::Arc,
};

/// By question: what was found by the index, and what by looking at all.
type Answers = BTreeMap<&'static str, [Vec<String>; 2]>;

/// Asks everything of some objects.
pub fn ask(parts: &mut Parts, seed: u64) -> Result<(), TestCaseError> {
    for (question, [found, scanned]) in answers(parts, seed) {
        prop_assert_eq!(found, scanned, "{}", question);
    }
    Ok(())
}

/// The questions to which the answer is: nothing.
pub fn unanswered(parts: &mut Parts, seed: u64) -> BTreeSet<&'static str> {
    let answers = answers(parts, seed).into_iter();
    let empty = answers.filter(|(_, [found, _])| found.is_empty());
    empty.map(|(question, _)| question).collect()
}

fn answers(parts: &mut Parts, seed: u64) -> Answers {
    let chance = &mut Chance::new(seed);
    let mut answers = Answers::new();
    of_subjects(&mut answers, &parts.context.stores.models, chance);
    of_subjects(&mut answers, &parts.context.stores.endpoints, chance);
    of_endpoints(&mut answers, &parts.context, chance);
    of_models(&mut answers, &parts.context, chance);
    of_connections(&mut answers, &parts.context, chance);
    of_wakes(&mut answers, parts, chance);
    answers
}

fn names<K: Resource>(objects: &[Arc<K>]) -> Vec<String> {
    let name = |object: &Arc<K>| format!("{}/{}", object.namespace().unwrap_or_default(), object.name_any());
    let mut names: Vec<String> = objects.iter().map(name).collect();
    names.sort();
    names
}

/// Compares an answer with a scan by the same condition as before there was an index.
fn note<K>(answers: &mut Answers, question: &'static str, store: &Store<K>, found: &[Arc<K>], scan: impl Fn(&K) -> bool)
where
    K: Indexed,
{
    let mut scanned = store.state();
    scanned.retain(|object| scan(object));
    answers.insert(question, [names(found), names(&scanned)]);
}

fn some_connection(chance: &mut Chance) -> ObjectRef<SpeechConnection> {
    ObjectRef::new(one(chance, &NAMES)).within(one(chance, &NAMESPACES))
}

fn some_id(chance: &mut Chance) -> EntityId {
    id(*chance.pick(&IDS).unwrap())
}

fn of_subjects<K>(answers: &mut Answers, store: &Store<K>, chance: &mut Chance)
where
    K: Subject + Indexed,
{
    let of_models = K::kind(&()) == "SpeechModel";
    let said = |of_model, of_endpoint| if of_models { of_model } else { of_endpoint };
    let key = some_connection(chance);
    let leaves = |object: &K| object.meta().deletion_timestamp.is_some();
    let question = said("models of", "endpoints of");
    note(answers, question, store, &store.of(&key), |object| {
        refers_to(object, &key)
    });
    let question = said("models leaving from", "endpoints leaving from");
    note(answers, question, store, &store.leaving_from(&key), |object| {
        leaves(object) && refers_to(object, &key)
    });
    let question = said("models leaving", "endpoints leaving");
    note(answers, question, store, &store.leaving(), leaves);
    let uids = [0, 1].map(|_| one(chance, &UIDS).to_owned());
    let question = said("models with uids", "endpoints with uids");
    note(answers, question, store, &store.with_uids(&uids), |object| {
        object.meta().uid.as_ref().is_some_and(|uid| uids.contains(uid))
    });
    let (namespace, map) = (one(chance, &NAMESPACES), one(chance, &NAMES));
    let question = said("models exporting", "endpoints exporting");
    note(
        answers,
        question,
        store,
        &store.exporting_to(namespace, map),
        |object| {
            object.meta().namespace.as_deref() == Some(namespace)
                && (object.declared().export_to).is_some_and(|to| to.config_map.name == map)
        },
    );
}

fn is_elsewhere(reference: &ConnectionRef, namespace: &str) -> bool {
    reference.namespace.as_deref().is_some_and(|home| home != namespace)
}

fn of_endpoints(answers: &mut Answers, context: &Context, chance: &mut Chance) {
    let store = &context.stores.endpoints;
    let model = model(chance.below(u64::MAX));
    let stays = |e: &SpeechEndpoint| e.meta().deletion_timestamp.is_none();
    let found = store.meaning(&model, stays);
    note(answers, "meaning", store, &found, |e| stays(e) && means(e, &model));
    let was_meant =
        |e: &SpeechEndpoint| e.spec.model.selector.is_some() && e.meta().namespace == model.meta().namespace;
    let found = store.that_may_have_meant(&model);
    note(answers, "may have meant", store, &found, |e| {
        means(e, &model) || was_meant(e)
    });
    let id = some_id(chance);
    note(answers, "claiming", store, &store.claiming(id), |e| {
        claimed_id(e) == Some(id)
    });
    let mark = mark(chance);
    note(answers, "marked by", store, &store.marked_by(&mark), |e| {
        e.meta().uid.as_ref() == Some(&mark.uid) || claim::is_named(e, &mark)
    });
    let namespace = one(chance, &NAMESPACES);
    note(
        answers,
        "abroad, endpoints",
        store,
        &store.looking_abroad(namespace),
        |e| e.meta().namespace.as_deref() == Some(namespace) && is_elsewhere(&e.spec.connection_ref, namespace),
    );
    let view = view(chance);
    let unneeded = |endpoints: Vec<Arc<SpeechEndpoint>>| {
        let endpoints = endpoints.iter().map(|endpoint| &**endpoint);
        let found = evaluation::unneeded(&view, CLUSTER, &Scope::default(), endpoints, at("2026-06-01T00:00:00Z"));
        vec![format!("{found:?}")]
    };
    let by_index = unneeded(store.that_may_need_evaluations(&view));
    answers.insert("unneeded evaluations", [by_index, unneeded(store.state())]);
}

fn of_models(answers: &mut Answers, context: &Context, chance: &mut Chance) {
    let store = &context.stores.models;
    let endpoint = endpoint(chance.below(u64::MAX));
    note(answers, "meant by", store, &store.meant_by(&endpoint), |m| {
        means(&endpoint, m)
    });
    let source = model(chance.below(u64::MAX));
    note(answers, "copies of", store, &store.copies_of(&source), |m| {
        is_copy_of(m, &source)
    });
    let namespace = one(chance, &NAMESPACES);
    note(
        answers,
        "abroad, models",
        store,
        &store.looking_abroad(namespace),
        |m| {
            m.meta().namespace.as_deref() == Some(namespace)
                && (is_elsewhere(&m.spec.connection_ref, namespace) || m.spec.source.copy.is_some())
        },
    );
    let key = some_connection(chance);
    note(answers, "can discard", store, &store.that_can_discard(&key), |m| {
        refers_to(m, &key) && (m.meta().deletion_timestamp.is_some() || has_history(m))
    });
    let connections = &context.stores.connections;
    let into_target = |m: &SpeechModel| {
        let own = connection_of(m);
        let both = connections.get(&own).zip(connections.get(&key));
        own == key || both.is_some_and(|(a, b)| lead_to_one_resource(&a, &b))
    };
    note(answers, "copies into", store, &context.stores.copies_into(&key), |m| {
        m.spec.source.copy.is_some() && into_target(m)
    });
}

fn of_connections(answers: &mut Answers, context: &Context, chance: &mut Chance) {
    let store = &context.stores.connections;
    let (namespace, secret) = (one(chance, &NAMESPACES), one(chance, &NAMES));
    let here = |c: &SpeechConnection| c.meta().namespace.as_deref() == Some(namespace);
    note(answers, "within", store, &store.within(namespace), here);
    note(
        answers,
        "key from",
        store,
        &store.with_key_from(namespace, secret),
        |c| {
            let reference = c.spec.auth.key_secret_ref.as_ref();
            here(c) && reference.is_some_and(|reference| reference.name == secret)
        },
    );
    note(answers, "connections leaving", store, &store.leaving(), |c| {
        c.meta().deletion_timestamp.is_some()
    });
    let other = super::world::connection(chance.below(u64::MAX));
    note(answers, "leading where", store, &store.leading_where(&other), |c| {
        lead_to_one_resource(&other, c)
    });
    let (store, uid) = (&context.stores.exports, one(chance, &UIDS));
    note(answers, "owned by", store, &store.owned_by(namespace, uid), |map| {
        let is_owner = map.owner_references().iter().any(|owner| owner.uid == uid);
        map.namespace().as_deref() == Some(namespace) && is_owner
    });
}

fn mark(chance: &mut Chance) -> OwnerTag {
    let object = format!("{}/{}", one(chance, &NAMESPACES), one(chance, &NAMES));
    with(tag(one(chance, &UIDS), 1), |tag| tag.object = object)
}

/// A Speech resource where every entity has a mark.
fn view(chance: &mut Chance) -> View {
    let mut world = World::new();
    for n in IDS {
        let mut marked = || Some(Arc::new(mark(chance)));
        let endpoint = with(remote(n, base_id(1)), |e| e.header.owner = marked());
        let model = with(custom_model(n, ""), |m| m.header.owner = marked());
        let pair = [custom_id(n), custom_id(IDS[0])];
        let evaluation = speech_plan::testing::evaluation(n, pair, n, [0.1, 0.2]);
        let evaluation = with(evaluation, |e| e.header.owner = marked());
        world = world.remote(endpoint).custom(model).evaluation(evaluation);
    }
    world.view
}

fn changes(chance: &mut Chance) -> Changes {
    let mut some = || -> HashSet<EntityId> {
        let ids = IDS.iter().filter(|_| chance.below(4) == 0);
        ids.map(|n| id(*n)).collect()
    };
    Changes {
        endpoints: some(),
        models: some(),
        datasets: some(),
        evaluations: some(),
        base_models: some(),
    }
}

/// Who was woken since it was asked last.
fn woken(parts: &mut Parts) -> Vec<String> {
    let mut woken = BTreeSet::new();
    while let Ok(key) = parts.sleepers.models.try_recv() {
        woken.insert(key.to_string());
    }
    while let Ok(key) = parts.sleepers.endpoints.try_recv() {
        woken.insert(key.to_string());
    }
    woken.into_iter().collect()
}

/// Those whom a scan would have woken.
fn scanned(
    context: &Context,
    models: impl Fn(&SpeechModel) -> bool,
    endpoints: impl Fn(&SpeechEndpoint) -> bool,
) -> Vec<String> {
    let (all_models, all_endpoints) = (context.stores.models.state(), context.stores.endpoints.state());
    let models = all_models.iter().filter(|model| models(model));
    let models = models.map(|model| ObjectRef::from_obj(&**model).to_string());
    let endpoints = all_endpoints.iter().filter(|endpoint| endpoints(endpoint));
    let endpoints = endpoints.map(|endpoint| ObjectRef::from_obj(&**endpoint).to_string());
    let woken: BTreeSet<String> = models.chain(endpoints).collect();
    woken.into_iter().collect()
}

fn of_wakes(answers: &mut Answers, parts: &mut Parts, chance: &mut Chance) {
    drop(woken(parts));
    let key = some_connection(chance);
    let expected = {
        let context = &parts.context;
        let from_here = |m: &SpeechModel| m.spec.source.copy.is_some() && source_key(context, m).as_ref() == Some(&key);
        scanned(context, |m| refers_to(m, &key) || from_here(m), |e| refers_to(e, &key))
    };
    wake::dependents(&parts.context, &key);
    answers.insert("dependents", [woken(parts), expected]);

    let resource = SpeechResource::default();
    *resource.view_mut() = view(chance);
    let changes = with(changes(chance), |changes| {
        // Else all of the connection are looked at.
        if chance.below(4) > 0 {
            changes.base_models.clear();
        }
    });
    let (owners, judged_with) = (
        owners_of(&resource.view(), &changes),
        datasets_of(&resource.view(), &changes),
    );
    let expected = {
        let context = &parts.context;
        let is_owner = |uid: Option<String>| uid.is_some_and(|uid| owners.contains(&uid));
        let copies = |m: &SpeechModel| {
            m.spec.source.copy.is_some()
                && source_key(context, m).as_ref() == Some(&key)
                && wanted(context, m).is_some_and(|id| changes.models.contains(&id))
        };
        scanned(
            context,
            |m| (refers_to(m, &key) && (is_owner(m.uid()) || concerns_model(m, &changes))) || copies(m),
            |e| {
                refers_to(e, &key)
                    && (is_owner(e.uid()) || concerns_endpoint(e, &changes) || concerns_gate(e, &changes, &judged_with))
            },
        )
    };
    wake::on_remote(&parts.context, &key, &resource, &changes);
    answers.insert("concerned by the remote side", [woken(parts), expected]);
}
