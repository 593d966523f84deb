//! Several connections to one Speech resource: what each learns of the others, and whose budget it uses.
use super::settings::Rate;
use speech_api::{
    Reason,
    condition::{SHARED_RESOURCE, Statement, Truth},
};

/// Which other connections lead to the same Speech resource, as far as the reader may know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sharing {
    /// Those of the same namespace, by name, in order.
    pub named: Vec<String>,
    /// Whether there are others elsewhere.
    pub elsewhere: bool,
}

impl Sharing {
    /// What a connection of the namespace `home` may know of its peers, each given by namespace and name.
    pub fn of<'a>(home: Option<&str>, peers: impl Iterator<Item = (Option<&'a str>, &'a str)>) -> Self {
        let mut sharing = Self::default();
        for (namespace, name) in peers {
            if namespace == home {
                sharing.named.push(name.to_owned());
            } else {
                sharing.elsewhere = true;
            }
        }
        sharing.named.sort();
        sharing
    }

    /// The condition `SharedResource`, present only where there are others.
    pub fn statement(&self) -> Option<Statement> {
        let mut others: Vec<_> = self.named.iter().map(String::as_str).collect();
        others.extend(self.elsewhere.then_some("a connection of another namespace"));
        (!others.is_empty()).then(|| Statement {
            kind: SHARED_RESOURCE,
            truth: Truth::True,
            reason: Reason::ResourceIsShared,
            message: format!(
                "the same Speech resource is reached by {}: both draw on one request budget, the smaller; maxConcurrentSwaps and maxConcurrentTrainings count for each connection by itself",
                others.join(", ")
            ),
        })
    }
}

/// Another connection to the same Speech resource.
#[derive(Clone, Debug)]
pub struct Peer<K, B> {
    /// Its place in the order of all connections.
    pub place: K,
    /// How many requests its own spec allows.
    pub rate: Rate,
    /// Its budget.
    pub budget: B,
}

/// On which budget a connection draws.
#[derive(Debug, PartialEq, Eq)]
pub enum Draws<'a, B> {
    /// On that of a peer.
    On(&'a B),
    /// On its own, with this rate.
    Own(Rate),
}

/// Of those that share a Speech resource the first has the budget, with the smallest rate of all, and the others draw on it.
pub fn draws<'a, K: Ord, B>(place: &K, rate: Rate, peers: &'a [Peer<K, B>]) -> Draws<'a, B> {
    let first = peers.iter().min_by_key(|peer| &peer.place);
    match first.filter(|first| first.place < *place) {
        Some(first) => Draws::On(&first.budget),
        None => Draws::Own(peers.iter().map(|peer| peer.rate).fold(rate, smaller)),
    }
}

fn smaller(one: Rate, other: Rate) -> Rate {
    let allows = |rate: Rate, other: Rate| u128::from(rate.0) * other.1.as_millis();
    if allows(other, one) < allows(one, other) {
        other
    } else {
        one
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const FAST: Rate = (80, Duration::from_secs(10));
    const SLOW: Rate = (60, Duration::from_secs(60));

    #[test]
    fn the_smaller_of_two_rates_counts_whatever_its_window() {
        let (slow, fast) = (SLOW, FAST);
        assert_eq!((smaller(slow, fast), smaller(fast, slow)), (slow, slow));
        assert_eq!(smaller(fast, fast), fast);
    }

    #[test]
    fn the_first_of_those_that_share_a_resource_has_the_budget_with_the_smallest_rate() {
        let peer = |place, rate| Peer {
            place,
            rate,
            budget: place,
        };
        for (place, rate, peers, expected) in [
            (2, FAST, vec![], Draws::Own(FAST)),
            (2, FAST, vec![peer(3, SLOW)], Draws::Own(SLOW)),
            (2, SLOW, vec![peer(3, FAST), peer(4, FAST)], Draws::Own(SLOW)),
            (2, SLOW, vec![peer(3, FAST), peer(1, FAST)], Draws::On(&1)),
        ] {
            assert_eq!(draws(&place, rate, &peers), expected, "{peers:?}");
        }
    }

    #[test]
    fn a_connection_is_told_no_name_of_another_namespace() {
        let peers = [
            (Some("team"), "west"),
            (Some("others"), "secret"),
            (Some("team"), "east"),
        ];
        let told = Sharing::of(Some("team"), peers.into_iter());
        assert_eq!(
            told,
            Sharing {
                named: vec!["east".into(), "west".into()],
                elsewhere: true,
            }
        );
        assert_eq!(Sharing::of(Some("team"), std::iter::empty()), Sharing::default());
    }
}
