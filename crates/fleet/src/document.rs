//! The plan for programs.
use super::{Row, in_order};
use serde::Serialize;

#[derive(Serialize)]
struct Document {
    objects: Vec<Row>,
}

/// The objects by namespace and name, each with its steps by date.
fn document(rows: &[Row]) -> Document {
    let mut objects: Vec<Row> = in_order(rows).into_iter().cloned().collect();
    for row in &mut objects {
        row.steps
            .sort_by(|one, other| (one.at, one.action, &one.to).cmp(&(other.at, other.action, &other.to)));
    }
    Document { objects }
}

/// The plan as JSON: `{"objects": [...]}`, indented, with a line break at the end.
pub fn json(rows: &[Row]) -> Result<String, serde_json::Error> {
    let mut text = serde_json::to_string_pretty(&document(rows))?;
    text.push('\n');
    Ok(text)
}

/// The same as YAML.
pub fn yaml(rows: &[Row]) -> Result<String, serde_saphyr::ser::Error> {
    serde_saphyr::to_string(&document(rows))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::fleet;
    use serde_json::Value;

    #[test]
    fn the_document_has_every_object_and_step_in_order() {
        insta::assert_snapshot!(yaml(&fleet()).unwrap());
    }

    #[test]
    fn json_and_yaml_say_the_same_whatever_the_order_of_rows_and_steps() {
        let text = json(&fleet()).unwrap();
        let value: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            serde_saphyr::from_str::<Value>(&yaml(&fleet()).unwrap()).unwrap(),
            value
        );
        let mut other = fleet();
        other.reverse();
        other.iter_mut().for_each(|row| row.steps.reverse());
        assert_eq!(json(&other).unwrap(), text);
        assert_eq!(json(&[]).unwrap(), "{\n  \"objects\": []\n}\n");
    }
}
