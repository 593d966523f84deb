//! When the list of evaluations is read though no gate asks for it.

/// What was made for a gate has to be deleted some day, whether a gate is left or not: its answer may have been lost, or
/// another process may have asked for it. So there is one look more after the last gate is gone, and one after a start.
#[derive(Clone, Copy, Debug, Hash)]
pub struct LastLook {
    due: bool,
}

impl Default for LastLook {
    /// After a start nothing is known.
    fn default() -> Self {
        Self { due: true }
    }
}

impl LastLook {
    /// Whether the list has to be read: a gate uses it, evaluations of ours are known, or the last look is due.
    pub fn wants(&mut self, used: bool, held: bool) -> bool {
        self.due |= used;
        self.due || held
    }

    /// Somebody waits for the list.
    pub fn awaited(&mut self) {
        self.due = true;
    }

    /// The list was read, while a gate used it or not.
    pub fn taken(&mut self, used: bool) {
        self.due = used;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_one_look_after_a_start_and_one_after_the_last_gate() {
        let mut look = LastLook::default();
        assert!(look.wants(false, false), "a former process may have asked");
        look.taken(false);
        assert!(!look.wants(false, false));
        assert!(look.wants(false, true), "what is known has to be deleted");
        for _ in 0..2 {
            assert!(look.wants(true, false));
            look.taken(true);
        }
        assert!(look.wants(false, false), "an answer may have been lost");
        assert!(look.wants(false, false), "it could not be read");
        look.taken(false);
        assert!(!look.wants(false, false));
        // A gate that came and went between two looks.
        look.awaited();
        assert!(look.wants(false, false));
    }
}
