use super::*;
use futures::FutureExt as _;
use kube::ResourceExt as _;

fn map(namespace: &str, name: &str) -> ConfigMap {
    let mut map = ConfigMap::default();
    map.metadata.namespace = Some(namespace.to_owned());
    map.metadata.name = Some(name.to_owned());
    map
}

fn names(store: &Store<ConfigMap>) -> Vec<String> {
    let mut names: Vec<_> = store.state().iter().map(|map| map.name_any()).collect();
    names.sort();
    names
}

fn divided() -> (Store<ConfigMap>, Writer<ConfigMap>, Writer<ConfigMap>) {
    let (store, writer) = store();
    let parts = ["a", "b"].map(|name| Part::Namespace(name.to_owned()));
    let [a, b] = writer.divided(parts.into()).try_into().ok().unwrap();
    (store, a, b)
}

fn list(writer: &mut Writer<ConfigMap>, objects: &[ConfigMap]) {
    writer.begin_list();
    objects.iter().cloned().for_each(|object| writer.list(object));
    writer.end_list();
}

#[test]
fn a_store_is_ready_when_every_part_has_been_listed_and_not_before() {
    let (store, mut a, mut b) = divided();
    let is_ready = || store.wait_until_ready().now_or_never().is_some();
    list(&mut a, &[map("a", "1")]);
    a.apply(map("a", "2"));
    assert!(!is_ready());
    list(&mut a, &[map("a", "1"), map("a", "2")]);
    assert!(!is_ready(), "the same part again");
    list(&mut b, &[]);
    assert!(is_ready());
    assert_eq!(names(&store), ["1", "2"]);
}

#[test]
fn the_list_of_a_part_takes_the_place_of_what_was_known_of_it_and_of_nothing_else() {
    let (store, mut a, mut b) = divided();
    list(&mut a, &[map("a", "1"), map("a", "2")]);
    list(&mut b, &[map("b", "3")]);
    list(&mut a, &[map("a", "2"), map("a", "4")]);
    assert_eq!(names(&store), ["2", "3", "4"]);
    assert!(store.agrees_with_index());
    list(&mut b, &[]);
    assert_eq!(names(&store), ["2", "4"]);
    assert_eq!(a.known().len(), 2);
    assert!(b.known().is_empty());
}
