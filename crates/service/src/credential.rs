//! With what a client proves to the service who it is: a key, or tokens of Entra ID.
use super::{
    header_secret::HeaderSecret,
    keeper::{Kept, TokenKeeper},
    key::SubscriptionKey,
};
use http::{HeaderName, HeaderValue, header};
use std::sync::Arc;

const KEY_HEADER: HeaderName = HeaderName::from_static("ocp-apim-subscription-key");

/// A credential; shown by neither Debug nor any error.
#[derive(Clone, Debug)]
pub enum Credential {
    /// A key of the Speech resource, which may do everything there.
    Key(SubscriptionKey),
    /// The tokens of one identity, which may do what its roles say.
    Token(TokenKeeper),
}

impl From<SubscriptionKey> for Credential {
    fn from(key: SubscriptionKey) -> Self {
        Self::Key(key)
    }
}

impl From<TokenKeeper> for Credential {
    fn from(keeper: TokenKeeper) -> Self {
        Self::Token(keeper)
    }
}

impl Credential {
    /// Whether both are the same key. Of two identities nothing is known.
    pub(super) fn is_same_key(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Key(one), Self::Key(other)) => one == other,
            (Self::Key(_) | Self::Token(_), _) => false,
        }
    }

    /// Whether the address says by itself which resource is reached: a token leads nowhere but to the host that it is sent
    /// to, and a key chooses the resource behind a host of a region.
    pub(super) fn follows_address(&self) -> bool {
        matches!(self, Self::Token(_))
    }
}

/// What one request carries.
#[derive(Debug)]
pub(super) enum Pass {
    Key(SubscriptionKey),
    Token(TokenKeeper, Arc<Kept>),
}

impl Pass {
    /// The header, which is marked sensitive.
    pub(super) fn header(&self) -> (HeaderName, HeaderValue) {
        let name = if self.is_token() {
            header::AUTHORIZATION
        } else {
            KEY_HEADER
        };
        (name, self.secret().header_value().clone())
    }

    /// The secret, also to find it in texts that must not show it.
    pub(super) fn secret(&self) -> &HeaderSecret {
        match self {
            Self::Key(key) => key.secret(),
            Self::Token(_, kept) => kept.token.secret(),
        }
    }

    /// Whether a request with the one is a request with the other.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Key(one), Self::Key(other)) => one == other,
            (Self::Token(_, one), Self::Token(_, other)) => Arc::ptr_eq(one, other),
            (Self::Key(_), Self::Token(..)) | (Self::Token(..), Self::Key(_)) => false,
        }
    }

    pub(super) fn is_token(&self) -> bool {
        matches!(self, Self::Token(..))
    }

    /// The service knows it.
    pub(super) fn accepted(&self) {
        if let Self::Token(_, kept) = self {
            kept.accepted();
        }
    }

    /// The service does not know it. Returns whether the same request may go better with another.
    pub(super) fn refused(&self) -> bool {
        match self {
            Self::Key(_) => false,
            Self::Token(keeper, kept) => keeper.refused(kept),
        }
    }
}
