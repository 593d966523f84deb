//! The election: stands by, claims, prolongs, gives up, releases.
use super::{
    candidate::Candidate,
    decide::{Role, Seen, Step, decide},
    leadership::{Leadership, Office},
    lease::{self, LeaseApi, LeaseError},
    timing::Timing,
};
use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::Lease;
use std::{
    future::Future,
    time::{Duration, SystemTime},
};
use tokio::time::{Instant, sleep, sleep_until, timeout, timeout_at};

/// Why a leader leads no more. There is no way back but a start: whatever was in memory may be old by now.
#[derive(Debug, thiserror::Error)]
pub enum Lost {
    /// Somebody else wrote to the Lease.
    #[error("the Lease was taken: it is held by {holder}")]
    Taken {
        /// By whom; `nobody` when it was emptied or deleted.
        holder: String,
    },
    /// It could not be renewed in time.
    #[error("the Lease could not be renewed for {} s", .0.as_secs())]
    NotRenewed(Duration),
    /// What renews it ended: our own mistake.
    #[error("the election broke off")]
    BrokeOff,
}

/// A candidate and what it knows of the Lease.
pub struct Campaign<L> {
    api: L,
    me: Candidate,
    timing: Timing,
    office: Office,
    leadership: Leadership,
    sight: Sight,
}

/// What was last seen of the Lease, and since when.
struct Sight {
    lease: Option<Lease>,
    seen: Seen,
    since: Instant,
}

impl Sight {
    fn none() -> Self {
        Self {
            lease: None,
            seen: Seen::Never,
            since: Instant::now(),
        }
    }

    /// Takes in an answer that has just come. The same resourceVersion is the same sight, however often it is read.
    fn take(&mut self, found: Option<Lease>) {
        let version = |lease: Option<&Lease>| lease.and_then(|lease| lease.metadata.resource_version.clone());
        if found.is_some() == self.lease.is_some() && version(found.as_ref()) == version(self.lease.as_ref()) {
            return;
        }
        self.since = Instant::now();
        self.seen = match (&found, &self.seen) {
            (Some(lease), _) => lease::read(lease),
            (None, Seen::There { holder, term }) => Seen::Gone {
                term: if holder.is_empty() { Duration::ZERO } else { *term },
            },
            (None, before @ (Seen::Never | Seen::Gone { .. })) => before.clone(),
        };
        self.lease = found;
    }

    fn holder(&self) -> String {
        match &self.seen {
            Seen::There { holder, .. } if !holder.is_empty() => holder.clone(),
            Seen::There { .. } | Seen::Gone { .. } | Seen::Never => "nobody".to_owned(),
        }
    }
}

/// The moment from which a write counts: before it left.
fn now() -> (Instant, SystemTime) {
    (Instant::now(), SystemTime::now())
}

impl<L: LeaseApi> Campaign<L> {
    /// Stands by.
    pub fn new(api: L, me: Candidate, timing: Timing) -> Self {
        let (office, leadership) = Leadership::standby();
        Self {
            api,
            me,
            timing,
            office,
            leadership,
            sight: Sight::none(),
        }
    }

    /// What the rest of the process asks.
    pub fn leadership(&self) -> Leadership {
        self.leadership.clone()
    }

    /// Stands by until the Lease is ours.
    pub async fn win(mut self) -> Reign<L> {
        loop {
            let looked = self.look().await;
            let before = self.sight.holder();
            let pause = match looked {
                Ok(()) => match decide(&self.sight.seen, &self.me, Role::Candidate, self.sight.since.elapsed()) {
                    Step::Create | Step::Claim | Step::Renew => match self.hold().await {
                        Ok(renewed) => return self.reign(renewed, &before),
                        Err(LeaseError::Conflict) => self.timing.pause() / 10,
                        Err(error) => self.failed(&error),
                    },
                    Step::Wait(rest) => rest.min(self.timing.retry_period()),
                    Step::Yield => self.timing.retry_period(),
                },
                Err(error) => self.failed(&error),
            };
            tokio::select! {
                () = sleep(pause) => {}
                () = self.api.changed() => {}
            }
        }
    }

    fn failed(&self, error: &LeaseError) -> Duration {
        tracing::warn!(error = %speech_service::error::chain(error), "the Lease cannot be had; it is tried again");
        self.timing.pause()
    }

    async fn look(&mut self) -> Result<(), LeaseError> {
        let found = within(self.timing.retry_period(), self.api.get()).await?;
        self.sight.take(found);
        Ok(())
    }

    /// Writes our name into the Lease as we saw it last; returns the moment from which that counts.
    async fn hold(&mut self) -> Result<(Instant, SystemTime), LeaseError> {
        let began = now();
        let before = self.sight.lease.as_ref();
        let held = lease::hold(before, &self.me, self.timing.term(), Timestamp::now());
        let written = match before {
            Some(_) => within(self.timing.retry_period(), self.api.replace(held)).await?,
            None => within(self.timing.retry_period(), self.api.create(held)).await?,
        };
        self.sight.take(Some(written));
        Ok(began)
    }

    fn reign(mut self, began: (Instant, SystemTime), before: &str) -> Reign<L> {
        if self.me.succeeds(before) {
            // Its last word, which it may have had no time for.
            tracing::warn!(
                former = before,
                "the former process of this pod ended without releasing the Lease: it was killed, ran out of memory, or could not renew it"
            );
        }
        self.office.hold(began, self.timing);
        if let Some(lease) = &self.sight.lease {
            self.api.won(lease, &self.me);
        }
        Reign {
            campaign: self,
            began: began.0,
        }
    }
}

/// Cuts off a request that takes too long: what it would tell is too old then.
async fn within<T>(limit: Duration, request: impl Future<Output = Result<T, LeaseError>>) -> Result<T, LeaseError> {
    let cut = |elapsed: tokio::time::error::Elapsed| LeaseError::Failed(Box::new(elapsed));
    timeout(limit, request).await.map_err(cut)?
}

/// The Lease is ours.
pub struct Reign<L> {
    campaign: Campaign<L>,
    /// When the renewal began that we live on.
    began: Instant,
}

impl<L: LeaseApi> Reign<L> {
    /// How often the Lease has changed hands.
    pub fn transitions(&self) -> i32 {
        self.campaign.sight.lease.as_ref().map_or(0, lease::transitions)
    }

    /// Prolongs the Lease until that fails; nothing may be changed from then on. A caller that drops this keeps what is
    /// left of the term.
    pub async fn keep(&mut self) -> Lost {
        let lost = self.renew().await;
        self.campaign.office.leave();
        lost
    }

    async fn renew(&mut self) -> Lost {
        let timing = self.campaign.timing;
        let mut next = self.began + timing.retry_period();
        loop {
            let deadline = self.began + timing.renew_deadline();
            sleep_until(next.min(deadline)).await;
            // Not the timer's word: the process may have been stopped meanwhile.
            if Instant::now() >= deadline {
                return Lost::NotRenewed(timing.renew_deadline());
            }
            let attempt = Instant::now();
            match timeout_at(deadline, self.campaign.hold()).await {
                Ok(Ok(began)) => {
                    self.began = began.0;
                    self.campaign.office.hold(began, timing);
                    next = attempt + timing.retry_period();
                }
                Ok(Err(LeaseError::Conflict)) => match timeout_at(deadline, self.campaign.look()).await {
                    Ok(Ok(())) if self.is_taken() => return self.taken(),
                    // Our own write came through, its answer did not.
                    Ok(Ok(())) => next = attempt,
                    Ok(Err(error)) => next = Instant::now() + self.campaign.failed(&error),
                    Err(_) => {}
                },
                Ok(Err(error)) => next = Instant::now() + self.campaign.failed(&error),
                Err(_) => {}
            }
        }
    }

    fn is_taken(&self) -> bool {
        let Campaign { sight, me, .. } = &self.campaign;
        decide(&sight.seen, me, Role::Leader, sight.since.elapsed()) == Step::Yield
    }

    fn taken(&self) -> Lost {
        Lost::Taken {
            holder: self.campaign.sight.holder(),
        }
    }

    /// Gives the Lease back, so that another replica takes it at once. To be called when nothing is under way any more:
    /// from here on nothing may be changed.
    pub async fn release(mut self) {
        self.campaign.office.leave();
        match within(self.campaign.timing.retry_period(), self.give_back()).await {
            Ok(()) => tracing::info!("released the Lease"),
            Err(error) => {
                tracing::warn!(error = %speech_service::error::chain(&error), "the Lease could not be released; another replica waits for the end of its term");
            }
        }
    }

    async fn give_back(&mut self) -> Result<(), LeaseError> {
        while let Some(lease) = self.campaign.sight.lease.as_ref().filter(|_| !self.is_taken()) {
            let free = lease::release(lease, Timestamp::now());
            match self.campaign.api.replace(free).await {
                // A renewal that was cut off half-way came through all the same.
                Err(LeaseError::Conflict) => self.campaign.look().await?,
                other => return other.map(drop),
            }
        }
        Ok(())
    }
}
