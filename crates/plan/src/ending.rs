//! What an object rests on that is being taken away: its connection, or the SpeechModels that it follows. Nobody can take a
//! deletion back, so it is told at once and not only ahead of an expiry.
use super::{Agenda, risk::Risk, text::day_time};
use kube::ResourceExt;
use speech_api::{Reason, SpeechModel};

/// The connection is being deleted.
pub fn of_connection(name: &str, agenda: &Agenda) -> Option<Risk> {
    let since = day_time(agenda.ends_since?);
    let words = format!(
        "SpeechConnection {name} is being deleted since {since} and is kept only while objects use it. What is to go on \
         needs a connection of another name, and an object that adopts its entity"
    );
    Some((Reason::ConnectionInUse, words))
}

/// All SpeechModels that are followed are being deleted. One that stays is enough.
pub fn of_models<'a>(followed: impl IntoIterator<Item = &'a SpeechModel>) -> Option<Risk> {
    let mut words = Vec::new();
    for model in followed {
        let since = day_time(model.metadata.deletion_timestamp.as_ref()?.0);
        words.push(format!(
            "SpeechModel {} is being deleted since {since}",
            model.name_any()
        ));
    }
    (!words.is_empty()).then(|| {
        let words = words.join(", ");
        (
            Reason::ModelEnds,
            format!("{words}: nothing newer comes of it. Follow another SpeechModel"),
        )
    })
}

/// Several as one.
pub fn together(parts: impl IntoIterator<Item = Option<Risk>>) -> Option<Risk> {
    parts
        .into_iter()
        .flatten()
        .reduce(|(reason, words), (_, more)| (reason, format!("{words}; {more}")))
}
