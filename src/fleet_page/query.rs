//! What a reader asks for: filters as query parameters, each checked before it is used.
use super::risk::Risk;
use serde::{Serialize, Serializer};
use url::form_urlencoded;

/// The longest query that is read, in bytes.
const LONGEST: usize = 2048;
/// How much of a bad value is repeated in the answer, in letters.
const REPEATED: usize = 60;

/// The filters; the default is the whole fleet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Query {
    /// Only objects of this namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Only objects of this connection, wherever they are: `name`, or `namespace/name`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection: Option<String>,
    /// Only objects of this locale, compared without case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// Only objects at this risk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub risk: Option<RiskFilter>,
}

/// Which risks are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RiskFilter {
    /// All but [`Risk::None`].
    Any,
    /// This one.
    Only(Risk),
}

/// Why a query is not answered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadQuery {
    /// It is too long.
    #[error("the query is longer than {LONGEST} bytes")]
    TooLong,
    /// A parameter that does not exist.
    #[error("there is no parameter {0:?}; the parameters are namespace, connection, locale and risk")]
    Unknown(String),
    /// A parameter that stands twice.
    #[error("the parameter {0} is given twice")]
    Twice(&'static str),
    /// No name of a namespace.
    #[error("namespace={0:?} is no name of a namespace: write up to 63 small letters, digits and '-', such as shop")]
    Namespace(String),
    /// No name of a connection.
    #[error(
        "connection={0:?} is no name of a SpeechConnection: write NAME or NAMESPACE/NAME, such as shop/west-europe"
    )]
    Connection(String),
    /// No locale.
    #[error("locale={0:?} is no locale: write a language tag such as en-US")]
    Locale(String),
    /// No risk.
    #[error("risk={0:?} is no risk: write any, expired, at-risk, blocked or none")]
    Risk(String),
}

impl Query {
    /// Reads the part of a URL behind `?`. A parameter without a value is not given: that is what forms send.
    ///
    /// # Errors
    ///
    /// When anything in it is not understood.
    pub fn parse(text: &str) -> Result<Self, BadQuery> {
        if text.len() > LONGEST {
            return Err(BadQuery::TooLong);
        }
        let mut query = Self::default();
        for (key, value) in form_urlencoded::parse(text.as_bytes()) {
            let value = value.trim();
            match &*key {
                "namespace" => put(&mut query.namespace, "namespace", value, namespace)?,
                "connection" => put(&mut query.connection, "connection", value, connection)?,
                "locale" => put(&mut query.locale, "locale", value, locale)?,
                "risk" => put(&mut query.risk, "risk", value, RiskFilter::parse)?,
                "" if value.is_empty() => {}
                other => return Err(BadQuery::Unknown(shortened(other))),
            }
        }
        Ok(query)
    }

    /// The same behind `?`, or nothing.
    pub fn suffix(&self) -> String {
        let mut text = form_urlencoded::Serializer::new(String::new());
        let risk = self.risk.map(RiskFilter::as_str);
        for (key, value) in [
            ("namespace", self.namespace.as_deref()),
            ("connection", self.connection.as_deref()),
            ("locale", self.locale.as_deref()),
            ("risk", risk),
        ] {
            text.extend_pairs(value.map(|value| (key, value)));
        }
        match text.finish() {
            empty if empty.is_empty() => empty,
            pairs => format!("?{pairs}"),
        }
    }

    /// Whether an object of this locale and risk is told of.
    pub fn admits(&self, locale: &str, risk: Risk) -> bool {
        let locale_fits = self
            .locale
            .as_ref()
            .is_none_or(|wanted| wanted.eq_ignore_ascii_case(locale));
        let risk_fits = match self.risk {
            None => true,
            Some(RiskFilter::Any) => risk != Risk::None,
            Some(RiskFilter::Only(only)) => only == risk,
        };
        locale_fits && risk_fits
    }
}

impl RiskFilter {
    /// All, as the form lists them.
    pub const ALL: [Self; 5] = [
        Self::Any,
        Self::Only(Risk::Expired),
        Self::Only(Risk::AtRisk),
        Self::Only(Risk::Blocked),
        Self::Only(Risk::None),
    ];

    /// The word in the query.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::Only(risk) => risk.as_str(),
        }
    }

    fn parse(text: &str) -> Result<Self, BadQuery> {
        let known = Self::ALL.into_iter().find(|risk| risk.as_str() == text);
        known.ok_or_else(|| BadQuery::Risk(shortened(text)))
    }
}

impl Serialize for RiskFilter {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

fn put<T>(
    place: &mut Option<T>,
    name: &'static str,
    value: &str,
    read: impl Fn(&str) -> Result<T, BadQuery>,
) -> Result<(), BadQuery> {
    if value.is_empty() {
        return Ok(());
    }
    if place.is_some() {
        return Err(BadQuery::Twice(name));
    }
    *place = Some(read(value)?);
    Ok(())
}

/// A name as Kubernetes takes it for a label, or with `dots` for most objects.
fn is_name(text: &str, longest: usize, dots: bool) -> bool {
    let letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let inside = |c: char| letter(c) || c == '-' || dots && c == '.';
    text.len() <= longest && text.starts_with(letter) && text.ends_with(letter) && text.chars().all(inside)
}

fn namespace(text: &str) -> Result<String, BadQuery> {
    if is_name(text, 63, false) {
        Ok(text.to_owned())
    } else {
        Err(BadQuery::Namespace(shortened(text)))
    }
}

fn connection(text: &str) -> Result<String, BadQuery> {
    let fits = match text.split_once('/') {
        Some((home, name)) => is_name(home, 63, false) && is_name(name, 253, true),
        None => is_name(text, 253, true),
    };
    if fits {
        Ok(text.to_owned())
    } else {
        Err(BadQuery::Connection(shortened(text)))
    }
}

fn locale(text: &str) -> Result<String, BadQuery> {
    let part = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric());
    if text.len() <= 35 && text.split('-').all(part) {
        Ok(text.to_owned())
    } else {
        Err(BadQuery::Locale(shortened(text)))
    }
}

fn shortened(text: &str) -> String {
    if text.chars().count() <= REPEATED {
        return text.to_owned();
    }
    text.chars().take(REPEATED).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_form_sends_is_read_and_written_again() {
        assert_eq!(Query::parse(""), Ok(Query::default()));
        assert_eq!(
            Query::parse("namespace=&connection=&locale=&risk="),
            Ok(Query::default())
        );
        let text = "namespace=shop&connection=speech-system%2Fwest.europe&locale=en-US&risk=at-risk";
        let query = Query::parse(text).unwrap();
        assert_eq!(query.connection.as_deref(), Some("speech-system/west.europe"));
        assert_eq!(query.risk, Some(RiskFilter::Only(Risk::AtRisk)));
        assert_eq!(query.suffix(), format!("?{text}"));
        assert_eq!(Query::default().suffix(), "");
        for risk in RiskFilter::ALL {
            let query = Query {
                risk: Some(risk),
                ..Query::default()
            };
            assert_eq!(Query::parse(&query.suffix()[1..]), Ok(query));
        }
    }

    #[test]
    fn what_is_not_understood_is_refused_and_named() {
        for (text, words) in [
            ("namespace=Shop", r#"namespace="Shop" is no name of a namespace"#),
            ("namespace=-shop", "no name of a namespace"),
            ("namespace=a.b", "no name of a namespace"),
            (
                "connection=a/b/c",
                r#"connection="a/b/c" is no name of a SpeechConnection"#,
            ),
            ("connection=%2Fb", "no name of a SpeechConnection"),
            ("locale=en_US", r#"locale="en_US" is no locale"#),
            ("locale=en--US", "is no locale"),
            ("locale=%3Cscript%3E", r#"locale="<script>" is no locale"#),
            (
                "risk=high",
                "risk=\"high\" is no risk: write any, expired, at-risk, blocked or none",
            ),
            ("risk=any&risk=none", "the parameter risk is given twice"),
            ("name=x", r#"there is no parameter "name""#),
            ("=x", r#"there is no parameter """#),
            ("namespace=%00%0A", r#"namespace="\0""#),
        ] {
            let told = Query::parse(text).unwrap_err().to_string();
            assert!(told.contains(words), "{text}: {told}");
        }
        let long = format!("namespace={}", "a".repeat(64));
        let told = Query::parse(&long).unwrap_err().to_string();
        assert!(told.contains("no name of a namespace") && told.contains('…'), "{told}");
        assert_eq!(Query::parse(&"a".repeat(LONGEST + 1)), Err(BadQuery::TooLong));
    }
}
