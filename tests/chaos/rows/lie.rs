//! Answers in place of the service's own: what gateways, proxies and retired versions say, by what they answer.
use crate::tenant::Tenant;
use serde_json::{Value, json};

/// Who is answered for: operations of the emulator, each a pattern.
const DELETES: &[&str] = &["Endpoints_Delete", "Models_Delete"];
const LOOKS: &[&str] = &["Endpoints_Get", "Models_GetCustomModel", "Evaluations_Get"];
const LISTS: &[&str] = &["Endpoints_List", "Models_ListCustomModels", "Evaluations_List"];
const ORDERS: &[&str] = &["Endpoints_Create", "Models_Create", "Evaluations_Create"];
const CHANGES: &[&str] = &["Endpoints_Update", "Models_Update"];
const ALL: &[&str] = &["*"];

/// What somebody else answers.
pub struct Lie {
    /// In a word, as part of names.
    pub name: &'static str,
    /// Each operation with its answer.
    pub answers: Vec<(&'static str, Value)>,
}

fn lie(name: &'static str, parts: &[(&[&'static str], Value)]) -> Lie {
    let answers = parts
        .iter()
        .flat_map(|(operations, action)| operations.iter().map(|operation| (*operation, action.clone())));
    Lie {
        name,
        answers: answers.collect(),
    }
}

fn gateway(status: u16) -> Value {
    json!({"status": status, "body": {"error": {"code": status.to_string(), "message": "Resource not found"}}})
}

fn manager(status: u16) -> Value {
    json!({"status": status, "body": {"statusCode": status, "message": "Resource not found"}})
}

fn page(status: u16) -> Value {
    json!({"status": status, "text": "<html><body>Not here</body></html>", "headers": {"content-type": "text/html"}})
}

/// In the service's own form, and about its version.
fn retired(status: u16) -> Value {
    json!({"status": status, "body": {"code": "NotFound", "message": "The API version is retired. Use a newer api-version."}})
}

fn empty(status: u16) -> Value {
    json!({"status": status, "text": ""})
}

fn none() -> Value {
    json!({"status": 200, "body": {"values": []}})
}

/// The lies that differ most.
pub fn few() -> Vec<Lie> {
    vec![
        lie("deletes", &[(DELETES, gateway(404))]),
        lie("deleted", &[(DELETES, json!({"status": 204}))]),
        lie(
            "empty-list",
            &[(LISTS, none()), (LOOKS, gateway(404)), (DELETES, gateway(404))],
        ),
        lie("emptied", &[(LISTS, none()), (LOOKS, manager(404))]),
        lie("all", &[(ALL, gateway(404))]),
        lie("retired", &[(ALL, retired(404))]),
    ]
}

/// Each verb with each kind of body, and some together.
pub fn many() -> Vec<Lie> {
    let mut all = few();
    all.extend([
        lie("deletes-managed", &[(DELETES, manager(404))]),
        lie("deletes-html", &[(DELETES, page(404))]),
        lie("deletes-empty", &[(DELETES, empty(404))]),
        lie("deletes-410", &[(DELETES, gateway(410))]),
        lie("deletes-retired", &[(DELETES, retired(404))]),
        lie("deletes-html-ok", &[(DELETES, page(200))]),
        lie("looks", &[(LOOKS, gateway(404)), (DELETES, gateway(404))]),
        lie("looks-410", &[(LOOKS, retired(410)), (DELETES, retired(410))]),
        lie("lists", &[(LISTS, gateway(404))]),
        lie("lists-empty", &[(LISTS, none())]),
        lie(
            "lists-other",
            &[
                (LISTS, json!({"status": 200, "body": {"status": "ok"}})),
                (LOOKS, page(404)),
            ],
        ),
        lie(
            "lists-cut",
            &[(LISTS, json!({"cutBody": {"afterBytes": 20}})), (LOOKS, gateway(404))],
        ),
        lie("orders", &[(ORDERS, gateway(404))]),
        lie("changes", &[(CHANGES, gateway(404)), (DELETES, page(404))]),
        lie("all-410", &[(ALL, retired(410))]),
        lie("all-html", &[(ALL, page(404))]),
        lie("all-ok", &[(ALL, page(200))]),
        lie("all-403", &[(ALL, page(403))]),
    ]);
    all
}

impl Lie {
    /// From now on somebody else answers for the tenant's service.
    pub async fn begin(&self, tenant: &Tenant) {
        for (operation, action) in &self.answers {
            tenant.strike_always(operation, action.clone(), json!({})).await;
        }
    }
}
