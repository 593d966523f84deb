//! The answers of the index are those of a look at all objects, whatever the watches bring; and they cost no such look.
mod cost;
mod scan;
mod world;

use crate::controller::testing::Parts;
use kube::{Client, Config};
use proptest::{prelude::*, test_runner::TestRunner};
use std::cell::RefCell;
use world::{Kind, Step};

/// Nobody answers there.
fn client() -> Client {
    Client::try_from(Config::new("http://127.0.0.1:1".parse().unwrap())).unwrap()
}

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![
        1 => Just(Kind::Connection),
        4 => Just(Kind::Model),
        4 => Just(Kind::Endpoint),
        1 => Just(Kind::Export),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let objects = || prop::collection::vec(any::<u64>(), 0..8);
    prop_oneof![
        8 => (kind(), any::<u64>()).prop_map(|(kind, object)| Step::Apply(kind, object)),
        3 => (kind(), any::<u64>()).prop_map(|(kind, object)| Step::Delete(kind, object)),
        2 => (kind(), objects()).prop_map(|(kind, objects)| Step::List(kind, objects)),
        1 => (kind(), objects()).prop_map(|(kind, objects)| Step::BreakOff(kind, objects)),
        1 => any::<u64>().prop_map(Step::Write),
    ]
}

#[tokio::test]
async fn the_index_answers_as_a_look_at_all_objects_whatever_the_watches_bring() {
    let parts = RefCell::new(Parts::new(client()));
    let config = ProptestConfig {
        cases: 192,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let life = (prop::collection::vec(step(), 1..20), any::<u64>());
    let lives = TestRunner::new(config).run(&life, |(steps, questions)| {
        let mut parts = parts.borrow_mut();
        world::empty(&mut parts);
        for (number, step) in steps.iter().enumerate() {
            world::take(&mut parts, step, number);
            world::check(&parts)?;
        }
        scan::ask(&mut parts, questions)
    });
    lives.unwrap_or_else(|broken| panic!("{broken}"));
}

#[tokio::test]
async fn a_world_has_an_answer_to_every_question() {
    let mut parts = Parts::new(client());
    for number in 0..400_u64 {
        let kind = [Kind::Connection, Kind::Model, Kind::Endpoint, Kind::Export];
        let kind = kind[usize::try_from(number % 4).unwrap()];
        world::take(&mut parts, &Step::Apply(kind, number), 0);
    }
    let unanswered: Vec<_> = (0..20).map(|seed| scan::unanswered(&mut parts, seed)).collect();
    let always = unanswered
        .iter()
        .skip(1)
        .fold(unanswered[0].clone(), |left, next| &left & next);
    assert!(always.is_empty(), "the comparison says nothing of: {always:?}");
}
