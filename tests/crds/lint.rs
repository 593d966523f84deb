//! What every CRD of ours must look like, without an API server.
use super::schema::{Node, crds, nodes, root};
use serde_json::{Value, json};

/// Looks at all places of all kinds and tells those that `complaint` has something against.
fn demand(complaint: impl Fn(&Node) -> Option<String>) {
    let mut complaints = Vec::new();
    let mut seen = 0;
    for (kind, crd) in crds() {
        for node in nodes(&crd) {
            seen += 1;
            complaints.extend(complaint(&node).map(|text| format!("{kind} {}: {text}", node.path)));
        }
    }
    assert!(seen > 100, "only {seen} places were looked at");
    assert!(complaints.is_empty(), "{complaints:#?}");
}

#[test]
fn every_field_is_described() {
    demand(|node| {
        let is_element = node.path.ends_with("[]") || node.path.ends_with("{}");
        let exempt = is_element || ["apiVersion", "kind", "metadata"].contains(&node.path.as_str());
        let about = node.schema["description"].as_str().unwrap_or_default();
        (!exempt && (about.len() < 10 || !about.ends_with(['.', ')']))).then(|| format!("described as {about:?}"))
    });
}

#[test]
fn every_format_is_one_that_the_api_server_knows() {
    demand(|node| {
        let format = node.schema["format"].as_str()?;
        (!["int32", "int64", "double", "date-time"].contains(&format)).then(|| format.to_owned())
    });
}

#[test]
fn nothing_is_nullable_or_open() {
    demand(|node| {
        let keys = [
            "nullable",
            "x-kubernetes-preserve-unknown-fields",
            "x-kubernetes-int-or-string",
        ];
        let found = keys.into_iter().find(|key| !node.schema[key].is_null());
        found.map(str::to_owned)
    });
}

#[test]
fn everything_that_a_rule_can_see_is_bounded() {
    demand(|node| {
        if !node.path.starts_with("spec") {
            return None;
        }
        let bound = match node.schema["type"].as_str()? {
            "string" if node.schema["enum"].is_array() => return None,
            "string" => "maxLength",
            "array" => "maxItems",
            "object" if node.schema["additionalProperties"].is_object() => "maxProperties",
            _ => return None,
        };
        node.schema[bound].is_null().then(|| format!("no {bound}"))
    });
}

#[test]
fn every_rule_has_a_message_that_says_more_than_the_rule() {
    demand(|node| {
        let rules = node.schema["x-kubernetes-validations"].as_array()?;
        let poor = rules.iter().find(|rule| {
            let message = rule["message"].as_str().unwrap_or_default();
            message.len() < 20 || Some(message) == rule["rule"].as_str() || message.contains('\n')
        });
        poor.map(Value::to_string)
    });
}

#[test]
fn no_pattern_stands_where_a_rule_could_say_what_to_write() {
    demand(|node| (!node.schema["pattern"].is_null()).then(|| node.schema["pattern"].to_string()));
}

#[test]
fn conditions_are_a_map_by_type_and_a_new_status_is_one_that_nobody_has_written() {
    for (kind, crd) in crds() {
        let status = &root(&crd)["properties"]["status"];
        let conditions = &status["properties"]["conditions"];
        assert_eq!(conditions["x-kubernetes-list-type"], "map", "{kind}");
        assert_eq!(conditions["x-kubernetes-list-map-keys"], json!(["type"]), "{kind}");
        assert_eq!(status["default"], json!({"observedGeneration": -1}), "{kind}");
        assert_eq!(status["properties"]["observedGeneration"]["default"], -1, "{kind}");
        assert_eq!(
            crd["spec"]["versions"][0]["subresources"],
            json!({"status": {}}),
            "{kind}"
        );
    }
}

#[test]
fn kinds_are_namespaced_and_in_the_category_and_have_short_names() {
    let names = ["spconn", "spmodel", "spep"];
    assert_eq!(crds().len(), names.len(), "each kind has its short name");
    for ((kind, crd), short) in crds().into_iter().zip(names) {
        assert_eq!(crd["spec"]["scope"], "Namespaced", "{kind}");
        assert_eq!(crd["spec"]["names"]["categories"], json!(["speech"]), "{kind}");
        assert_eq!(crd["spec"]["names"]["shortNames"], json!([short]), "{kind}");
    }
}

#[test]
fn printer_columns_show_fields_that_exist_with_their_types() {
    for (kind, crd) in crds() {
        let places = nodes(&crd);
        let columns = crd["spec"]["versions"][0]["additionalPrinterColumns"]
            .as_array()
            .unwrap();
        for column in columns {
            let path = column["jsonPath"].as_str().unwrap().trim_start_matches('.');
            if path == "metadata.creationTimestamp" {
                assert_eq!(column["type"], "date", "{kind} {path}");
                continue;
            }
            let path = path.replace(r#"[?(@.type=="Ready")]"#, "[]");
            let path = path.replace(r#"[?(@.type=="AtRisk")]"#, "[]").replace("[0]", "[]");
            let node = places.iter().find(|node| node.path == path);
            let node = node.unwrap_or_else(|| panic!("{kind}: a column shows {path}, which does not exist"));
            assert_eq!(column["type"], node.schema["type"], "{kind} {path}");
        }
        let narrow = columns
            .iter()
            .filter(|column| column["priority"].as_i64().unwrap_or_default() == 0);
        assert!(narrow.count() <= 8, "{kind}: too many columns for a narrow terminal");
    }
}
