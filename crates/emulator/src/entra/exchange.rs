//! The way of a request for a token: faults, the answer, the journal.
use super::Entra;
use crate::{
    Emulator,
    connection::Cut,
    fault::{Strike, Target},
    fault_reply,
    journal::{self, Entry},
    reply::Reply,
    wire,
};
use axum::{extract::ConnectInfo, response::Response};
use http::request::Parts;
use jiff::Timestamp;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// A request for a token.
pub struct Exchange {
    /// Whose token; faults and journal know it as the resource.
    pub client: String,
    /// Its name for faults and journal.
    pub operation: &'static str,
    /// What the client proves itself with.
    pub proof: Option<String>,
}

impl Exchange {
    /// Answers it, as faults say or as `work` does.
    pub async fn answer(
        self,
        emulator: &Emulator,
        parts: &Parts,
        work: impl FnOnce(&mut Entra, Timestamp) -> Reply,
    ) -> Response {
        let (at, started) = (Timestamp::now(), Instant::now());
        let target = Target {
            resource: self.client,
            method: parts.method.as_str().to_owned(),
            path: parts.uri.path().to_owned(),
            operation: self.operation,
        };
        let strike = emulator.world().faults.strike(&target);
        let action = strike.as_ref().map(|strike| &strike.action);
        if let Some(delay) = action.and_then(|action| action.delay_ms) {
            sleep(Duration::from_millis(delay)).await;
        }
        let now = Timestamp::now();
        let reply = {
            let mut world = emulator.world();
            let reply = match action.filter(|action| action.status.is_some()) {
                Some(action) => fault_reply::reply_of(action, now),
                None => work(&mut world.entra, now),
            };
            let agent = parts.headers.get("user-agent").and_then(|value| value.to_str().ok());
            let entry = Entry {
                seq: 0,
                at,
                clock: world.clock.now(),
                resource: target.resource,
                method: target.method,
                path: target.path,
                query: parts.uri.query().unwrap_or_default().to_owned(),
                operation: Some(self.operation),
                status: reply.status,
                request_body: None,
                fault: strike.as_ref().map(Strike::noted),
                key_used: None,
                key_digest: self.proof.as_deref().map(journal::digest),
                client: None,
                user_agent: agent.map(str::to_owned),
                duration_micros: journal::micros_since(started),
            };
            world.journal.record(entry);
            reply
        };
        if action.is_some_and(|action| action.lose_response.is_some()) {
            let cut = parts.extensions.get::<ConnectInfo<Cut>>();
            return wire::no_answer(cut.map(|ConnectInfo(cut)| cut));
        }
        wire::respond(reply, now, action)
    }
}
