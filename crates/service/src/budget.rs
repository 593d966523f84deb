//! How many requests may start: the budget that all callers of one Speech resource share.
//!
//! The service counts requests in a window of ten seconds. A token bucket that refills steadily allows nearly twice its
//! size in such a window; here every token comes back exactly one window after it was spent.
mod shares;

pub use shares::Shares;

use crate::request::Lane;
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
    time::Duration,
};
use tokio::{
    sync::Notify,
    time::{Instant, sleep_until},
};

/// How long all lanes rest after a 429 that does not say.
const DEFAULT_BLOCK: Duration = Duration::from_secs(1);
/// How long a `Retry-After` may stop us at most.
const LONGEST_BLOCK: Duration = Duration::from_secs(3600);
/// How long it may stop what must happen before a date.
const LONGEST_DEADLINE_BLOCK: Duration = Duration::from_secs(300);
/// Who is told to wait so long is throttled, and need not be told twice.
const LONG_BLOCK: Duration = Duration::from_secs(20);
/// A storm is over when so long no 429 came.
const CALM: Duration = Duration::from_secs(300);
/// Bounds of the window, so that no arithmetic on instants can overflow.
const WINDOW_BOUNDS: (Duration, Duration) = (Duration::from_millis(1), Duration::from_secs(86_400));

/// What a budget is doing, for metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BudgetUsage {
    /// Requests that started within the window that ends now.
    pub in_window: u32,
    /// What was configured.
    pub limit: u32,
    /// What is left of it after the service throttled us.
    pub effective_limit: u32,
    /// Until when nothing starts at all.
    pub blocked_until: Option<Instant>,
    /// Callers that wait for their turn.
    pub waiting: usize,
    /// Whether the service throttles us: from the moment at which a quarter of the limit or less is left, until half of it
    /// has grown back and no 429 came for five minutes. One 429 now and then is no storm.
    pub is_throttled: bool,
}

/// At most so many request starts in any window of a given length, shared by three lanes.
#[derive(Debug)]
pub struct Budget {
    state: Mutex<State>,
    throttling: Notify,
    /// The budget that is drawn on in place of this one, because both are of one Speech resource.
    joined: RwLock<Option<Arc<Budget>>>,
}

#[derive(Debug)]
struct State {
    unlimited: bool,
    limit: u32,
    per: Duration,
    effective: u32,
    /// The newest starts, oldest first; never more than `limit`.
    starts: VecDeque<(Instant, Lane)>,
    /// How many starts dates may need within a window, if that is known.
    dated: Option<u32>,
    /// How many others draw on this budget, of whose dates nothing is known here.
    guests: u32,
    blocked_until: Option<Instant>,
    /// Until when not even what must happen before a date starts.
    deadlines_blocked_until: Option<Instant>,
    /// Whether little was left of the limit since it was last whole.
    is_throttled: bool,
    /// When the service last answered 429.
    refused_at: Option<Instant>,
    /// When the effective limit last changed.
    adjusted_at: Option<Instant>,
    /// Who waits, in the order of arrival. Only the first of each lane has a timer; it wakes its successor.
    waiting: BTreeMap<Ticket, Arc<Notify>>,
    next_number: u64,
}

/// Lane first, then first come, first served.
type Ticket = (Lane, u64);

const LANES: [Lane; 3] = [Lane::Deadline, Lane::UserChange, Lane::Sweep];

impl Budget {
    /// A budget of `requests` (at least 1) in any window of `per` (1 ms to a day).
    pub fn new(requests: u32, per: Duration) -> Self {
        let limit = requests.max(1);
        Self {
            throttling: Notify::new(),
            joined: RwLock::default(),
            state: Mutex::new(State {
                unlimited: false,
                limit,
                per: per.clamp(WINDOW_BOUNDS.0, WINDOW_BOUNDS.1),
                effective: limit,
                starts: VecDeque::new(),
                dated: None,
                guests: 0,
                blocked_until: None,
                deadlines_blocked_until: None,
                is_throttled: false,
                refused_at: None,
                adjusted_at: None,
                waiting: BTreeMap::new(),
                next_number: 0,
            }),
        }
    }

    /// A budget that holds nothing back, for a simulation that has a time of its own and counts by itself.
    pub fn unlimited() -> Self {
        let budget = Self::new(1, WINDOW_BOUNDS.0);
        budget.lock().unlimited = true;
        budget
    }

    /// Draws on another budget from now on, or on this one again. What that one draws on itself does not count.
    pub fn join(&self, other: Option<Arc<Self>>) {
        let gains = other.clone();
        let loses = std::mem::replace(&mut *self.joined.write().unwrap_or_else(PoisonError::into_inner), other);
        if let Some(host) = loses {
            let mut host = host.lock();
            host.guests = host.guests.saturating_sub(1);
            host.wake_heads();
        }
        if let Some(host) = gains {
            host.lock().guests += 1;
        }
        self.lock().wake_heads();
    }

    /// Keeps room for so many requests that may have to start within a window because of a date. What is kept at least and
    /// at most, [`Shares`] says.
    pub fn keep_for_dates(&self, dated: u32) {
        let mut state = self.lock();
        if state.dated != Some(dated) {
            state.dated = Some(dated);
            state.wake_heads();
        }
    }

    fn joined(&self) -> Option<Arc<Self>> {
        self.joined.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until one request of this lane may start, and counts it. A caller that is dropped while waiting loses nothing.
    pub async fn acquire(&self, lane: Lane) {
        match self.joined() {
            Some(other) => other.acquire_here(lane).await,
            None => self.acquire_here(lane).await,
        }
    }

    async fn acquire_here(&self, lane: Lane) {
        let place = {
            let mut state = self.lock();
            let now = Instant::now();
            if state.unlimited || state.head(lane).is_none() && state.start(lane, now).is_ok() {
                return;
            }
            self.queue(&mut state, lane)
        };
        loop {
            let turn = {
                let mut state = self.lock();
                let is_head = state.head(lane) == Some(place.ticket);
                is_head.then(|| state.start(lane, Instant::now()))
            };
            match turn {
                Some(Ok(())) => return,
                Some(Err(Some(at))) => tokio::select! {
                    () = sleep_until(at) => {}
                    () = place.wake.notified() => {}
                },
                Some(Err(None)) | None => place.wake.notified().await,
            }
        }
    }

    /// Tells that the service refuses by reason of too many requests: halves the rate and stops all lanes for `retry_after`
    /// (one second when absent; an hour at most, and five minutes for what has a deadline). Answers that arrive while stopped were sent before: they prolong, but do not halve again.
    pub fn throttled(&self, retry_after: Option<Duration>) {
        match self.joined() {
            Some(other) => other.throttled_here(retry_after),
            None => self.throttled_here(retry_after),
        }
    }

    fn throttled_here(&self, retry_after: Option<Duration>) {
        let now = Instant::now();
        let mut state = self.lock();
        state.refused_at = Some(now);
        if state.blocked_until.is_none_or(|until| until <= now) {
            state.effective = (state.effective / 2).max(1);
            state.adjusted_at = Some(now);
            if state.effective <= (state.limit / 4).max(1) && state.effective < state.limit {
                self.tell(&mut state, true);
            }
        }
        let wait = retry_after.unwrap_or(DEFAULT_BLOCK).min(LONGEST_BLOCK);
        if wait >= LONG_BLOCK {
            self.tell(&mut state, true);
        }
        state.blocked_until = state.blocked_until.max(Some(now + wait));
        let deadlines = Some(now + wait.min(LONGEST_DEADLINE_BLOCK));
        state.deadlines_blocked_until = state.deadlines_blocked_until.max(deadlines);
    }

    /// Tells that the service answered: a throttled budget grows by a tenth of its limit for each window since it last
    /// changed.
    pub fn succeeded(&self) {
        match self.joined() {
            Some(other) => other.succeeded_here(),
            None => self.succeeded_here(),
        }
    }

    fn succeeded_here(&self) {
        let now = Instant::now();
        let mut state = self.lock();
        let rested = state
            .adjusted_at
            .map_or(1, |at| now.duration_since(at).as_nanos() / state.per.as_nanos());
        let tenths = u32::try_from(rested.min(10)).unwrap_or(10);
        if state.effective < state.limit && tenths > 0 {
            state.effective = (state.effective + (state.limit / 10).max(1) * tenths).min(state.limit);
            state.adjusted_at = Some(now);
            state.wake_heads();
        }
        let calm = state.refused_at.is_none_or(|at| now.duration_since(at) >= CALM);
        if calm && state.effective >= state.limit.div_ceil(2) {
            self.tell(&mut state, false);
        }
    }

    /// Takes another limit from now on; a throttled budget stays throttled.
    pub fn reconfigure(&self, requests: u32, per: Duration) {
        let mut state = self.lock();
        let limit = requests.max(1);
        let throttled = state.effective < state.limit;
        state.effective = if throttled { state.effective.min(limit) } else { limit };
        state.limit = limit;
        state.per = per.clamp(WINDOW_BOUNDS.0, WINDOW_BOUNDS.1);
        state.wake_heads();
    }

    /// What the budget is doing now.
    pub fn usage(&self) -> BudgetUsage {
        match self.joined() {
            Some(other) => other.usage_here(),
            None => self.usage_here(),
        }
    }

    fn usage_here(&self) -> BudgetUsage {
        let now = Instant::now();
        let state = self.lock();
        BudgetUsage {
            in_window: state.in_window(now).0,
            limit: state.limit,
            effective_limit: state.effective,
            blocked_until: state.blocked_until.filter(|until| *until > now),
            waiting: state.waiting.len(),
            is_throttled: state.is_throttled,
        }
    }

    /// How long nothing of a lane starts, because the service asked for a pause.
    pub fn pause(&self, lane: Lane) -> Duration {
        let now = Instant::now();
        let until = match self.joined() {
            Some(other) => other.lock().blocked(lane),
            None => self.lock().blocked(lane),
        };
        until.map_or(Duration::ZERO, |until| until.saturating_duration_since(now))
    }

    /// Waits until the service begins or ceases to throttle us.
    pub async fn throttling_changed(&self) {
        self.throttling.notified().await;
    }

    fn tell(&self, state: &mut State, is_throttled: bool) {
        if state.is_throttled != is_throttled {
            state.is_throttled = is_throttled;
            self.throttling.notify_one();
        }
    }

    fn queue(&self, state: &mut State, lane: Lane) -> Place<'_> {
        let ticket = (lane, state.next_number);
        state.next_number += 1;
        let wake = Arc::new(Notify::new());
        state.waiting.insert(ticket, wake.clone());
        Place {
            budget: self,
            ticket,
            wake,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Who of a lane is served next.
    fn head(&self, lane: Lane) -> Option<Ticket> {
        let first = self.waiting.range((lane, 0)..).next()?.0;
        (first.0 == lane).then_some(*first)
    }

    fn wake_heads(&self) {
        for head in LANES.iter().filter_map(|lane| self.head(*lane)) {
            if let Some(wake) = self.waiting.get(&head) {
                wake.notify_one();
            }
        }
    }

    fn shares(&self) -> Shares {
        Shares::of(self.effective, self.dated.filter(|_| self.guests == 0))
    }

    /// Counts a start now; or says when to try again, which is nobody knows when while another lane goes first.
    fn start(&mut self, lane: Lane, now: Instant) -> Result<(), Option<Instant>> {
        if let Some(at) = self.opens(lane, now) {
            return Err(Some(at));
        }
        let goes_first = |other: &Lane| self.head(*other).is_some() && self.opens(*other, now).is_none();
        if self.ahead_of(lane, now).iter().any(goes_first) {
            return Err(None);
        }
        self.starts.push_back((now, lane));
        while self.starts.len() > usize::try_from(self.limit).unwrap_or(usize::MAX) {
            self.starts.pop_front();
        }
        Ok(())
    }

    /// The lanes that go first: dates before all, and looks before changes while they have not had their share.
    fn ahead_of(&self, lane: Lane, now: Instant) -> &'static [Lane] {
        let looks_first = self.shares().owes_looks(self.in_window(now).1);
        match (lane, looks_first) {
            (Lane::Deadline, _) => &[],
            (Lane::UserChange, true) => &[Lane::Deadline, Lane::Sweep],
            (Lane::UserChange, false) | (Lane::Sweep, true) => &[Lane::Deadline],
            (Lane::Sweep, false) => &[Lane::Deadline, Lane::UserChange],
        }
    }

    /// When a lane has room for another start; nothing if it has now.
    fn opens(&self, lane: Lane, now: Instant) -> Option<Instant> {
        if let Some(until) = self.blocked(lane).filter(|until| *until > now) {
            return Some(until);
        }
        let (shares, (mut total, mut looks)) = (self.shares(), self.in_window(now));
        if total < shares.room(lane, looks) {
            return None;
        }
        let within = self.starts.len() - usize::try_from(total).unwrap_or(usize::MAX);
        for (start, of) in self.starts.iter().skip(within) {
            total -= 1;
            looks -= u32::from(*of == Lane::Sweep);
            if total < shares.room(lane, looks) {
                return Some(*start + self.per);
            }
        }
        None
    }

    fn blocked(&self, lane: Lane) -> Option<Instant> {
        match lane {
            Lane::Deadline => self.deadlines_blocked_until,
            Lane::UserChange | Lane::Sweep => self.blocked_until,
        }
    }

    /// How many starts the window that ends now holds, and how many of them are looks.
    fn in_window(&self, now: Instant) -> (u32, u32) {
        let gone = self.starts.partition_point(|(start, _)| *start + self.per <= now);
        let within = || self.starts.iter().skip(gone);
        let looks = within().filter(|(_, lane)| *lane == Lane::Sweep).count();
        let count = |number| u32::try_from(number).unwrap_or(u32::MAX);
        (count(within().count()), count(looks))
    }
}

/// A place in the queue; leaving it, served or not, wakes those who are first then.
struct Place<'a> {
    budget: &'a Budget,
    ticket: Ticket,
    wake: Arc<Notify>,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut state = self.budget.lock();
        state.waiting.remove(&self.ticket);
        state.wake_heads();
    }
}

#[cfg(test)]
mod tests;
