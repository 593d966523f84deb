//! The queues by which somebody is woken.
use kube::runtime::reflector::ObjectRef;
use speech_api::{SpeechConnection, SpeechEndpoint, SpeechModel};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// The queues into the three controllers; a queue holds an object once, however often it is woken.
#[derive(Debug)]
pub struct Wakes {
    connections: UnboundedSender<ObjectRef<SpeechConnection>>,
    models: UnboundedSender<ObjectRef<SpeechModel>>,
    endpoints: UnboundedSender<ObjectRef<SpeechEndpoint>>,
}

/// The other ends.
#[derive(Debug)]
pub struct Sleepers {
    /// SpeechConnections to look at.
    pub connections: UnboundedReceiver<ObjectRef<SpeechConnection>>,
    /// SpeechModels to look at.
    pub models: UnboundedReceiver<ObjectRef<SpeechModel>>,
    /// SpeechEndpoints to look at.
    pub endpoints: UnboundedReceiver<ObjectRef<SpeechEndpoint>>,
}

/// A model or an endpoint that can be woken.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Sleeper {
    Model(ObjectRef<SpeechModel>),
    Endpoint(ObjectRef<SpeechEndpoint>),
}

impl Sleepers {
    /// Looks at nothing: drops what is woken while nobody may act. Ends when the process does.
    pub async fn doze(&mut self) {
        loop {
            let queued = tokio::select! {
                woken = self.connections.recv() => woken.is_some(),
                woken = self.models.recv() => woken.is_some(),
                woken = self.endpoints.recv() => woken.is_some(),
            };
            if !queued {
                return;
            }
        }
    }
}

impl Wakes {
    /// The queues and their ends.
    pub fn new() -> (Self, Sleepers) {
        let ((connections, c), (models, m), (endpoints, e)) =
            (unbounded_channel(), unbounded_channel(), unbounded_channel());
        (
            Self {
                connections,
                models,
                endpoints,
            },
            Sleepers {
                connections: c,
                models: m,
                endpoints: e,
            },
        )
    }

    /// A connection has to be looked at.
    pub fn wake_connection(&self, key: &ObjectRef<SpeechConnection>) {
        // A closed queue means that the process is ending.
        drop(self.connections.send(key.clone()));
    }

    /// A model or an endpoint has to be looked at.
    pub fn wake(&self, sleeper: Sleeper) {
        match sleeper {
            Sleeper::Model(key) => drop(self.models.send(key)),
            Sleeper::Endpoint(key) => drop(self.endpoints.send(key)),
        }
    }

    pub(super) fn model(&self, model: &SpeechModel) {
        drop(self.models.send(ObjectRef::from_obj(model)));
    }

    pub(super) fn endpoint(&self, endpoint: &SpeechEndpoint) {
        drop(self.endpoints.send(ObjectRef::from_obj(endpoint)));
    }
}
