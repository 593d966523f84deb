//! Whether this process may change anything now.
use super::timing::Timing;
use std::time::{Duration, SystemTime};
use tokio::{sync::watch, time::Instant};

/// Asked before anything is changed, here or in the Speech service. Cheap to clone and to ask.
#[derive(Clone, Debug)]
pub struct Leadership {
    standing: watch::Receiver<Standing>,
}

/// The other end: only the election says who leads.
#[derive(Debug)]
pub(super) struct Office(watch::Sender<Standing>);

#[derive(Clone, Copy, Debug)]
enum Standing {
    /// There is no election.
    Unrivalled,
    Standby,
    Leads(Hold),
    Over,
}

/// Since when, and for how long.
#[derive(Clone, Copy, Debug)]
struct Hold {
    began: Instant,
    /// A machine that was suspended finds its monotonic clock where it stood, and others in office.
    began_by_wall: SystemTime,
    timing: Timing,
}

/// A change that was not made, because this process does not lead, or perhaps not long enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Withheld {
    /// Another replica leads.
    #[error("not sent: this replica stands by")]
    Standby,
    /// The Lease was not renewed for so long that a change could come after its end.
    #[error("not sent: too little is left of this replica's lease")]
    RunningOut,
    /// This process has led.
    #[error("not sent: this replica leads no more")]
    Over,
}

impl Hold {
    /// How long ago the renewal began that we live on. A wall clock that was set forward only makes us renew first.
    fn age(&self) -> Duration {
        let by_wall = self.began_by_wall.elapsed().unwrap_or_default();
        self.began.elapsed().max(by_wall)
    }

    fn lasts(&self, reserve: Duration) -> bool {
        self.age() + reserve < self.timing.renew_deadline()
    }
}

impl Leadership {
    /// Where nobody else acts.
    pub fn unrivalled() -> Self {
        let standing = watch::Sender::new(Standing::Unrivalled);
        Self {
            standing: standing.subscribe(),
        }
    }

    /// A replica that stands by, and who may change that.
    pub(super) fn standby() -> (Office, Self) {
        let standing = watch::Sender::new(Standing::Standby);
        let leadership = Self {
            standing: standing.subscribe(),
        };
        (Office(standing), leadership)
    }

    fn standing(&self) -> Standing {
        *self.standing.borrow()
    }

    /// Whether a change may leave now. To be asked right before: a process may have been stopped at any earlier point.
    pub fn check(&self) -> Result<(), Withheld> {
        match self.standing() {
            Standing::Unrivalled => Ok(()),
            Standing::Leads(hold) if hold.lasts(hold.timing.reserve()) => Ok(()),
            Standing::Leads(_) => Err(Withheld::RunningOut),
            Standing::Standby => Err(Withheld::Standby),
            Standing::Over => Err(Withheld::Over),
        }
    }

    /// Whether a change that has left may go on.
    pub fn holds(&self) -> bool {
        match self.standing() {
            Standing::Unrivalled => true,
            Standing::Leads(hold) => hold.lasts(Duration::ZERO),
            Standing::Standby | Standing::Over => false,
        }
    }

    /// Waits until a change may leave: for the renewal that is under way, for example. Ends with an error when none ever may.
    pub async fn secured(&self) -> Result<(), Withheld> {
        let mut standing = self.standing.clone();
        loop {
            standing.mark_unchanged();
            match self.check() {
                Err(Withheld::RunningOut) if standing.changed().await.is_ok() => {}
                answer => return answer,
            }
        }
    }

    /// Whether this replica acts.
    pub fn leads(&self) -> bool {
        matches!(self.standing(), Standing::Unrivalled | Standing::Leads(_))
    }
}

impl Office {
    /// We lead, by a write that began then.
    pub(super) fn hold(&self, began: (Instant, SystemTime), timing: Timing) {
        self.0.send_replace(Standing::Leads(Hold {
            began: began.0,
            began_by_wall: began.1,
            timing,
        }));
    }

    /// We lead no more, for good.
    pub(super) fn leave(&self) {
        self.0.send_replace(Standing::Over);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> (Instant, SystemTime) {
        (Instant::now(), SystemTime::now())
    }

    #[tokio::test(start_paused = true)]
    async fn a_change_may_leave_only_while_enough_is_left_of_the_lease() {
        let (office, leadership) = Leadership::standby();
        assert_eq!(leadership.check(), Err(Withheld::Standby));
        assert!(!leadership.leads() && !leadership.holds());
        office.hold(now(), Timing::default());
        assert_eq!(leadership.check(), Ok(()));
        tokio::time::advance(Duration::from_millis(7_900)).await;
        assert_eq!(leadership.check(), Ok(()));
        tokio::time::advance(Duration::from_millis(200)).await;
        assert_eq!(leadership.check(), Err(Withheld::RunningOut));
        assert!(leadership.holds(), "what has left may go on");
        tokio::time::advance(Duration::from_secs(2)).await;
        assert!(!leadership.holds());
        office.hold(now(), Timing::default());
        assert!(leadership.check().is_ok() && leadership.holds());
        office.leave();
        assert_eq!(leadership.check(), Err(Withheld::Over));
        assert!(!leadership.leads() && !leadership.holds());
    }

    #[tokio::test(start_paused = true)]
    async fn a_machine_that_was_suspended_renews_before_it_changes_anything() {
        let (office, leadership) = Leadership::standby();
        let an_hour_ago = SystemTime::now() - Duration::from_secs(3600);
        office.hold((Instant::now(), an_hour_ago), Timing::default());
        assert_eq!(leadership.check(), Err(Withheld::RunningOut));
        assert!(!leadership.holds());
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_for_a_renewal_goes_on_with_it_or_hears_that_there_is_none() {
        let (office, leadership) = Leadership::standby();
        office.hold(now(), Timing::default());
        assert_eq!(leadership.secured().await, Ok(()));
        tokio::time::advance(Duration::from_secs(9)).await;
        let (secured, ()) = tokio::join!(leadership.secured(), async { office.hold(now(), Timing::default()) });
        assert_eq!(secured, Ok(()));
        tokio::time::advance(Duration::from_secs(9)).await;
        let (secured, ()) = tokio::join!(leadership.secured(), async { office.leave() });
        assert_eq!(secured, Err(Withheld::Over));
    }
}
