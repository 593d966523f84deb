//! Whether the operator is here to stay. Where its kinds or its own namespace are taken away, objects are deleted that
//! nobody wanted to delete: what they have in the Speech service stays.

/// Whether the operator and its kinds stay, as far as a deletion has to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stay<'a> {
    /// They do, by a read that began after the deletion was known: somebody wants this object to go.
    Certain,
    /// They are being taken away; says what. An object that is deleted now is let go, and nothing is deleted for it.
    Ends(&'a str),
    /// Nobody knows, and why. Nothing is deleted until somebody does.
    Unknown(&'a str),
}
