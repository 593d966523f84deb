use super::*;
use crate::testing::{
    LATER, NOW, World, at, base_id, base_model, custom_id, custom_model, dataset, evaluation, id, owned, remote, with,
};
use speech_service::entity::Status;

fn named(n: u128, name: &str) -> Endpoint {
    with(remote(n, base_id(1)), |e| e.header.display_name = name.into())
}

fn name(shelf: &Shelf<Endpoint>, n: u128) -> Option<(&str, bool)> {
    shelf
        .get(id(n))
        .map(|entry| (&*entry.entity.header.display_name, entry.confirmed))
}

#[test]
fn a_read_is_news_when_it_tells_something_else_or_confirms() {
    let mut shelf = Shelf::default();
    let began = shelf.begin();
    assert!(shelf.read(named(1, "a"), began));
    assert!(!shelf.read(named(1, "a"), began));
    assert!(shelf.read(named(1, "b"), began));
    shelf.answered(named(1, "b"));
    assert_eq!(name(&shelf, 1), Some(("b", false)));
    let began = shelf.begin();
    assert!(shelf.read(named(1, "b"), began), "confirmation is news");
    assert_eq!(
        (name(&shelf, 1), shelf.len(), shelf.is_empty()),
        (Some(("b", true)), 1, false)
    );
}

#[test]
fn a_read_that_began_before_a_mutation_proves_nothing() {
    let mut shelf = Shelf::default();
    let first = shelf.begin();
    shelf.read(named(1, "a"), first);
    let during = shelf.begin();
    shelf.touch(id(1));
    assert!(!shelf.read(named(1, "old"), during));
    shelf.answered(named(1, "new"));
    assert!(!shelf.read(named(1, "old"), during));
    assert_eq!(name(&shelf, 1), Some(("new", false)));
    let (news, missing) = shelf.swept(vec![], during, at(NOW));
    assert!(news.is_empty() && missing.is_empty(), "created while the list was read");
    assert!(!shelf.vanished(&Absent::assumed(id(1)), during));
    let after = shelf.begin();
    assert!(shelf.vanished(&Absent::assumed(id(1)), after) && !shelf.vanished(&Absent::assumed(id(1)), after));
}

#[test]
fn what_we_deleted_does_not_come_back_from_an_older_list() {
    let mut shelf = Shelf::default();
    let before = shelf.begin();
    shelf.read(named(1, "a"), before);
    shelf.removed(&Absent::assumed(id(1)));
    let (news, _) = shelf.swept(vec![named(1, "a")], before, at(NOW));
    assert!(news.is_empty() && shelf.is_empty());
    let after = shelf.begin();
    let (news, _) = shelf.swept(vec![named(1, "a")], after, at(NOW));
    assert_eq!(news.len(), 1, "a newer list knows better");
    assert_eq!(shelf.swept_at(), Some(at(NOW)));
}

#[test]
fn what_a_list_lacks_is_asked_for_before_it_is_forgotten() {
    let mut shelf = Shelf::default();
    let began = shelf.begin();
    shelf.swept(vec![named(1, "a"), named(2, "b")], began, at(NOW));
    let began = shelf.begin();
    let (news, missing) = shelf.swept(vec![named(2, "c")], began, at(LATER));
    assert_eq!((news.contains(&id(2)), missing), (true, vec![id(1)]));
    assert!(shelf.get(id(1)).is_some());
    assert_eq!(
        shelf.swept_at(),
        Some(at(NOW)),
        "a list that lacks what may be there proves nothing yet"
    );
    shelf.complete(at(LATER));
    assert_eq!(shelf.swept_at(), Some(at(LATER)));
}

#[test]
fn owned_entities_come_by_attempt() {
    let mut shelf = Shelf::default();
    let began = shelf.begin();
    let ours = [
        owned(remote(1, base_id(1)), 3),
        owned(remote(2, base_id(1)), 1),
        remote(3, base_id(1)),
    ];
    shelf.swept(ours.to_vec(), began, at(NOW));
    let ids: Vec<_> = shelf
        .owned_by("uid-1")
        .iter()
        .map(|entry| entry.entity.header.id)
        .collect();
    assert_eq!(ids, [id(2), id(1)]);
    assert!(shelf.owned_by("").is_empty() && shelf.iter().count() == 3);
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
    let mut shelf = Shelf::default();
    let read = |shelf: &mut Shelf<CustomModel>, expires: &str| {
        let began = shelf.begin();
        shelf.read(custom_model(1, expires), began)
    };
    let date = |shelf: &Shelf<CustomModel>| shelf.get(id(1)).unwrap().entity.expires_at;
    assert!(read(&mut shelf, LATER));
    assert!(!read(&mut shelf, ""), "what lacks the date is no news");
    assert_eq!(date(&shelf), Some(at(LATER)));
    shelf.answered(custom_model(1, ""));
    assert_eq!(date(&shelf), Some(at(LATER)));
    assert!(read(&mut shelf, NOW), "another date counts");
    assert_eq!(date(&shelf), Some(at(NOW)));
    let mut shelf = Shelf::default();
    let began = shelf.begin();
    shelf.read(base_model(1, LATER), began);
    let bare = with(base_model(1, ""), |model| model.adaptation_until = None);
    shelf.read(bare, began);
    assert_eq!(*shelf.get(id(1)).unwrap().entity, base_model(1, LATER));
}

#[test]
fn what_is_gone_for_certain_is_told_from_what_was_never_seen() {
    let mut shelf = Shelf::<Endpoint>::default();
    for n in [1, 2, 3] {
        let began = shelf.begin();
        shelf.read(named(n, "a"), began);
    }
    shelf.removed(&Absent::assumed(id(1)));
    let began = shelf.begin();
    shelf.vanished(&Absent::assumed(id(2)), began);
    let unseen = |shelf: &Shelf<Endpoint>| [1, 2, 3, 4].map(|n| shelf.is_unseen(id(n)));
    assert_eq!(unseen(&shelf), [false, false, false, true]);
    for (when, expected) in [
        ("2026-03-01T10:00:00Z", [false, false, false, true]),
        ("2026-03-01T10:59:59Z", [false, false, false, true]),
        ("2026-03-01T11:00:00Z", [true, true, false, true]),
    ] {
        let began = shelf.begin();
        shelf.swept(vec![named(3, "a")], began, when.parse().unwrap());
        assert_eq!(unseen(&shelf), expected, "{when}");
    }
}
