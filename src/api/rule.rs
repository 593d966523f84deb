//! The CEL rules that several kinds share, each with the message that tells what to write instead.

/// Names end up in labels, ConfigMaps and tags, all of which hold 63 characters.
pub const NAME: (&str, &str) = (
    "self.metadata.name.matches('^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$')",
    "metadata.name must be usable as a label: at most 63 lower case letters, digits and '-', beginning and ending with a letter or digit",
);
/// The remote entity's locale never changes, so neither does ours.
pub const LOCALE_IMMUTABLE: (&str, &str) = (
    "self.locale == oldSelf.locale",
    "locale cannot be changed: delete this object and create one with the other locale",
);
/// Remote entities do not move between Speech resources.
pub const CONNECTION_IMMUTABLE: (&str, &str) = (
    "self.connectionRef == oldSelf.connectionRef",
    "connectionRef cannot be changed: delete this object and create one with the other connection",
);
/// An id as Azure's portal and CLI show it.
pub const ID: (&str, &str) = (
    "self.matches('^(https?://.+/)?[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}([?].*)?$')",
    "give a UUID (5b0c7a3e-1f0a-4a53-9a55-2f6f1f0f6b11) or the entity's full self URI",
);
/// A locale as the service spells it.
pub const LOCALE: (&str, &str) = (
    "self.matches('^[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?(-[A-Za-z0-9]+)*$')",
    "give a locale as the service spells it, such as en-US or zh-Hans-CN",
);
