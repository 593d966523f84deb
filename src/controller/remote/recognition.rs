//! Asks a Speech resource that is reached in another way than before for what our objects name.
use super::{
    super::{Context, wake},
    Link, Remote,
};
use kube::runtime::reflector::ObjectRef;
use speech_api::{SpeechConnection, annotation};
use speech_plan::recognition::{Look, Recognition, recognise};
use speech_service::{
    EntityId, Error, ErrorKind, Kind, Lane, Witness,
    entity::{CustomModel, Endpoint},
};

/// So many entities that no list shows are asked for by their ids: lists may lag.
const ASKED: usize = 3;

/// Whether the resource is the one that is known.
pub async fn ask(
    context: &Context,
    key: &ObjectRef<SpeechConnection>,
    remote: &Remote,
    link: &Link,
) -> Result<Recognition, Error> {
    let expected = wake::expected(context, key);
    let (endpoints, models) = futures::try_join!(
        Endpoint::list(&link.client, Lane::Sweep),
        CustomModel::list(&link.client, Lane::Sweep)
    )?;
    let mut found = listed(&endpoints.witness(), &expected.endpoints) + listed(&models.witness(), &expected.models);
    if found == 0 {
        found += usize::from(is_any_there::<Endpoint>(link, &expected.endpoints).await?);
        found += usize::from(is_any_there::<CustomModel>(link, &expected.models).await?);
    }
    let connection = context.stores.connections.get(key);
    let accept = connection.as_ref();
    let reached = link.made_from.reaches();
    Ok(recognise(&Look {
        known: remote.known().as_ref(),
        reached: &reached,
        host: link.client.base().host(),
        recorded: expected.endpoints.len() + expected.models.len(),
        found,
        accept: accept.and_then(|connection| annotation::value(&**connection, annotation::ACCEPT_RESOURCE)),
    }))
}

fn listed<T>(list: &Witness<T>, ids: &[EntityId]) -> usize {
    ids.iter().filter(|id| list.has(**id)).count()
}

async fn is_any_there<T: Kind>(link: &Link, ids: &[EntityId]) -> Result<bool, Error> {
    for id in ids.iter().take(ASKED) {
        match T::get(&link.client, Lane::Sweep, *id).await {
            Ok(_) => return Ok(true),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(false)
}
