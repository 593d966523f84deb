//! The fleet at one glance: `/fleet`, a page that tells what serves, until when, what comes next and why; `/fleet.json`
//! and `/fleet.ics` tell programs and calendars the same.
//!
//! Read-only. [`view`] and [`html`] are pure functions of the objects and the time; the objects are those of the stores at
//! the moment of the request, so that no answer costs a request to anybody, and a replica that stands by answers like the
//! one that acts. The style, the script and all drawings come from this program: the content policy allows nothing else.
pub mod answer;
mod assets;
mod document;
mod html;
pub mod query;
pub mod risk;
#[cfg(test)]
mod sample;
pub mod table;
#[cfg(test)]
mod testing;
pub mod view;
mod words;

pub use answer::{Audience, Facts, Source, routes};
