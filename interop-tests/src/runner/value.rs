//! Reads and compares the JSON values of scenarios.

use serde_json::Value;

/// Reads a scenario's JSON and expands abbreviations: `{"$repeat":"text","times":n}` is the text
/// repeated n times, `{"$range":n}` the array 0 … n-1, `{"$items":x,"times":n}` the array of n
/// times x.
pub fn read(text: &str) -> Result<Value, String> {
    let value = serde_json::from_str(text).map_err(|error| format!("{text} is not JSON: {error}"))?;
    Ok(expand(value))
}

fn expand(value: Value) -> Value {
    match value {
        Value::Array(items) => items.into_iter().map(expand).collect(),
        Value::Object(members) => {
            let times = members.get("times").and_then(Value::as_u64).unwrap_or_default() as usize;
            if let Some(text) = members.get("$repeat").and_then(Value::as_str) {
                return text.repeat(times).into();
            }
            if let Some(count) = members.get("$range").and_then(Value::as_u64) {
                return (0..count).map(Value::from).collect();
            }
            if let Some(item) = members.get("$items") {
                return std::iter::repeat_n(item.clone(), times).collect();
            }
            members.into_iter().map(|(name, member)| (name, expand(member))).collect()
        }
        other => other,
    }
}

/// Whether two values are equal. Numbers are compared by value, because languages write them
/// differently: 1.0 and 1.
#[must_use]
pub fn is_same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(a), Value::Number(b)) if a.is_f64() || b.is_f64() => a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(name, value)| b.get(name).is_some_and(|other| is_same(value, other)))
        }
        _ => one == other,
    }
}

/// Shortens the middle of a long text for a message.
#[must_use]
pub fn brief(text: &str) -> String {
    const MAX_BYTES: usize = 300;
    if text.len() <= MAX_BYTES {
        return text.to_owned();
    }
    let start: String = text.chars().take(MAX_BYTES / 2).collect();
    let end: String = text.chars().rev().take(MAX_BYTES / 4).collect::<Vec<_>>().into_iter().rev().collect();
    format!("{start} … {} bytes … {end}", text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn abbreviations_are_expanded() {
        assert_eq!(read(r#"{"a":{"$repeat":"xy","times":3}}"#).unwrap(), serde_json::json!({"a": "xyxyxy"}));
        assert_eq!(read(r#"{"$range":3}"#).unwrap(), serde_json::json!([0, 1, 2]));
        assert_eq!(read(r#"{"$items":null,"times":2}"#).unwrap(), serde_json::json!([null, null]));
        assert!(read("{").is_err());
    }

    #[test]
    fn numbers_are_compared_by_value() {
        let same = |a: &str, b: &str| is_same(&read(a).unwrap(), &read(b).unwrap());
        assert!(same("[1.0,1e2]", "[1,100]"));
        assert!(same("1e308", "1.0e+308"));
        assert!(!same("9007199254740993", "9007199254740992"));
        assert!(!same("[1]", "[1,2]"));
        assert!(!same("1", "\"1\""));
    }

    #[test]
    fn a_long_text_is_shortened() {
        assert_eq!(brief("short"), "short");
        assert!(brief(&"x".repeat(10_000)).len() < 400);
    }
}
