//! The objects that need a connection.
use crate::orphan;
use jiff::SignedDuration;

/// The SpeechModels and SpeechEndpoints that refer to a connection and still need it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dependents {
    /// How many.
    pub count: usize,
    /// How many of them live: a connection is not taken away from them.
    pub living: usize,
    /// The longest `forceOrphanAfter` of those that are being deleted.
    pub patience: SignedDuration,
}

impl Dependents {
    /// Those who need a connection of the namespace `home`; `ending` says whether that namespace is being terminated.
    ///
    /// One that is being deleted and leaves the remote side alone needs nothing any more. The connection of a namespace
    /// that ends cannot be kept, so it waits only for those that leave as well: the others could not use it for long.
    pub fn of<'a>(needs: impl Iterator<Item = Need<'a>>, home: &str, ending: bool) -> Self {
        let mut all = Self::default();
        for need in needs {
            let leaves = need.deleted || (ending && need.namespace == home);
            let needed = if leaves { need.deletes_remote } else { !ending };
            if needed {
                all.count += 1;
                all.living += usize::from(!leaves);
                all.patience = all.patience.max(orphan::limit(need.force_orphan_after));
            }
        }
        all
    }
}

/// What an object needs its connection for.
#[derive(Clone, Copy, Debug)]
pub struct Need<'a> {
    /// The object's namespace.
    pub namespace: &'a str,
    /// Whether the object is being deleted.
    pub deleted: bool,
    /// Whether its deletion deletes something remote.
    pub deletes_remote: bool,
    /// For how long its deletion may be held up.
    pub force_orphan_after: &'a str,
}
