//! What the Speech service offers: base models that come and go, datasets, and how an update shows.
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use speech_emulator::{Emulator, Seed, SeedError};
use speech_fuzz::{Chance, weigh};
use uuid::Uuid;

/// The locales of a fleet.
pub const LOCALES: [&str; 3] = ["en-US", "de-DE", "fr-FR"];
/// The name of the Speech resource.
pub const RESOURCE: &str = "west";
/// Its base URL; the host is never looked up.
pub const BASE_URL: &str = "http://localhost/west";
pub const KEY: &str = "simulated-key";
/// How many text datasets there are for each locale.
const DATASETS: usize = 4;

/// A world that has begun.
pub struct World {
    /// The service.
    pub emulator: Emulator,
    /// When base models appear after the beginning (UTC), in order.
    pub appearances: Vec<Timestamp>,
}

/// Makes the service of one Speech resource.
///
/// # Errors
/// When the emulator does not take the seed.
pub fn begin(seed: u64, start: Timestamp, days: i64) -> Result<World, SeedError> {
    let mut chance = Chance::fork(seed, "world");
    let mut base_models = Vec::new();
    let mut appearances = Vec::new();
    for (number, name) in LOCALES.iter().enumerate() {
        // The oldest are from the year before the beginning; then a few appear each year.
        let mut age = -chance.between(days_long(300), days_long(420));
        while age < days_long(days) {
            let at = start.saturating_add(age).unwrap_or(start);
            base_models.push(base_model(seed, name, number, at));
            appearances.extend((at > start).then_some(at));
            age += chance.between(days_long(80), days_long(160));
        }
    }
    appearances.sort_unstable();
    let datasets: Vec<_> = LOCALES.iter().enumerate().flat_map(datasets).collect();
    let shows_old = chance.hits(0.3);
    let update_status = if chance.hits(0.5) { "Running" } else { "Succeeded" };
    let text = json!({
        "now": start.to_string(),
        "rate": 0.0,
        "resources": { RESOURCE: {
            "key1": KEY,
            "rateLimit": { "requests": 0, "perSeconds": 10.0 },
            "showOldModelUntilRedeployed": shows_old,
            "updateStatus": update_status,
            "baseModels": base_models,
            "datasets": datasets,
        } },
    });
    let emulator = Emulator::new(Seed::parse(&text.to_string())?);
    emulator.derive_ids_from(weigh(seed, "ids"));
    emulator.stand_at(start);
    Ok(World { emulator, appearances })
}

fn days_long(days: i64) -> SignedDuration {
    SignedDuration::from_hours(days * 24)
}

/// The dates of its end are left to the emulator's rules.
fn base_model(seed: u64, locale: &str, number: usize, at: Timestamp) -> Value {
    let id = Uuid::from_u64_pair(weigh(seed, (locale, at)), number as u64);
    json!({
        "id": id.to_string(),
        "displayName": at.strftime("%Y%m%d").to_string(),
        "locale": locale,
        "createdDateTime": at.to_string(),
    })
}

fn datasets((number, locale): (usize, &&str)) -> Vec<Value> {
    let dataset = |id: String, kind: &str| json!({ "id": id, "displayName": kind, "locale": locale, "kind": kind });
    let mut all: Vec<_> = (0..DATASETS)
        .map(|index| dataset(text_dataset(number, index), "Language"))
        .collect();
    all.push(dataset(audio_dataset(number), "Acoustic"));
    all
}

/// The id of a text dataset of a locale.
pub fn text_dataset(locale: usize, index: usize) -> String {
    Uuid::from_u64_pair(locale as u64 + 1, (index % DATASETS) as u64 + 1).to_string()
}

/// The id of the text dataset that follows another.
pub fn next_text_dataset(locale: usize, before: &str) -> String {
    let number = (0..DATASETS).find(|index| text_dataset(locale, *index) == before);
    text_dataset(locale, number.unwrap_or(0) + 1)
}

/// The id of the dataset of a locale that has audio.
pub fn audio_dataset(locale: usize) -> String {
    Uuid::from_u64_pair(locale as u64 + 1, 99).to_string()
}
