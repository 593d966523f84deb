//! Binds JSON bodies as the service does: strict on types, silent on members it does not know.
use super::error::ServiceError;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// What a merge-patch asks of one member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change<T> {
    /// The member is absent.
    Keep,
    /// The member is null.
    Clear,
    /// The member has a value.
    Set(T),
}

/// The members of one JSON object, with the path for messages.
#[derive(Clone, Debug)]
pub struct Members<'a> {
    map: &'a Map<String, Value>,
    path: String,
}

impl<'a> Members<'a> {
    /// The members of the body, which must be an object.
    pub fn of(body: &'a Value) -> Result<Self, ServiceError> {
        let map = body.as_object().ok_or_else(|| ServiceError::binding("$"))?;
        Ok(Self {
            map,
            path: "$".to_owned(),
        })
    }

    /// The path of a member, as messages show it.
    pub fn path_of(&self, name: &str) -> String {
        format!("{}.{name}", self.path)
    }

    fn wrong(&self, name: &str) -> ServiceError {
        ServiceError::binding(&self.path_of(name))
    }

    /// A member that is neither absent nor null.
    fn present(&self, name: &str) -> Option<&'a Value> {
        self.map.get(name).filter(|value| !value.is_null())
    }

    /// An optional string.
    pub fn text(&self, name: &str) -> Result<Option<&'a str>, ServiceError> {
        self.present(name)
            .map(|value| value.as_str().ok_or_else(|| self.wrong(name)))
            .transpose()
    }

    /// A string that must be there and not be empty.
    pub fn required_text(&self, name: &str) -> Result<String, ServiceError> {
        match self.text(name)? {
            Some(text) if !text.is_empty() => Ok(text.to_owned()),
            Some(_) => Err(ServiceError::member(
                &self.path_of(name),
                "The value must not be empty.",
            )),
            None => Err(ServiceError::member(&self.path_of(name), "A value is required.")),
        }
    }

    /// An optional boolean.
    pub fn flag(&self, name: &str) -> Result<Option<bool>, ServiceError> {
        self.present(name)
            .map(|value| value.as_bool().ok_or_else(|| self.wrong(name)))
            .transpose()
    }

    /// An optional whole number.
    pub fn integer(&self, name: &str) -> Result<Option<i64>, ServiceError> {
        self.present(name)
            .map(|value| value.as_i64().ok_or_else(|| self.wrong(name)))
            .transpose()
    }

    /// An optional absolute URI.
    pub fn uri(&self, name: &str) -> Result<Option<String>, ServiceError> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        url::Url::parse(text).map_err(|_| self.wrong(name))?;
        Ok(Some(text.to_owned()))
    }

    /// An optional object.
    pub fn object(&self, name: &str) -> Result<Option<Members<'a>>, ServiceError> {
        let Some(value) = self.present(name) else {
            return Ok(None);
        };
        let map = value.as_object().ok_or_else(|| self.wrong(name))?;
        Ok(Some(Members {
            map,
            path: self.path_of(name),
        }))
    }

    /// The URI of an optional entity reference.
    pub fn reference(&self, name: &str) -> Result<Option<&'a str>, ServiceError> {
        let Some(reference) = self.object(name)? else {
            return Ok(None);
        };
        match reference.text("self")? {
            Some(uri) => Ok(Some(uri)),
            None => Err(ServiceError::binding(&reference.path_of("self"))),
        }
    }

    /// The URI of an entity reference that must be there.
    pub fn required_reference(&self, name: &str) -> Result<&'a str, ServiceError> {
        self.reference(name)?
            .ok_or_else(|| ServiceError::member(&self.path_of(name), "A value is required."))
    }

    /// The URIs of an optional list of references.
    pub fn references(&self, name: &str) -> Result<Vec<&'a str>, ServiceError> {
        let Some(value) = self.present(name) else {
            return Ok(Vec::new());
        };
        let list = value.as_array().ok_or_else(|| self.wrong(name))?;
        list.iter()
            .enumerate()
            .map(|(index, entry)| {
                let path = format!("{}[{index}].self", self.path_of(name));
                entry
                    .get("self")
                    .and_then(Value::as_str)
                    .ok_or_else(|| ServiceError::binding(&path))
            })
            .collect()
    }

    /// What a patch asks of a string; null is allowed only for what may be absent.
    pub fn text_change(&self, name: &str) -> Result<Change<String>, ServiceError> {
        match self.map.get(name) {
            None => Ok(Change::Keep),
            Some(Value::Null) => Ok(Change::Clear),
            Some(value) => value
                .as_str()
                .map(|text| Change::Set(text.to_owned()))
                .ok_or_else(|| self.wrong(name)),
        }
    }

    /// What a patch asks of a reference.
    pub fn reference_change(&self, name: &str) -> Result<Change<&'a str>, ServiceError> {
        if self.map.get(name).is_some_and(Value::is_null) {
            return Ok(Change::Clear);
        }
        Ok(self.reference(name)?.map_or(Change::Keep, Change::Set))
    }

    /// `customProperties` of a create.
    pub fn custom_properties(&self) -> Result<BTreeMap<String, String>, ServiceError> {
        let mut properties = BTreeMap::new();
        if let Some(members) = self.object("customProperties")? {
            for (key, value) in members.map {
                let text = value.as_str().ok_or_else(|| members.wrong(key))?;
                properties.insert(key.clone(), text.to_owned());
            }
        }
        check_custom_properties(&properties)?;
        Ok(properties)
    }

    /// Merges `customProperties` of a patch into the present ones: a null removes its key, a null object removes all.
    pub fn merge_custom_properties(
        &self,
        present: &BTreeMap<String, String>,
    ) -> Result<BTreeMap<String, String>, ServiceError> {
        if self.map.get("customProperties").is_some_and(Value::is_null) {
            return Ok(BTreeMap::new());
        }
        let mut merged = present.clone();
        if let Some(members) = self.object("customProperties")? {
            for (key, value) in members.map {
                if value.is_null() {
                    merged.remove(key);
                } else {
                    let text = value.as_str().ok_or_else(|| members.wrong(key))?;
                    merged.insert(key.clone(), text.to_owned());
                }
            }
        }
        check_custom_properties(&merged)?;
        Ok(merged)
    }
}

/// At most 10 entries, keys of at most 64 and values of at most 256 characters.
fn check_custom_properties(properties: &BTreeMap<String, String>) -> Result<(), ServiceError> {
    if properties.len() > 10 {
        return Err(ServiceError::member(
            "$.customProperties",
            "At most 10 entries are allowed.",
        ));
    }
    for (key, value) in properties {
        if key.chars().count() > 64 {
            return Err(ServiceError::member(
                "$.customProperties",
                "A key has at most 64 characters.",
            ));
        }
        if value.chars().count() > 256 {
            let path = format!("$.customProperties.{key}");
            return Err(ServiceError::member(&path, "A value has at most 256 characters."));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_number_in_custom_properties_is_refused_with_its_path() {
        let body = json!({ "customProperties": { "retryCount": 3 } });
        let error = Members::of(&body).unwrap().custom_properties().unwrap_err();
        assert_eq!(error.code, "InvalidPayload");
        assert_eq!(
            error.message,
            "$.customProperties.retryCount: The supplied value is invalid."
        );
    }

    #[test]
    fn custom_properties_keep_their_bounds_after_a_merge() {
        let present = (0..10).map(|index| (format!("key{index}"), String::new())).collect();
        let more = json!({ "customProperties": { "new": "x" } });
        assert!(Members::of(&more).unwrap().merge_custom_properties(&present).is_err());
        let swap = json!({ "customProperties": { "new": "x", "key0": null } });
        let merged = Members::of(&swap).unwrap().merge_custom_properties(&present).unwrap();
        assert_eq!(merged.len(), 10);
        let clear = json!({ "customProperties": null });
        assert!(
            Members::of(&clear)
                .unwrap()
                .merge_custom_properties(&present)
                .unwrap()
                .is_empty()
        );
    }

    #[test]
    fn a_patch_tells_absent_from_null() {
        let body = json!({ "description": null });
        let members = Members::of(&body).unwrap();
        assert_eq!(members.text_change("description").unwrap(), Change::Clear);
        assert_eq!(members.text_change("displayName").unwrap(), Change::Keep);
    }
}
