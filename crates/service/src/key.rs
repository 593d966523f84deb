//! What Secrets hold: the subscription key of a Speech resource, or the client secret of an application.
use super::header_secret::HeaderSecret;
use secrecy::{ExposeSecret, SecretString};

/// A subscription key; shown by neither Debug nor any error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscriptionKey(HeaderSecret);

/// A client secret of an application; shown by neither Debug nor any error.
#[derive(Clone, Debug)]
pub struct ClientSecret(SecretString);

/// Why the bytes of a Secret are no key. Never shows them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKey {
    /// Nothing, or only white space.
    #[error("the key is empty")]
    Empty,
    /// White space inside, control characters, or anything beyond ASCII.
    #[error("the key contains characters that no key has (white space, control characters or non-ASCII)")]
    IllegalCharacter,
}

impl SubscriptionKey {
    /// Reads the value of a Secret; white space and newlines around it are an editor's and are dropped.
    pub fn parse(value: &[u8]) -> Result<Self, InvalidKey> {
        let text = read(value)?;
        let secret = HeaderSecret::new(text, text).ok_or(InvalidKey::IllegalCharacter)?;
        Ok(Self(secret))
    }

    /// The key as it is sent.
    pub(super) fn secret(&self) -> &HeaderSecret {
        &self.0
    }
}

impl ClientSecret {
    /// Reads the value of a Secret, as a key is read.
    pub fn parse(value: &[u8]) -> Result<Self, InvalidKey> {
        Ok(Self(read(value)?.into()))
    }

    pub(super) fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

fn read(value: &[u8]) -> Result<&str, InvalidKey> {
    let trimmed = value.trim_ascii();
    if trimmed.is_empty() {
        return Err(InvalidKey::Empty);
    }
    match std::str::from_utf8(trimmed) {
        Ok(text) if text.bytes().all(|byte| byte.is_ascii_graphic()) => Ok(text),
        Ok(_) | Err(_) => Err(InvalidKey::IllegalCharacter),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_around_a_key_is_dropped() {
        let key = SubscriptionKey::parse(b"  0123abcd\r\n").unwrap();
        assert_eq!(key, SubscriptionKey::parse(b"0123abcd").unwrap());
        assert_eq!(key.secret().header_value(), "0123abcd");
    }

    #[test]
    fn what_is_no_key_is_refused_without_showing_it() {
        for (value, expected) in [
            (&b""[..], InvalidKey::Empty),
            (b" \n", InvalidKey::Empty),
            (b"secret one", InvalidKey::IllegalCharacter),
            (b"secret\0", InvalidKey::IllegalCharacter),
            (b"secret\xff", InvalidKey::IllegalCharacter),
            ("secr\u{e9}t".as_bytes(), InvalidKey::IllegalCharacter),
        ] {
            let error = SubscriptionKey::parse(value).unwrap_err();
            assert_eq!(error, expected);
            assert_eq!(ClientSecret::parse(value).unwrap_err(), expected);
            assert!(!format!("{error} {error:?}").contains("secr"));
        }
    }

    #[test]
    fn a_key_shows_nothing_in_debug_output() {
        let key = SubscriptionKey::parse(b"0123abcd").unwrap();
        let shown = format!("{key:?} {:?}", key.secret().header_value());
        assert!(!shown.contains("0123abcd"), "{shown}");
        let secret = ClientSecret::parse(b"0123~abcd").unwrap();
        assert!(!format!("{secret:?}").contains("0123"));
    }
}
