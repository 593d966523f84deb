//! Which rule of the planner decided about an object, and what each rule saw: names from closed lists, no sentences.
//!
//! A status may come from another version of the operator. A name that this one does not know is left out, so that the
//! object can still be read.
use crate::Reason;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{borrow::Cow, collections::BTreeMap};

macro_rules! names {
    ($(#[doc = $enum_doc:literal])+ $enum:ident { $( $(#[doc = $doc:literal])+ $name:ident ),+ $(,)? }) => {
        $(#[doc = $enum_doc])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $enum { $( $(#[doc = $doc])+ $name ),+ }

        impl $enum {
            /// All of them.
            pub const ALL: &[Self] = &[$( Self::$name ),+];

            /// The name as the status has it.
            pub fn as_str(self) -> &'static str {
                match self { $( Self::$name => stringify!($name) ),+ }
            }

            /// The same for a person.
            pub fn words(self) -> &'static str {
                match self { $( Self::$name => concat!($($doc),+).trim_ascii() ),+ }
            }

            fn parse(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|known| known.as_str() == name)
            }
        }
    };
}

names! {
    /// A rule by its name. Its words are the question that it asks.
    RuleName {
        /// Is it wanted?
        Deletion,
        /// Does its connection work?
        Connection,
        /// Can its spec be used?
        Spec,
        /// Is the remote entity free, or its own?
        Owner,
        /// Does the finalizer keep the object while it has something?
        Finalizer,
        /// Is the remote entity there?
        Entity,
        /// Is each remote entity there only once?
        Duplicate,
        /// Has the service ended its work on it?
        Work,
        /// Is the pause after what failed over?
        Failure,
        /// Is there a model that the spec chooses?
        Choice,
        /// Can that model serve, and for longer?
        Fitness,
        /// Is there all that it is made from?
        Inputs,
        /// Has the candidate passed its gate?
        Gate,
        /// Has a person agreed, where that is wanted?
        Approval,
        /// Have its day and a window come?
        Date,
        /// Do the clocks agree?
        Clocks,
        /// May the next request leave, after those before it?
        Pace,
        /// Is it its turn?
        Turn,
        /// May the operator change it?
        Hands,
        /// Does the remote entity carry the object's mark?
        Mark,
        /// Does the chosen model serve?
        Model,
        /// Are its other fields as declared?
        Fields,
        /// Does the Speech resource answer?
        Contact,
        /// Does the Speech resource accept the credential?
        Credential,
        /// Is it the same Speech resource as before?
        Resource,
        /// Is everything as declared?
        Settled,
    }
}

names! {
    /// What a rule saw that had nothing to say: the fact that let the object pass.
    Fact {
        /// nobody deletes it
        Wanted,
        /// the connection works
        Works,
        /// the spec can be used
        Usable,
        /// nobody else has it
        Free,
        /// it is the object's own
        Own,
        /// the finalizer is on
        Held,
        /// it is there
        Found,
        /// it is there once
        Single,
        /// nothing is under way
        Idle,
        /// a model is chosen
        Chosen,
        /// the chosen model serves
        Serves,
        /// the chosen model can serve
        Fits,
        /// all of it is there
        Complete,
        /// the spec does not ask for it
        NotAsked,
        /// the candidate passed
        Passed,
        /// its end has come, so that it holds nothing back any more
        Overruled,
        /// given
        Given,
        /// the time has come
        Come,
        /// they agree
        Agree,
        /// the operator may
        Allowed,
        /// it answers
        Answers,
        /// it is accepted
        Accepted,
        /// nothing differs
        Same,
    }
}

/// What a rule saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Saw {
    /// A fact that let the object pass.
    Fact(Fact),
    /// What it decided, or what it holds against the object.
    Reason(Reason),
}

impl Saw {
    /// The name as the status has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fact(fact) => fact.as_str(),
            Self::Reason(reason) => reason.as_str(),
        }
    }

    fn parse(name: &str) -> Option<Self> {
        let fact = Fact::parse(name).map(Self::Fact);
        fact.or_else(|| Reason::parse(name).map(Self::Reason))
    }
}

/// Which rule decided, and what each rule saw.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Decision {
    /// The rule that decided.
    pub rule: Option<RuleName>,
    /// What the rules saw, in the order of [`RuleName`]; a rule that was not asked, or saw nothing, is absent.
    saw: Vec<(RuleName, Saw)>,
}

impl Decision {
    /// A decision from what the rules saw, in any order. Of a rule that saw two things, the later counts.
    pub fn of(rule: RuleName, saw: impl IntoIterator<Item = (RuleName, Saw)>) -> Self {
        let mut decision = Self {
            rule: Some(rule),
            saw: Vec::new(),
        };
        for (rule, saw) in saw {
            decision.note(rule, saw);
        }
        decision
    }

    fn note(&mut self, rule: RuleName, saw: Saw) {
        match self.saw.iter_mut().find(|(name, _)| *name == rule) {
            Some((_, known)) => *known = saw,
            None => {
                let place = self.saw.partition_point(|(name, _)| *name < rule);
                self.saw.insert(place, (rule, saw));
            }
        }
    }

    /// Whether nothing has been decided.
    pub fn is_empty(&self) -> bool {
        self.rule.is_none() && self.saw.is_empty()
    }

    /// The same, if another rule had the last word.
    pub fn by(self, rule: RuleName) -> Self {
        Self {
            rule: Some(rule),
            ..self
        }
    }

    /// The same, with the reason that the condition of the verdict has in the end.
    pub fn concluding(mut self, reason: Reason) -> Self {
        if let Some(rule) = self.rule {
            self.note(rule, Saw::Reason(reason));
        }
        self
    }

    /// What a rule saw.
    pub fn saw(&self, rule: RuleName) -> Option<Saw> {
        self.saw.iter().find(|(name, _)| *name == rule).map(|(_, saw)| *saw)
    }
}

/// The decision as JSON.
#[derive(Serialize, Deserialize)]
struct Wire<'a> {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rule: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    saw: BTreeMap<Cow<'a, str>, Cow<'a, str>>,
}

impl Serialize for Decision {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let names = |(rule, saw): &(RuleName, Saw)| (rule.as_str().into(), saw.as_str().into());
        let wire = Wire {
            rule: self.rule.map(|rule| rule.as_str().into()),
            saw: self.saw.iter().map(names).collect(),
        };
        wire.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Decision {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let wire = Wire::deserialize(deserializer)?;
        let known = |(rule, saw): (&Cow<'_, str>, &Cow<'_, str>)| Some((RuleName::parse(rule)?, Saw::parse(saw)?));
        let saw: BTreeMap<RuleName, Saw> = wire.saw.iter().filter_map(known).collect();
        Ok(Self {
            rule: wire.rule.as_deref().and_then(RuleName::parse),
            saw: saw.into_iter().collect(),
        })
    }
}

/// The schema of a [`Decision`].
#[derive(schemars::JsonSchema)]
#[allow(dead_code, reason = "only its schema is used")]
pub(crate) struct DecisionSchema {
    /// The rule that decided. `kubectl speech why` lists the rules with their questions.
    rule: Option<String>,
    /// What each rule saw that was asked: a fact that let the object pass, or the reason of what it holds against it.
    #[serde(default)]
    saw: BTreeMap<String, String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decision_is_read_as_it_was_written_and_what_is_not_known_is_left_out() {
        let saw = [
            (RuleName::Gate, Saw::Fact(Fact::Passed)),
            (RuleName::Connection, Saw::Fact(Fact::Works)),
            (RuleName::Approval, Saw::Reason(Reason::ApprovalAwaited)),
        ];
        let decision = Decision::of(RuleName::Approval, saw);
        let json = serde_json::to_value(&decision).unwrap();
        let expected = serde_json::json!({
            "rule": "Approval",
            "saw": {"Connection": "Works", "Gate": "Passed", "Approval": "ApprovalAwaited"},
        });
        assert_eq!(json, expected);
        assert_eq!(serde_json::from_value::<Decision>(json).unwrap(), decision);
        let newer = serde_json::json!({"rule": "Budget", "saw": {"Budget": "Spent", "Gate": "Passed", "Date": "Odd"}});
        let read: Decision = serde_json::from_value(newer).unwrap();
        assert_eq!(
            (read.rule, read.saw(RuleName::Gate)),
            (None, Some(Saw::Fact(Fact::Passed)))
        );
        assert_eq!(read.saw(RuleName::Date), None);
    }

    #[test]
    fn no_fact_has_the_name_of_a_reason() {
        for fact in Fact::ALL {
            assert_eq!(Saw::parse(fact.as_str()), Some(Saw::Fact(*fact)));
        }
        for reason in Reason::ALL {
            assert_eq!(Saw::parse(reason.as_str()), Some(Saw::Reason(*reason)));
        }
    }
}
