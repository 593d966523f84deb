//! A token that Entra ID gives, and what can go wrong on the way to one.
use super::header_secret::HeaderSecret;
use futures::future::BoxFuture;
use secrecy::SecretString;
use std::time::Duration;

/// A bearer token; shown by neither Debug nor any error.
#[derive(Clone, Debug)]
pub struct AccessToken(HeaderSecret);

impl AccessToken {
    /// Reads what an authority gave.
    pub fn parse(text: &str) -> Result<Self, TokenError> {
        let secret = HeaderSecret::new(text, &format!("Bearer {text}")).filter(|_| !text.is_empty());
        let secret = secret
            .ok_or_else(|| TokenError::new(TokenTrouble::Unavailable, "the authority gave what can be no token"))?;
        Ok(Self(secret))
    }

    /// The token as it is sent.
    pub(super) fn secret(&self) -> &HeaderSecret {
        &self.0
    }
}

/// Why there is no token. Its words hold no secret. All who wait for one token get the same error.
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
        let shown = format!("{token:?} {:?}", token.secret().header_value());
        assert!(!shown.contains("eyJ"), "{shown}");
        assert_eq!(token.secret().header_value(), "Bearer eyJsecret");
        for wrong in ["", "eyJ\nsecret", "eyJ\u{0}"] {
            let error = AccessToken::parse(wrong).unwrap_err();
            assert!(!error.to_string().contains("eyJ"), "{error}");
        }
    }
}
