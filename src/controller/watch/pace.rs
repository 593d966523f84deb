//! When a watch asks again, and whether it begins anew with a list: decided from how its last step ended.
use std::time::Duration;

/// The first pause after a step in vain; doubled each time.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// The longest pause while nobody answers. Short, because it delays the first change after an outage and burdens nobody.
const LONGEST_UNANSWERED: Duration = Duration::from_secs(3);
/// The longest pause while the apiserver answers and refuses.
const LONGEST_REFUSED: Duration = Duration::from_secs(30);
/// The pause before a kind without a definition is looked for again.
const ABSENT: Duration = Duration::from_secs(4);
/// After so many watches in a row that brought nothing the list is read anew: some apiservers close a watch from a version
/// that they no longer have, and never say 410.
const IN_VAIN: u32 = 3;

/// How a step of a watch ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The list was read whole.
    Listed,
    /// The watch brought something, or lasted; then it was closed.
    Closed,
    /// The watch was closed at once and brought nothing.
    ClosedBare,
    /// Nothing came for so long that the connection is taken for dead.
    Silent,
    /// The version to go on from is gone (410).
    Expired,
    /// The apiserver answered with an error, and perhaps with a time to wait.
    Refused(Option<Duration>),
    /// The kind has no definition in this cluster: there are no objects of it.
    Absent,
    /// No answer, or one that was cut off.
    Unanswered,
}

/// What a watch does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Next {
    /// How long it waits before.
    pub pause: Duration,
    /// Whether it begins anew with a list.
    pub anew: bool,
    /// Whether it waits for an apiserver that does not answer, in which case the answer to any other watch ends the wait.
    pub until_recovery: bool,
}

/// What went before.
#[derive(Debug, Default)]
pub struct Pace {
    unanswered: u32,
    refused: u32,
    in_vain: u32,
}

impl Pace {
    /// The watch is open, or brought something: it does well.
    pub fn does_well(&mut self) {
        *self = Self::default();
    }

    /// The apiserver answered; tells whether it did not before.
    pub fn is_answered(&mut self) -> bool {
        std::mem::take(&mut self.unanswered) > 0
    }

    /// Decides what follows a step. `chance` is from 0 to 1 and spreads the pauses, so that many do not ask at once.
    pub fn after(&mut self, end: End, chance: f64) -> Next {
        let at_once = Next {
            pause: Duration::ZERO,
            anew: false,
            until_recovery: false,
        };
        match end {
            // A list that can be read says nothing about watches, which may still be refused.
            End::Listed => at_once,
            End::Closed | End::Silent => {
                self.does_well();
                at_once
            }
            End::Expired => {
                self.refused = self.refused.saturating_add(1);
                // The first time is no trouble: it is how a watch that fell behind is told.
                let pause = match self.refused {
                    1 => Duration::ZERO,
                    again => pause(again - 1, LONGEST_REFUSED, chance),
                };
                Next {
                    pause,
                    anew: true,
                    ..at_once
                }
            }
            End::ClosedBare | End::Refused(_) => {
                self.refused = self.refused.saturating_add(1);
                self.in_vain = self.in_vain.saturating_add(1);
                let asked = if let End::Refused(Some(wait)) = end {
                    wait
                } else {
                    Duration::ZERO
                };
                Next {
                    pause: pause(self.refused, LONGEST_REFUSED, chance).max(asked.min(LONGEST_REFUSED)),
                    anew: self.in_vain.is_multiple_of(IN_VAIN),
                    ..at_once
                }
            }
            End::Absent => {
                self.does_well();
                Next {
                    pause: ABSENT.mul_f64(0.5 + chance.clamp(0.0, 1.0) / 2.0),
                    anew: true,
                    ..at_once
                }
            }
            End::Unanswered => {
                self.unanswered = self.unanswered.saturating_add(1);
                Next {
                    pause: pause(self.unanswered, LONGEST_UNANSWERED, chance),
                    until_recovery: true,
                    ..at_once
                }
            }
        }
    }
}

/// Half of the bound at least, and all of it at most.
fn pause(times: u32, longest: Duration, chance: f64) -> Duration {
    let bound = (FIRST_PAUSE * 2_u32.saturating_pow(times.saturating_sub(1).min(16))).min(longest);
    bound.mul_f64(0.5 + chance.clamp(0.0, 1.0) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What follows a row of ends, with the longest pauses: milliseconds, and whether it begins anew.
    fn follows(ends: &[End]) -> Vec<(u128, bool)> {
        let mut pace = Pace::default();
        let nexts = ends.iter().map(|end| pace.after(*end, 1.0));
        nexts.map(|next| (next.pause.as_millis(), next.anew)).collect()
    }

    #[test]
    fn nothing_waits_when_all_is_well() {
        let ends = [
            End::Listed,
            End::Closed,
            End::Closed,
            End::Silent,
            End::Closed,
            End::Expired,
            End::Listed,
        ];
        let quiet = [
            (0, false),
            (0, false),
            (0, false),
            (0, false),
            (0, false),
            (0, true),
            (0, false),
        ];
        assert_eq!(follows(&ends), quiet);
    }

    #[test]
    fn three_bare_closes_lead_to_a_list_and_go_on_ever_more_slowly() {
        use End::{ClosedBare, Listed};
        let ends = [
            ClosedBare, ClosedBare, ClosedBare, Listed, ClosedBare, ClosedBare, ClosedBare, Listed,
        ];
        let paced = [
            (250, false),
            (500, false),
            (1000, true),
            (0, false),
            (2000, false),
            (4000, false),
            (8000, true),
            (0, false),
        ];
        assert_eq!(follows(&ends), paced);
    }

    #[test]
    fn a_refusal_waits_half_a_minute_at_most_and_as_long_as_it_asks_for() {
        assert_eq!(follows(&[End::Refused(None); 12]).last(), Some(&(30_000, true)));
        assert_eq!(follows(&[End::Refused(Some(Duration::from_secs(7)))]), [(7000, false)]);
        assert_eq!(
            follows(&[End::Refused(Some(Duration::from_secs(3600)))]),
            [(30_000, false)]
        );
    }

    #[test]
    fn an_apiserver_that_does_not_answer_is_asked_every_three_seconds_and_never_for_a_list_in_vain() {
        let paced = follows(&[End::Unanswered; 6]);
        assert_eq!(paced, [250, 500, 1000, 2000, 3000, 3000].map(|pause| (pause, false)));
    }

    #[test]
    fn a_version_that_expires_again_and_again_is_no_reason_to_spin() {
        let paced = follows(&[End::Expired, End::Listed, End::Expired, End::Listed, End::Expired]);
        assert_eq!(paced, [(0, true), (0, false), (250, true), (0, false), (500, true)]);
    }

    #[test]
    fn a_watch_that_does_well_forgets_what_was() {
        let mut pace = Pace::default();
        for _ in 0..5 {
            pace.after(End::Refused(None), 1.0);
        }
        pace.does_well();
        assert_eq!(pace.after(End::Refused(None), 0.0).pause, FIRST_PAUSE / 2);
    }

    #[test]
    fn only_the_first_answer_after_an_outage_is_a_recovery() {
        let mut pace = Pace::default();
        assert!(!pace.is_answered());
        assert!(pace.after(End::Unanswered, 0.0).until_recovery);
        assert!(pace.is_answered());
        assert!(!pace.is_answered());
        assert!(!pace.after(End::Refused(None), 0.0).until_recovery);
        assert!(!pace.is_answered());
    }
}
