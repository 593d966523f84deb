//! Whether a Speech resource that is reached in another way than before is still the same one.
//!
//! Another address or key may lead to another resource, in which nothing of ours exists. What is missing there was not
//! deleted, and must neither be made anew there nor be taken for gone.
use speech_api::{annotation::ACCEPT_RESOURCE, connection::KnownResource};

/// All that the answer depends on.
#[derive(Clone, Copy, Debug)]
pub struct Look<'a> {
    /// How the resource was reached when it was known last; absent when it never was.
    pub known: Option<&'a KnownResource>,
    /// How it is reached now.
    pub reached: &'a KnownResource,
    /// The host of its address.
    pub host: &'a str,
    /// How many entities the statuses of the connection's objects name.
    pub recorded: usize,
    /// How many of them are there.
    pub found: usize,
    /// The annotation of the connection with which somebody accepts another resource.
    pub accept: Option<&'a str>,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recognition {
    /// It is the same as far as can be told, and is known by this from now on.
    Same(KnownResource),
    /// It is another one, in which somebody wants to begin anew.
    Accepted(KnownResource),
    /// It is another one; says so.
    Different(String),
}

/// Decides whether a resource is known again.
pub fn recognise(look: &Look<'_>) -> Recognition {
    let used = look.known.and_then(|known| known.accepted.as_deref());
    let from_now = |accepted: Option<&str>| KnownResource {
        accepted: accepted.map(str::to_owned),
        ..look.reached.clone()
    };
    let Some(known) = look.known.filter(|_| look.recorded > 0 && look.found == 0) else {
        return Recognition::Same(from_now(used));
    };
    let names_it = |value: &&str| value.split_whitespace().next() == Some(look.host) && used != Some(*value);
    if let Some(value) = look.accept.filter(names_it) {
        return Recognition::Accepted(from_now(Some(value)));
    }
    let changed = if known.endpoint == look.reached.endpoint {
        format!("the key or identity for {} was changed", look.reached.endpoint)
    } else {
        format!(
            "the address was changed from {} to {}",
            known.endpoint, look.reached.endpoint
        )
    };
    Recognition::Different(format!(
        "{changed}, and of the {} remote entities that the objects of this connection name none is there: this is another Speech resource. Nothing is created, changed or deleted in it. Point the connection back, or annotate it with {ACCEPT_RESOURCE}=\"{}\" to begin anew there",
        look.recorded,
        fresh_value(look.host, used)
    ))
}

/// A value of the annotation that was not used yet: a number follows where the host alone was.
fn fresh_value(host: &str, used: Option<&str>) -> String {
    let mut words = used.unwrap_or_default().split_whitespace();
    if words.next() != Some(host) {
        return host.to_owned();
    }
    let number = words.next().and_then(|word| word.parse().ok()).unwrap_or(1_u32);
    format!("{host} {}", number.saturating_add(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reached(endpoint: &str, secret: &str) -> KnownResource {
        KnownResource {
            endpoint: endpoint.into(),
            secret: secret.into(),
            accepted: None,
        }
    }

    fn look(known: Option<&KnownResource>, recorded: usize, found: usize, accept: Option<&str>) -> String {
        let reached = reached("https://north.example", "s/2");
        let look = Look {
            known,
            reached: &reached,
            host: "north.example",
            recorded,
            found,
            accept,
        };
        match recognise(&look) {
            Recognition::Same(now) => format!("same {}", now.accepted.unwrap_or_default()),
            Recognition::Accepted(now) => {
                assert!(now.is_reached_as(&reached));
                format!("accepted {}", now.accepted.unwrap_or_default())
            }
            Recognition::Different(message) => message,
        }
    }

    #[test]
    fn a_resource_is_known_again_by_what_our_objects_name() {
        let west = reached("https://west.example", "s/1");
        assert_eq!(
            look(None, 3, 0, None),
            "same ",
            "nothing was known that could have changed"
        );
        assert_eq!(look(Some(&west), 0, 0, None), "same ");
        assert_eq!(look(Some(&west), 3, 1, None), "same ");
        let told = look(Some(&west), 3, 0, None);
        assert!(
            told.contains("from https://west.example to https://north.example"),
            "{told}"
        );
        assert!(told.contains("of the 3 remote entities"), "{told}");
        assert!(told.contains("accept-resource=\"north.example\""), "{told}");
        let rotated = reached("https://north.example", "s/1");
        assert!(look(Some(&rotated), 1, 0, None).contains("the key or identity for https://north.example was changed"));
    }

    #[test]
    fn another_resource_is_accepted_by_its_host_and_once() {
        let mut west = reached("https://west.example", "s/1");
        assert_eq!(look(Some(&west), 3, 0, Some("north.example")), "accepted north.example");
        for wrong in ["", "west.example", "north.example.evil", "yes"] {
            assert!(
                look(Some(&west), 3, 0, Some(wrong)).contains("another Speech resource"),
                "{wrong}"
            );
        }
        west.accepted = Some("north.example".into());
        let told = look(Some(&west), 3, 0, Some("north.example"));
        assert!(told.contains("accept-resource=\"north.example 2\""), "{told}");
        assert_eq!(
            look(Some(&west), 3, 0, Some("north.example 2")),
            "accepted north.example 2"
        );
        assert_eq!(look(Some(&west), 3, 1, Some("north.example 2")), "same north.example");
    }
}
