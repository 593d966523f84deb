//! A token that Entra ID gives, and what can go wrong on the way to one.
use futures::future::BoxFuture;
use http::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use std::time::Duration;

/// A bearer token; shown by neither Debug nor any error.
#[derive(Clone, Debug)]
pub struct AccessToken {
    text: SecretString,
    header: HeaderValue,
}

impl AccessToken {
    /// Reads what an authority gave.
    pub fn parse(text: &str) -> Result<Self, TokenError> {
        let header = HeaderValue::from_str(&format!("Bearer {text}")).ok();
        let mut header = header
            .filter(|_| !text.is_empty())
            .ok_or_else(|| TokenError::new(TokenTrouble::Unavailable, "the authority gave what can be no token"))?;
        header.set_sensitive(true);
        let text = text.into();
        Ok(Self { text, header })
    }

    /// The token itself, to find it in texts that must not show it.
    pub(super) fn expose(&self) -> &str {
        self.text.expose_secret()
    }

    /// The header, which is marked sensitive.
    pub(super) fn header_value(&self) -> &HeaderValue {
        &self.header
    }
}

/// Why there is no token. Its words hold no secret. Many may wait for one token, and each is told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TokenError {
    trouble: TokenTrouble,
    message: String,
}

/// What stands between an identity and its token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenTrouble {
    /// The authority, or whoever gives the assertion for it, does not answer, or not as one. Passes by itself.
    Unavailable,
    /// The authority does not accept the identity.
    Refused,
    /// The ServiceAccount that the identity trusts does not exist.
    NoServiceAccount,
    /// The cluster does not allow a token for that ServiceAccount.
    Denied,
}

impl TokenError {
    pub fn new(trouble: TokenTrouble, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { trouble, message }
    }

    pub fn trouble(&self) -> TokenTrouble {
        self.trouble
    }

    /// Whether it may heal without anyone doing anything.
    pub fn is_transient(&self) -> bool {
        self.trouble == TokenTrouble::Unavailable
    }
}

/// A token, and for how long it is good.
#[derive(Debug)]
pub struct Fetched {
    pub token: AccessToken,
    pub lives: Duration,
}

/// Where tokens come from.
pub trait TokenSource: Send + Sync {
    /// Asks for a token. Repeats nothing.
    fn fetch(&self) -> BoxFuture<'_, Result<Fetched, TokenError>>;
}

/// Where the word for an identity comes from that an authority trusts in place of a secret.
pub trait Assertions: Send + Sync {
    fn assertion(&self) -> BoxFuture<'_, Result<SecretString, TokenError>>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_shows_nothing_in_debug_output() {
        let token = AccessToken::parse("eyJsecret").unwrap();
        let shown = format!("{token:?} {:?}", token.header_value());
        assert!(!shown.contains("eyJ"), "{shown}");
        assert_eq!(token.header_value(), "Bearer eyJsecret");
        for wrong in ["", "eyJ\nsecret", "eyJ\u{0}"] {
            let error = AccessToken::parse(wrong).unwrap_err();
            assert!(!error.to_string().contains("eyJ"), "{error}");
        }
    }
}
