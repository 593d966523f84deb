//! How much of an answer is taken in: a service that is wrong, or that is none, must not fill our memory, nor a status
//! that etcd then refuses.
use super::{Unreadable, properties::Properties};
use crate::{entity::Entries, error::BodyProblem};

/// More values than any answer holds: a page is of 100 entities, each of a few dozen.
const MOST_VALUES: usize = 50_000;
/// Bytes of a URI.
const LONGEST_URI: usize = 2048;
/// Bytes of a word, such as a locale or a state.
const LONGEST_WORD: usize = 128;
/// Bytes of a name.
const LONGEST_NAME: usize = 1024;
/// Bytes of a description.
const LONGEST_DESCRIPTION: usize = 8192;
/// Links of an endpoint.
const MOST_LINKS: usize = 32;
/// Entries of `customProperties`, of which the service allows ten.
const MOST_PROPERTIES: usize = 64;
/// Bytes of all entries of `customProperties` together.
const LARGEST_PROPERTIES: usize = 32 << 10;
/// Elements of a list within an entity.
const MOST_ELEMENTS: usize = 1000;

/// Refuses a body that would take far more memory parsed than as text: a value of two bytes becomes an entity of hundreds.
/// What counts are the marks between values, so that no parser has to run.
pub(crate) fn check_size(body: &[u8]) -> Result<(), BodyProblem> {
    let (mut values, mut in_text, mut escaped) = (0_usize, false, false);
    for byte in body {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b',' | b':' | b'[' | b'{' if !in_text => values += 1,
            _ => {}
        }
    }
    if values > MOST_VALUES {
        return Err(BodyProblem::TooManyValues { limit: MOST_VALUES });
    }
    Ok(())
}

/// Text that names something and would name something else if it were cut.
fn whole(text: Box<str>, limit: usize, name: &str) -> Result<Box<str>, Unreadable> {
    if text.len() > limit {
        return Err(Unreadable(format!("{name} is longer than {limit} bytes")));
    }
    Ok(text)
}

/// Text that is only read by people, or compared with what is much shorter.
fn cut(text: Box<str>, limit: usize) -> Box<str> {
    match text.get(..text.floor_char_boundary(limit)) {
        Some(short) if short.len() < text.len() => short.into(),
        Some(_) | None => text,
    }
}

pub(super) fn uri(text: Box<str>) -> Result<Box<str>, Unreadable> {
    whole(text, LONGEST_URI, "a URI")
}

pub(super) fn word(text: Option<Box<str>>, name: &str) -> Result<Box<str>, Unreadable> {
    whole(text.unwrap_or_default(), LONGEST_WORD, name)
}

pub(super) fn name(text: Option<Box<str>>) -> Box<str> {
    cut(text.unwrap_or_default(), LONGEST_NAME)
}

pub(super) fn description(text: Option<Box<str>>) -> Box<str> {
    cut(text.unwrap_or_default(), LONGEST_DESCRIPTION)
}

/// A word that only people read.
pub(super) fn state(text: Box<str>) -> Box<str> {
    cut(text, LONGEST_WORD)
}

/// Links are passed on and never followed; those that are too long or too many are left out.
pub(super) fn links(links: Entries) -> Entries {
    let fits = |(name, url): &(Box<str>, Box<str>)| name.len() <= LONGEST_WORD && url.len() <= LONGEST_URI;
    if links.len() <= MOST_LINKS && links.iter().all(fits) {
        return links;
    }
    links.into_iter().filter(fits).take(MOST_LINKS).collect()
}

/// They are sent back with the next change, so that none may be left out.
pub(super) fn properties(found: Option<Properties>) -> Result<Properties, Unreadable> {
    let found = found.unwrap_or_default();
    let marks = found
        .owner
        .iter()
        .map(|tag| tag.uid.len() + tag.object.len() + tag.cluster.len() + tag.inputs.as_ref().map_or(0, String::len));
    let foreign = found.foreign.iter().map(|(key, value)| key.len() + value.len());
    if found.foreign.len() > MOST_PROPERTIES || marks.chain(foreign).sum::<usize>() > LARGEST_PROPERTIES {
        return Err(Unreadable("customProperties hold too much".to_owned()));
    }
    Ok(found)
}

/// A list within an entity.
pub(super) fn elements<T>(list: Vec<T>, name: &str) -> Result<Vec<T>, Unreadable> {
    if list.len() > MOST_ELEMENTS {
        return Err(Unreadable(format!("{name} has more than {MOST_ELEMENTS} elements")));
    }
    Ok(list)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_within_text_are_no_values() {
        let text = format!(
            r#"{{"a": "{}", "b": "\"{}"}}"#,
            ",".repeat(MOST_VALUES),
            "[".repeat(MOST_VALUES)
        );
        assert_eq!(check_size(text.as_bytes()), Ok(()));
        let many = format!("[{}0]", "0,".repeat(MOST_VALUES));
        assert_eq!(
            check_size(many.as_bytes()),
            Err(BodyProblem::TooManyValues { limit: MOST_VALUES })
        );
        assert_eq!(check_size("[".repeat(MOST_VALUES).as_bytes()), Ok(()));
    }

    #[test]
    fn text_for_people_is_cut_at_a_character_and_names_are_not_cut() {
        let long: Box<str> = "\u{e9}".repeat(LONGEST_NAME).into();
        let short = name(Some(long.clone()));
        assert!(short.len() <= LONGEST_NAME && long.starts_with(&*short));
        assert!(uri("u".repeat(LONGEST_URI).into()).is_ok() && uri("u".repeat(LONGEST_URI + 1).into()).is_err());
        assert!(word(Some("w".repeat(LONGEST_WORD + 1).into()), "locale").is_err());
        assert_eq!(&*state("Running".into()), "Running");
    }

    #[test]
    fn links_beyond_the_limits_are_left_out() {
        let link = |number: usize, length: usize| (Box::from(format!("l{number}")), "x".repeat(length).into());
        let few: Entries = (0..3).map(|number| link(number, 10)).collect();
        assert_eq!(links(few.clone()), few);
        let many: Entries = (0..1000).map(|number| link(number, 10)).collect();
        assert_eq!(links(many).len(), MOST_LINKS);
        let long: Entries = (0..3).map(|number| link(number, LONGEST_URI + number)).collect();
        assert_eq!(links(long).len(), 1);
    }
}
