//! Keeps the token of one credential: gives it to every request, and renews it before its end.
//!
//! A renewal runs beside the requests, and a renewal that fails is nobody's trouble while the token lives: then the last
//! failure is. One fetch runs at a time. After a renewal that failed comes a pause that grows; who has no token at all asks
//! at a pace of its own, and many who ask at once hear of one failure.
//!
//! Times are those of a clock that never jumps. What it does not see, such as a machine that slept, ends in a 401, and the
//! token is fetched again.
use super::token::{AccessToken, Fetched, TokenError, TokenSource, TokenTrouble};
use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::time::Instant;

/// The longest that a fetch may take.
const LONGEST_FETCH: Duration = Duration::from_secs(20);
/// So long before its end a token is renewed, unless half of its life is later.
const BEFORE_THE_END: Duration = Duration::from_secs(300);
/// A token is used until so long before its end, or a tenth of its life if that is less: it travels for a while.
const MARGIN: Duration = Duration::from_secs(10);
/// No authority gives tokens that live longer; what claims more is renewed after this.
const LONGEST_LIFE: Duration = Duration::from_secs(24 * 3600);
/// The pause after the first failure. Each further one doubles that of renewals.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// A token that was never accepted is refused for what it says, unless it is older than this.
const YOUNG: Duration = Duration::from_secs(60);

/// The keeper of one token. Clones share it.
#[derive(Clone)]
pub struct TokenKeeper(Arc<Inner>);

struct Inner {
    source: Box<dyn TokenSource>,
    state: Mutex<State>,
    fetching: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Default)]
struct State {
    token: Option<Arc<Kept>>,
    failed: Option<Failed>,
}

struct Failed {
    error: TokenError,
    count: u32,
    at: Instant,
}

impl Failed {
    /// When a token that still lives is worth another try.
    fn renew_at(&self) -> Instant {
        let doubled = FIRST_PAUSE * 2_u32.saturating_pow(self.count.saturating_sub(1).min(10));
        self.at + doubled.min(LONGEST_PAUSE)
    }
}

/// A token in use.
#[derive(Debug)]
pub(super) struct Kept {
    pub token: AccessToken,
    since: Instant,
    renew_at: Instant,
    ends: Instant,
    was_accepted: AtomicBool,
}

impl Kept {
    fn new(fetched: Fetched) -> Self {
        let now = Instant::now();
        let lives = fetched.lives.min(LONGEST_LIFE);
        Self {
            token: fetched.token,
            since: now,
            renew_at: now + lives.saturating_sub(BEFORE_THE_END).max(lives / 2),
            ends: now + lives.saturating_sub(MARGIN.min(lives / 10)),
            was_accepted: AtomicBool::new(false),
        }
    }

    /// The service accepts it.
    pub(super) fn accepted(&self) {
        self.was_accepted.store(true, Ordering::Relaxed);
    }
}

impl TokenKeeper {
    pub fn new(source: impl TokenSource + 'static) -> Self {
        Self(Arc::new(Inner {
            source: Box::new(source),
            state: Mutex::default(),
            fetching: Arc::default(),
        }))
    }

    /// The token of this moment; waits only where there is none that lives.
    pub(super) async fn token(&self) -> Result<Arc<Kept>, TokenError> {
        if let Some(token) = self.living() {
            self.renew_beside(&token);
            return Ok(token);
        }
        let asked = Instant::now();
        let _turn = self.0.fetching.lock().await;
        // Whoever had the turn before may have brought one, or the news that there is none.
        if let Some(token) = self.living() {
            return Ok(token);
        }
        let lately = Instant::now().checked_sub(FIRST_PAUSE);
        match self.failure_after(lately.map_or(asked, |lately| lately.min(asked))) {
            Some(error) => Err(error),
            None => self.fetch().await,
        }
    }

    /// The service refuses this token. Returns whether another one is worth a try.
    pub(super) fn refused(&self, refused: &Arc<Kept>) -> bool {
        let mut state = self.state();
        match &state.token {
            Some(token) if Arc::ptr_eq(token, refused) => {
                let is_old = refused.since.elapsed() > YOUNG || refused.was_accepted.load(Ordering::Relaxed);
                if is_old {
                    state.token = None;
                }
                is_old
            }
            // It was replaced meanwhile.
            Some(_) | None => true,
        }
    }

    fn living(&self) -> Option<Arc<Kept>> {
        let now = Instant::now();
        self.state().token.clone().filter(|token| token.ends > now)
    }

    fn failure_after(&self, time: Instant) -> Option<TokenError> {
        let state = self.state();
        let failed = state.failed.as_ref().filter(|failed| failed.at > time)?;
        Some(failed.error.clone())
    }

    fn is_renewal_due(&self, token: &Kept) -> bool {
        let now = Instant::now();
        let pauses = |failed: &Failed| failed.renew_at() > now;
        token.renew_at <= now && !self.state().failed.as_ref().is_some_and(pauses)
    }

    /// Renews a token whose time has come, while it goes on being used.
    fn renew_beside(&self, token: &Kept) {
        if !self.is_renewal_due(token) {
            return;
        }
        if let Ok(turn) = Arc::clone(&self.0.fetching).try_lock_owned() {
            let keeper = self.clone();
            tokio::spawn(async move {
                if let Err(error) = keeper.fetch().await {
                    tracing::info!(%error, "a token could not be renewed yet; the one in use is still good");
                }
                drop(turn);
            });
        }
    }

    async fn fetch(&self) -> Result<Arc<Kept>, TokenError> {
        let fetched = tokio::time::timeout(LONGEST_FETCH, self.0.source.fetch()).await;
        let fetched = fetched.unwrap_or_else(|_| {
            let message = format!("no token came within {} s", LONGEST_FETCH.as_secs());
            Err(TokenError::new(TokenTrouble::Unavailable, message))
        });
        let mut state = self.state();
        match fetched {
            Ok(fetched) => {
                let token = Arc::new(Kept::new(fetched));
                *state = State {
                    token: Some(Arc::clone(&token)),
                    failed: None,
                };
                Ok(token)
            }
            Err(error) => {
                let count = state.failed.as_ref().map_or(0, |failed| failed.count);
                state.failed = Some(Failed {
                    error: error.clone(),
                    count: count.saturating_add(1),
                    at: Instant::now(),
                });
                Err(error)
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for TokenKeeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenKeeper")
    }
}

#[cfg(test)]
mod tests;
