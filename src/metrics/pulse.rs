//! Gauges of the process's own progress. What is not known, or not the case, has no series.
use super::{
    Metrics,
    catalogue::{self, Definition},
    series::write,
};
use prometheus_client::{collector::Collector, encoding::DescriptorEncoder};
use std::{collections::BTreeMap, fmt, sync::Weak};

/// Reads the signs of life at scrape time.
#[derive(Debug)]
pub struct Pulses(pub Weak<Metrics>);

impl Collector for Pulses {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let Some(metrics) = self.0.upgrade() else { return Ok(()) };
        let watches = metrics.liveness().watches();
        // A kind may be watched in several namespaces: the longest silence counts.
        let mut silences = BTreeMap::new();
        let mut unreadable = BTreeMap::new();
        for (watched, pulse) in &watches {
            if let Some(silence) = pulse.silence() {
                let longest: &mut f64 = silences.entry(&watched.kind).or_default();
                *longest = longest.max(silence.as_secs_f64());
            }
            *unreadable.entry(&watched.kind).or_default() += pulse.unreadable().len();
        }
        by_kind(&mut encoder, &catalogue::WATCH_SILENCE, silences.into_iter())?;
        let unreadable = unreadable.into_iter().filter(|(_, count): &(_, usize)| *count > 0);
        by_kind(
            &mut encoder,
            &catalogue::UNREADABLE,
            unreadable.map(|(kind, count)| (kind, f64::from(u32::try_from(count).unwrap_or(u32::MAX)))),
        )?;
        let queues = metrics.liveness().queues();
        let waiting = queues
            .iter()
            .map(|(kind, ages)| Some((kind, ages.waiting?.as_secs_f64())));
        by_kind(&mut encoder, &catalogue::QUEUE_OLDEST, waiting.flatten())?;
        let running = queues
            .iter()
            .map(|(kind, ages)| Some((kind, ages.running?.as_secs_f64())));
        by_kind(&mut encoder, &catalogue::PASS_OLDEST, running.flatten())
    }
}

fn by_kind<'a>(
    encoder: &mut DescriptorEncoder<'_>,
    definition: &Definition,
    all: impl Iterator<Item = (&'a String, f64)>,
) -> fmt::Result {
    write(
        encoder,
        definition,
        all.map(|(kind, value)| (vec![kind.clone()], value)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_shown_when_they_are_known_and_not_before() {
        let metrics = Metrics::new();
        let pulse = metrics.liveness().watch("Secret", None);
        let series = || {
            let text = metrics.expose().unwrap();
            let lines = text.lines().filter(|line| line.contains(r#"kind="Secret""#));
            lines
                .filter_map(|line| line.split_once('{'))
                .map(|(name, _)| name.to_owned())
                .collect::<Vec<_>>()
        };
        assert!(series().is_empty());
        pulse.hear();
        pulse.cannot_read([("shop".into(), "old".into())].into());
        assert_eq!(series(), ["speech_watch_silence_seconds", "speech_unreadable_objects"]);
    }

    #[test]
    fn the_watches_of_one_kind_in_several_namespaces_are_one_series() {
        let metrics = Metrics::new();
        for (namespace, objects) in [("shop", 1), ("bank", 2)] {
            let pulse = metrics.liveness().watch("Secret", Some(namespace));
            pulse.hear();
            let names = (0..objects).map(|n| (namespace.to_owned(), n.to_string()));
            pulse.cannot_read(names.collect());
        }
        let text = metrics.expose().unwrap();
        let of_secrets: Vec<_> = text.lines().filter(|line| line.contains(r#"kind="Secret""#)).collect();
        assert_eq!(of_secrets.len(), 2, "{of_secrets:?}");
        assert!(
            text.contains("speech_unreadable_objects{kind=\"Secret\"} 3"),
            "{of_secrets:?}"
        );
    }
}
