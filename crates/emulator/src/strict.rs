//! Reads JSON given from outside (seeds, control API) and refuses members that nobody knows.
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

/// Reads a value; the text says what is wrong.
///
/// Flattened structs cannot refuse unknown members themselves, so what was read is written again and compared: a
/// member that does not come back was not known.
pub fn read<T: DeserializeOwned + Serialize>(value: Value) -> Result<T, String> {
    let parsed: T = serde_json::from_value(value.clone()).map_err(|error| error.to_string())?;
    let written = serde_json::to_value(&parsed).map_err(|error| error.to_string())?;
    match unknown(&value, &written, "$") {
        Some(path) => Err(format!("unknown member or wrong form: {path}")),
        None => Ok(parsed),
    }
}

fn unknown(given: &Value, written: &Value, path: &str) -> Option<String> {
    if let (Value::Object(given), Value::Object(written)) = (given, written) {
        return given.iter().find_map(|(name, value)| {
            let path = format!("{path}.{name}");
            match written.get(name) {
                None => Some(path),
                Some(known) => unknown(value, known, &path),
            }
        });
    }
    if let (Value::Array(given), Value::Array(written)) = (given, written) {
        let pairs = given.iter().zip(written).enumerate();
        return pairs
            .into_iter()
            .find_map(|(index, (given, written))| unknown(given, written, &format!("{path}[{index}]")));
    }
    // Structs can be read from lists of their members' values: that is not meant here.
    (given.is_array() && written.is_object()).then(|| path.to_owned())
}

/// Merges a patch into a value as RFC 7396 says.
pub fn merge(target: &mut Value, patch: &Value) {
    let Some(patch) = patch.as_object() else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Some(members) = target.as_object_mut() else { return };
    for (name, value) in patch {
        if value.is_null() {
            members.remove(name);
        } else {
            merge(members.entry(name.clone()).or_insert(Value::Null), value);
        }
    }
}
