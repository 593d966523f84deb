//! The client of a connection: looks at spec and Secret, and makes or changes the client as the plan says.
use super::credential::{self, Unlinked};
use crate::controller::{
    Context,
    guard::ReconcileError,
    remote::{Link, Remote},
    wake,
};
use jiff::Timestamp;
use kube::{ResourceExt, runtime::reflector::ObjectRef};
use speech_api::SpeechConnection;
use speech_plan::connection::{
    Contact, Obstacle,
    identity::SecretVersion,
    link::{self, Current, Knowledge, LastKey, LookUp, NextClient},
};
use speech_service::{BaseUrl, Client};
use std::sync::Arc;

/// Brings the client up to date with spec and Secret; the Secret is read only when one of them says something new. Tells
/// until when deletions may use the last credential, where there is no other any more.
pub async fn reach(
    context: &Context,
    connection: &SpeechConnection,
    remote: &Remote,
) -> Result<Option<Timestamp>, ReconcileError> {
    let obstacle = match relink(context, connection, remote).await {
        Ok(()) => return Ok(None),
        Err(Unlinked::Unread(error)) => return Err(error),
        Err(Unlinked::Blocked(obstacle)) => obstacle,
    };
    let current = remote.link();
    let last_key = link::last_key(current.as_ref().map(as_seen).as_ref(), context.clock.now());
    let last_key_until = match last_key {
        LastKey::None => None,
        LastKey::Usable { since, until } => {
            remote.retire(since);
            Some(until)
        }
        LastKey::Over => {
            remote.unlink();
            None
        }
    };
    let key = ObjectRef::from_obj(connection);
    remote.set_contact(context, &key, Contact::Blocked(obstacle));
    Ok(last_key_until)
}

/// The client in use as the plan has to know it.
fn as_seen(link: &Link) -> Current<'_, Client> {
    Current {
        client: &link.client,
        made_from: &link.made_from,
        retired: link.retired,
        is_trusted: link.client.is_trusted(),
    }
}

async fn relink(context: &Context, connection: &SpeechConnection, remote: &Remote) -> Result<(), Unlinked> {
    let base = address(context, &connection.spec.endpoint)?;
    let secret = secret_version(context, connection);
    let looked_up = {
        let in_use = remote.link();
        let current = in_use.as_ref().map(as_seen);
        link::look_up(connection, base.as_str(), secret, &context.lending, current.as_ref())?
    };
    let source = match looked_up {
        LookUp::Keep => return Ok(()),
        LookUp::Make(source) => source,
    };
    let credential = credential::make(context, connection, &source).await?;
    // Meanwhile a sweep may have recognised the resource.
    let in_use = remote.link();
    let current = in_use.as_ref().map(as_seen);
    let has_same_key = current
        .as_ref()
        .is_some_and(|current| current.client.has_key(&credential));
    let (known, contact) = (remote.known(), remote.contact().clone());
    let change = link::change(&source, current.as_ref(), has_same_key, known.as_ref(), &contact);
    let client = if let NextClient::Rekeyed(client) = change.client {
        // The other credential may be for another resource, for which nothing must leave that waits for its turn.
        client.trust(change.is_trusted);
        client.authenticate(credential);
        client.clone()
    } else {
        let (transport, budget) = (Arc::clone(&context.transport), Arc::clone(&remote.budget));
        let client = Client::new(
            transport,
            base,
            source.version,
            credential,
            budget,
            context.metrics.clone(),
        );
        measuring(context, remote, client.patient())
    };
    match change.knowledge {
        Knowledge::Stays => {}
        Knowledge::Begins => remote.know_by(source.reaches()),
        Knowledge::Moves => remote.stays(source.reaches()),
    }
    let key = ObjectRef::from_obj(connection);
    if change.ends_trouble {
        remote.set_contact(context, &key, Contact::Pending);
    }
    client.trust(change.is_trusted);
    remote.relink(Link {
        client,
        made_from: source,
        retired: None,
    });
    if matches!(change.client, NextClient::Other) {
        wake::dependents(context, &key);
    }
    Ok(())
}

/// The address of a spec, if it can be and may be called.
fn address(context: &Context, endpoint: &str) -> Result<BaseUrl, Obstacle> {
    let base = BaseUrl::parse(endpoint, context.allow_http).map_err(|error| link::no_address(&error))?;
    let allowed = context.allowed_hosts.check(&base);
    allowed.map(|()| base).map_err(|refusal| link::not_allowed(&refusal))
}

/// The state of the Secret that a spec names, as the watch knows it.
fn secret_version(context: &Context, connection: &SpeechConnection) -> Option<SecretVersion> {
    let key = ObjectRef::new(&connection.spec.auth.secret()?.name).within(&connection.namespace().unwrap_or_default());
    let known = context.stores.secrets.get(&key)?;
    Some(SecretVersion {
        uid: known.uid().unwrap_or_default(),
        resource_version: known.resource_version().unwrap_or_default(),
    })
}

/// Compares the service's clock with ours at every answer, where they are two.
fn measuring(context: &Context, remote: &Remote, client: Client) -> Client {
    if context.clock.is_the_services() {
        return client;
    }
    let clock = context.clock.clone();
    client.measuring(Arc::clone(&remote.meter), move || clock.now())
}
