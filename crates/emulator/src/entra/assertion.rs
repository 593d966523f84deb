//! Assertions: JSON Web Tokens of an issuer outside, such as the API server of a cluster.
use super::refusal::Refusal;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use serde::{Deserialize, de::DeserializeOwned};
use std::collections::BTreeMap;

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
}

#[derive(Debug, Deserialize)]
pub struct Claims {
    pub iss: String,
    pub sub: String,
    pub aud: Audience,
    exp: i64,
    nbf: Option<i64>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Audience {
    One(String),
    Many(Vec<String>),
}

impl Audience {
    pub fn names(&self) -> &[String] {
        match self {
            Self::One(name) => std::slice::from_ref(name),
            Self::Many(names) => names,
        }
    }
}

/// An assertion whose signature nobody has looked at yet.
pub struct Assertion<'a> {
    header: Header,
    pub claims: Claims,
    signed: &'a str,
    signature: Vec<u8>,
}

impl<'a> Assertion<'a> {
    /// Reads the three parts.
    pub fn parse(text: &'a str) -> Option<Self> {
        let (signed, signature) = text.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        Some(Self {
            header: part(header)?,
            claims: part(claims)?,
            signed,
            signature: URL_SAFE_NO_PAD.decode(signature).ok()?,
        })
    }

    /// Whether it counts now.
    pub fn check_time(&self, now: Timestamp) -> Result<(), Refusal> {
        let (from, until) = (self.claims.nbf.unwrap_or(0), self.claims.exp);
        if (from..until).contains(&now.as_second()) {
            Ok(())
        } else {
            Err(Refusal::not_in_time(now, from, until))
        }
    }
}

fn part<T: DeserializeOwned>(encoded: &str) -> Option<T> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(encoded).ok()?).ok()
}

/// An issuer of assertions with its public keys.
#[derive(Debug)]
pub struct Issuer {
    url: String,
    keys: BTreeMap<String, RsaKey>,
}

#[derive(Debug)]
struct RsaKey {
    modulus: Vec<u8>,
    exponent: Vec<u8>,
}

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<Key>,
}

#[derive(Deserialize)]
struct Key {
    kid: String,
    kty: String,
    #[serde(default)]
    n: String,
    #[serde(default)]
    e: String,
}

impl Issuer {
    /// Reads a JSON Web Key Set, as the API server shows it at `/openid/v1/jwks`. The text says what is wrong with it.
    pub fn parse(url: &str, key_set: &str) -> Result<Self, String> {
        let set: KeySet = serde_json::from_str(key_set).map_err(|error| error.to_string())?;
        let mut keys = BTreeMap::new();
        for key in set.keys.into_iter().filter(|key| key.kty == "RSA") {
            let number = |text: &str| URL_SAFE_NO_PAD.decode(text).map_err(|error| error.to_string());
            let (modulus, exponent) = (number(&key.n)?, number(&key.e)?);
            keys.insert(key.kid, RsaKey { modulus, exponent });
        }
        if keys.is_empty() {
            return Err("there is no RSA key in it".to_owned());
        }
        let url = url.to_owned();
        Ok(Self { url, keys })
    }

    /// Whether an assertion is this issuer's and bears the signature of one of its keys.
    pub fn has_signed(&self, assertion: &Assertion<'_>) -> bool {
        let key = assertion.header.kid.as_ref().and_then(|id| self.keys.get(id));
        let is_meant = assertion.claims.iss == self.url && assertion.header.alg == "RS256";
        key.filter(|_| is_meant).is_some_and(|key| {
            let parts = RsaPublicKeyComponents {
                n: &key.modulus,
                e: &key.exponent,
            };
            let message = assertion.signed.as_bytes();
            parts
                .verify(&RSA_PKCS1_2048_8192_SHA256, message, &assertion.signature)
                .is_ok()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_assertion_is_not_read() {
        for text in ["", "a.b", "a.b.c", "e30.e30.e30", "....", "\u{e9}.\u{e9}.\u{e9}"] {
            assert!(Assertion::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_key_set_without_a_usable_key_is_refused() {
        for text in ["", "{}", r#"{"keys":[]}"#, r#"{"keys":[{"kid":"a","kty":"EC"}]}"#] {
            assert!(Issuer::parse("https://cluster.test", text).is_err(), "{text}");
        }
    }
}
