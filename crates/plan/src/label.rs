//! Selectors as people write them: Kubernetes judges those of its own kinds, but nobody judges ours.
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use speech_api::{
    Reason,
    condition::{Statement, Truth, UNHEEDED},
};

/// Characters of a label's name, and of its value.
const LONGEST: usize = 63;
/// Characters of what stands before the `/` of a label's key.
const LONGEST_PREFIX: usize = 253;

/// What is told of a selector that nothing can ever match as it was meant; `field` is where it stands.
pub fn unheeded(field: &str, selector: &LabelSelector) -> Option<Statement> {
    let message = trouble(field, selector)?;
    Some(Statement {
        kind: UNHEEDED,
        truth: Truth::True,
        reason: Reason::SelectorInvalid,
        message,
    })
}

/// The first thing in a selector that cannot be.
pub fn trouble(field: &str, selector: &LabelSelector) -> Option<String> {
    let equal = selector.match_labels.iter().flatten();
    let equal = equal.map(|(key, value)| (format!("{field}.matchLabels"), key, vec![value]));
    let expressions = selector.match_expressions.iter().flatten().enumerate();
    let in_expressions = expressions.clone().map(|(number, one)| {
        let values = one.values.iter().flatten().collect();
        (format!("{field}.matchExpressions[{number}]"), &one.key, values)
    });
    let impossible = equal.chain(in_expressions).find_map(|(place, key, values)| {
        if !is_key(key) {
            return Some(format!("{place}: no label has the key {key:?}"));
        }
        let value = values.into_iter().find(|value| !is_value(value))?;
        Some(format!("{place}: no label has the value {value:?}"))
    });
    impossible.or_else(|| {
        expressions.into_iter().find_map(|(number, one)| {
            let has_values = one.values.as_ref().is_some_and(|values| !values.is_empty());
            let words = match (one.operator.as_str(), has_values) {
                ("In" | "NotIn", true) | ("Exists" | "DoesNotExist", false) => return None,
                ("In" | "NotIn", false) => "needs values",
                ("Exists" | "DoesNotExist", true) => "takes no values",
                _ => "is no operator; write In, NotIn, Exists or DoesNotExist",
            };
            let operator = &one.operator;
            Some(format!("{field}.matchExpressions[{number}]: {operator:?} {words}"))
        })
    })
}

fn is_key(key: &str) -> bool {
    match key.split_once('/') {
        Some((prefix, name)) => is_prefix(prefix) && is_name(name),
        None => is_name(key),
    }
}

fn is_prefix(prefix: &str) -> bool {
    let part = |part: &str| {
        let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        !part.is_empty() && part.bytes().all(inner) && !part.starts_with('-') && !part.ends_with('-')
    };
    prefix.len() <= LONGEST_PREFIX && prefix.split('.').all(part)
}

fn is_value(value: &str) -> bool {
    value.is_empty() || is_name(value)
}

fn is_name(name: &str) -> bool {
    let edge = |end: Option<char>| end.is_some_and(|end| end.is_ascii_alphanumeric());
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    name.len() <= LONGEST && name.bytes().all(inner) && edge(name.chars().next()) && edge(name.chars().last())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn told(selector: Value) -> Option<String> {
        trouble("spec.model.selector", &serde_json::from_value(selector).unwrap())
    }

    #[test]
    fn what_no_label_can_be_is_named_with_its_place_and_the_rest_passes() {
        let long = "a".repeat(64);
        for (selector, expected) in [
            (
                json!({"matchLabels": {"a b!": "c"}}),
                Some("matchLabels: no label has the key \"a b!\""),
            ),
            (
                json!({"matchLabels": {"": ""}}),
                Some("matchLabels: no label has the key \"\""),
            ),
            (
                json!({"matchLabels": {"a": "b c"}}),
                Some("matchLabels: no label has the value \"b c\""),
            ),
            (
                json!({"matchLabels": {"Shop/a": "b"}}),
                Some("no label has the key \"Shop/a\""),
            ),
            (json!({"matchLabels": {"a..b/c": "b"}}), Some("no label has the key")),
            (json!({"matchLabels": {"a/b/c": "b"}}), Some("no label has the key")),
            (json!({"matchLabels": {"a": long}}), Some("no label has the value")),
            (json!({"matchLabels": {"-a": "b"}}), Some("no label has the key \"-a\"")),
            (json!({"matchLabels": {"ä": "b"}}), Some("no label has the key \"ä\"")),
            (
                json!({"matchExpressions": [{"key": "a", "operator": "In", "values": ["!"]}]}),
                Some("matchExpressions[0]: no label has the value \"!\""),
            ),
            (
                json!({"matchExpressions": [{"key": "a", "operator": "In"}]}),
                Some("\"In\" needs values"),
            ),
            (
                json!({"matchExpressions": [{"key": "a", "operator": "Exists", "values": ["b"]}]}),
                Some("\"Exists\" takes no values"),
            ),
            (
                json!({"matchExpressions": [{"key": "a", "operator": "Like"}]}),
                Some("\"Like\" is no operator"),
            ),
            (
                json!({"matchLabels": {"app.kubernetes.io/part-of": "shop_1.x-Y", "a": ""}}),
                None,
            ),
            (
                json!({"matchExpressions": [{"key": "a", "operator": "NotIn", "values": ["b", ""]}]}),
                None,
            ),
            (
                json!({"matchExpressions": [{"key": "a", "operator": "DoesNotExist"}]}),
                None,
            ),
            (json!({}), None),
        ] {
            let found = told(selector.clone());
            match expected {
                Some(words) => assert!(
                    found.as_ref().is_some_and(|found| found.contains(words)),
                    "{selector}: {found:?}"
                ),
                None => assert_eq!(found, None, "{selector}"),
            }
        }
    }
}
