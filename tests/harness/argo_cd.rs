//! Argo CD's judgement of an object: the shipped script, run by a real Lua of the version whose language Argo CD speaks.
use mlua::{Lua, LuaOptions, StdLib, Table, Value as LuaValue};
use serde_json::Value;

const SCRIPT: &str = include_str!("../../deploy/argocd/health.lua");

/// The health and the message that Argo CD would show. Panics where the script fails, as Argo CD would show an error.
pub fn health(object: &Value) -> (String, String) {
    // Argo CD gives a script the basic functions and this library; what more it gives is not used.
    let lua = Lua::new_with(StdLib::TABLE, LuaOptions::default()).unwrap();
    lua.globals().set("obj", as_lua(&lua, object)).unwrap();
    let health: Table = lua.load(SCRIPT).eval().unwrap();
    (health.get("status").unwrap(), health.get("message").unwrap())
}

/// As Argo CD hands an object over: numbers are floats, and null is nil.
fn as_lua(lua: &Lua, value: &Value) -> LuaValue {
    match value {
        Value::Null => LuaValue::Nil,
        Value::Bool(value) => LuaValue::Boolean(*value),
        Value::Number(number) => LuaValue::Number(number.as_f64().unwrap()),
        Value::String(text) => LuaValue::String(lua.create_string(text).unwrap()),
        Value::Array(items) => {
            let items = items.iter().map(|item| as_lua(lua, item));
            LuaValue::Table(lua.create_sequence_from(items).unwrap())
        }
        Value::Object(members) => {
            let members = members.iter().map(|(key, member)| (key.as_str(), as_lua(lua, member)));
            LuaValue::Table(lua.create_table_from(members).unwrap())
        }
    }
}
