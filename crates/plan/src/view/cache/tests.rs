use super::*;
use crate::testing::{
    LATER, NOW, World, at, base_id, base_model, custom_id, custom_model, dataset, evaluation, id, owned, remote, with,
};
use speech_service::entity::Status;

fn named(n: u128, name: &str) -> Endpoint {
    with(remote(n, base_id(1)), |e| e.header.display_name = name.into())
}

fn name(cache: &Cache<Endpoint>, n: u128) -> Option<(&str, bool)> {
    cache
        .get(id(n))
        .map(|entry| (&*entry.entity.header.display_name, entry.confirmed))
}

#[test]
fn a_read_is_news_when_it_tells_something_else_or_confirms() {
    let mut cache = Cache::default();
    let began = cache.begin();
    assert!(cache.read(named(1, "a"), began));
    assert!(!cache.read(named(1, "a"), began));
    assert!(cache.read(named(1, "b"), began));
    cache.answered(named(1, "b"));
    assert_eq!(name(&cache, 1), Some(("b", false)));
    let began = cache.begin();
    assert!(cache.read(named(1, "b"), began), "confirmation is news");
    assert_eq!(
        (name(&cache, 1), cache.len(), cache.is_empty()),
        (Some(("b", true)), 1, false)
    );
}

#[test]
fn a_read_that_began_before_a_mutation_proves_nothing() {
    let mut cache = Cache::default();
    let first = cache.begin();
    cache.read(named(1, "a"), first);
    let during = cache.begin();
    cache.touch(id(1));
    assert!(!cache.read(named(1, "old"), during));
    cache.answered(named(1, "new"));
    assert!(!cache.read(named(1, "old"), during));
    assert_eq!(name(&cache, 1), Some(("new", false)));
    let (news, missing) = cache.swept(vec![], during, at(NOW));
    assert!(news.is_empty() && missing.is_empty(), "created while the list was read");
    assert!(!cache.vanished(&Absent::assumed(id(1)), during));
    let after = cache.begin();
    assert!(cache.vanished(&Absent::assumed(id(1)), after) && !cache.vanished(&Absent::assumed(id(1)), after));
}

#[test]
fn what_we_deleted_does_not_come_back_from_an_older_list() {
    let mut cache = Cache::default();
    let before = cache.begin();
    cache.read(named(1, "a"), before);
    cache.removed(&Absent::assumed(id(1)));
    let (news, _) = cache.swept(vec![named(1, "a")], before, at(NOW));
    assert!(news.is_empty() && cache.is_empty());
    let after = cache.begin();
    let (news, _) = cache.swept(vec![named(1, "a")], after, at(NOW));
    assert_eq!(news.len(), 1, "a newer list knows better");
    assert_eq!(cache.swept_at(), Some(at(NOW)));
}

#[test]
fn what_a_list_lacks_is_asked_for_before_it_is_forgotten() {
    let mut cache = Cache::default();
    let began = cache.begin();
    cache.swept(vec![named(1, "a"), named(2, "b")], began, at(NOW));
    let began = cache.begin();
    let (news, missing) = cache.swept(vec![named(2, "c")], began, at(LATER));
    assert_eq!((news.contains(&id(2)), missing), (true, vec![id(1)]));
    assert!(cache.get(id(1)).is_some());
    assert_eq!(
        cache.swept_at(),
        Some(at(NOW)),
        "a list that lacks what may be there proves nothing yet"
    );
    cache.complete(Heard::assumed());
    assert_eq!(cache.swept_at(), Some(at(LATER)));
}

#[test]
fn an_empty_list_only_confirms_the_one_before_it() {
    let mut cache = Cache::default();
    let mut look = |listed: &[u128], when: &str| {
        let began = cache.begin();
        let listed = listed.iter().map(|n| named(*n, "a")).collect();
        let (_, missing) = cache.swept(listed, began, at(when));
        for id in missing {
            cache.vanished(&Absent::assumed(id), began);
        }
        cache.complete(Heard::assumed());
        cache.swept_at()
    };
    let [first, second, third] = ["2026-03-01T10:00:00Z", "2026-03-01T10:01:00Z", "2026-03-01T10:02:00Z"];
    assert_eq!(look(&[], first), None, "another list may have proven who answers");
    assert_eq!(look(&[], first), None, "the same moment says nothing new");
    assert_eq!(look(&[], second), Some(at(first)));
    assert_eq!(look(&[], third), Some(at(second)));
    assert_eq!(look(&[1], first), Some(at(first)));
    assert_eq!(
        look(&[], second),
        Some(at(first)),
        "all may be gone, or this list may be a lie"
    );
    assert_eq!(look(&[], third), Some(at(second)));
}

#[test]
fn owned_entities_come_by_attempt() {
    let mut cache = Cache::default();
    let began = cache.begin();
    let ours = [
        owned(remote(1, base_id(1)), 3),
        owned(remote(2, base_id(1)), 1),
        remote(3, base_id(1)),
    ];
    cache.swept(ours.to_vec(), began, at(NOW));
    let ids: Vec<_> = cache
        .owned_by("uid-1")
        .iter()
        .map(|entry| entry.entity.header.id)
        .collect();
    assert_eq!(ids, [id(2), id(1)]);
    assert!(cache.owned_by("").is_empty() && cache.iter().count() == 3);
}

#[test]
fn a_locale_is_moving_while_an_endpoint_of_it_is_not_at_rest() {
    let mut view = crate::view::View::default();
    assert!(!view.is_moving("en-US") && !view.is_complete());
    view.endpoints.answered(remote(1, base_id(1)));
    assert!(
        view.is_moving("en-US") && !view.is_moving("de-DE"),
        "accepted is not serving"
    );
    let began = view.endpoints.begin();
    view.endpoints.read(remote(1, base_id(1)), began);
    assert!(!view.is_moving("en-US"));
    view.endpoints.read(
        with(remote(1, base_id(1)), |e| e.header.status = Status::Running),
        began,
    );
    assert!(view.is_moving("en-US"));
    assert_eq!(view.users_of(base_id(1)).count(), 1);
}

#[test]
fn what_only_some_objects_need_is_no_part_of_completeness() {
    let mut view = crate::view::View::default();
    let began = view.endpoints.begin();
    view.endpoints.swept(Vec::new(), began, at(NOW));
    view.models.swept(Vec::new(), began, at(NOW));
    view.base_models.swept(Vec::new(), began, at(NOW));
    assert!(view.is_complete() && !view.datasets.is_known() && !view.evaluations.is_known());
    let world = World::new()
        .dataset(dataset(5))
        .evaluation(evaluation(6, [base_id(1), custom_id(2)], 5, [0.1, 0.2]))
        .swept(NOW);
    assert!(world.view.datasets.is_known() && world.view.evaluations.is_known());
    assert!(world.view.datasets.get(id(5)).is_some() && world.view.evaluations.get(id(6)).is_some());
}

#[test]
fn a_change_of_any_list_is_a_change() {
    use crate::view::Changes;
    assert!(Changes::default().is_empty());
    for change in [
        |changes: &mut Changes| changes.datasets.insert(id(1)),
        |changes: &mut Changes| changes.evaluations.insert(id(1)),
        |changes: &mut Changes| changes.endpoints.insert(id(1)),
    ] {
        let mut changes = Changes::default();
        assert!(change(&mut changes) && !changes.is_empty());
    }
}

#[test]
fn a_date_that_was_told_does_not_become_unknown() {
    let mut cache = Cache::default();
    let read = |cache: &mut Cache<CustomModel>, expires: &str| {
        let began = cache.begin();
        cache.read(custom_model(1, expires), began)
    };
    let date = |cache: &Cache<CustomModel>| cache.get(id(1)).unwrap().entity.expires_at;
    assert!(read(&mut cache, LATER));
    assert!(!read(&mut cache, ""), "what lacks the date is no news");
    assert_eq!(date(&cache), Some(at(LATER)));
    cache.answered(custom_model(1, ""));
    assert_eq!(date(&cache), Some(at(LATER)));
    assert!(read(&mut cache, NOW), "another date counts");
    assert_eq!(date(&cache), Some(at(NOW)));
    let mut cache = Cache::default();
    let began = cache.begin();
    cache.read(base_model(1, LATER), began);
    let bare = with(base_model(1, ""), |model| model.adaptation_until = None);
    cache.read(bare, began);
    assert_eq!(*cache.get(id(1)).unwrap().entity, base_model(1, LATER));
}

#[test]
fn what_is_gone_for_certain_is_told_from_what_was_never_seen() {
    let mut cache = Cache::<Endpoint>::default();
    for n in [1, 2, 3] {
        let began = cache.begin();
        cache.read(named(n, "a"), began);
    }
    cache.removed(&Absent::assumed(id(1)));
    let began = cache.begin();
    cache.vanished(&Absent::assumed(id(2)), began);
    let unseen = |cache: &Cache<Endpoint>| [1, 2, 3, 4].map(|n| cache.is_unseen(id(n)));
    assert_eq!(unseen(&cache), [false, false, false, true]);
    for (when, expected) in [
        ("2026-03-01T10:00:00Z", [false, false, false, true]),
        ("2026-03-01T10:59:59Z", [false, false, false, true]),
        ("2026-03-01T11:00:00Z", [true, true, false, true]),
    ] {
        let began = cache.begin();
        cache.swept(vec![named(3, "a")], began, when.parse().unwrap());
        assert_eq!(unseen(&cache), expected, "{when}");
    }
}
