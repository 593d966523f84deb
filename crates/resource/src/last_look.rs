//! When the list of evaluations is read though no gate asks for it.

/// What was made for a gate has to be deleted some day, whether a gate is left or not: its answer may have been lost, or
/// another process may have asked for it. So there is one look more after the last gate is gone, and one after a start; and
/// where the list is empty another, because anything can answer with an empty list.
#[derive(Clone, Copy, Debug, Hash)]
pub struct LastLook {
    due: bool,
    /// The last look was one that counts, and showed nothing.
    doubted: bool,
}

impl Default for LastLook {
    /// After a start nothing is known.
    fn default() -> Self {
        Self {
            due: true,
            doubted: false,
        }
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
        self.doubted = false;
    }

    /// The list was read, while a gate used it or not, and perhaps was empty.
    pub fn taken(&mut self, used: bool, is_empty: bool) {
        self.due = used || (is_empty && !self.doubted);
        self.doubted = is_empty && !used;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_one_look_after_a_start_and_one_after_the_last_gate() {
        let mut look = LastLook::default();
        assert!(look.wants(false, false), "a former process may have asked");
        look.taken(false, false);
        assert!(!look.wants(false, false));
        assert!(look.wants(false, true), "what is known has to be deleted");
        for _ in 0..2 {
            assert!(look.wants(true, false));
            look.taken(true, true);
        }
        assert!(look.wants(false, false), "an answer may have been lost");
        assert!(look.wants(false, false), "it could not be read");
        look.taken(false, false);
        assert!(!look.wants(false, false));
        // A gate that came and went between two looks.
        look.awaited();
        assert!(look.wants(false, false));
    }

    #[test]
    fn an_empty_list_is_looked_at_twice() {
        let mut look = LastLook::default();
        look.taken(false, true);
        assert!(look.wants(false, false), "anything can answer so");
        look.taken(false, true);
        assert!(!look.wants(false, false));
        look.awaited();
        look.taken(false, true);
        assert!(
            look.wants(false, false),
            "what was before says nothing of what was asked for since"
        );
        look.taken(true, true);
        look.taken(false, true);
        assert!(look.wants(false, false));
        look.taken(false, true);
        assert!(!look.wants(false, false));
    }
}
