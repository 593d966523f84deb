//! What two commands print of a fleet in colours, for the picture of docs/kubectl-speech.md.
use super::{
    fleet::{Kind, all},
    status,
    table::Colours,
    why,
};
use jiff::Timestamp;
use speech_fleet::fleet::Objects;

/// The commands, and what they print at a time (UTC).
pub fn session(objects: &Objects, now: Timestamp) -> Vec<(&'static str, String)> {
    let fleet = all(objects, None, &Kind::ALL);
    let mut printed = vec![("kubectl speech status", status::fleet(&fleet, now, Colours(true)))];
    let letters = fleet.iter().find(|object| object.name() == "letters");
    printed.extend(letters.map(|letters| {
        let why = why::why(letters, now);
        ("kubectl speech why letters", why::text(&why, Colours(true)))
    }));
    printed
}
