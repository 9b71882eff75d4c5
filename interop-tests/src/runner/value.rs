//! JSON values as scenarios write and compare them.

use serde_json::Value;

/// Reads a scenario's JSON. `{"$repeat":"text","times":n}` is that text so many times, `{"$range":n}` the array 0 … n-1,
/// `{"$items":x,"times":n}` the array of so many x.
pub fn read(text: &str) -> Result<Value, String> {
    let value = serde_json::from_str(text).map_err(|error| format!("{text} is no JSON: {error}"))?;
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

/// Whether two values are the same. A number is its value: languages write 1.0 and 1, 1e21 and its digits.
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

/// A value for a message: shortened in its middle, if it is long.
#[must_use]
pub fn brief(text: &str) -> String {
    const MOST: usize = 300;
    if text.len() <= MOST {
        return text.to_owned();
    }
    let start: String = text.chars().take(MOST / 2).collect();
    let end: String = text.chars().rev().take(MOST / 4).collect::<Vec<_>>().into_iter().rev().collect();
    format!("{start} … {} bytes … {end}", text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_scenarios_abbreviate_is_written_out() {
        assert_eq!(read(r#"{"a":{"$repeat":"xy","times":3}}"#).unwrap(), serde_json::json!({"a": "xyxyxy"}));
        assert_eq!(read(r#"{"$range":3}"#).unwrap(), serde_json::json!([0, 1, 2]));
        assert_eq!(read(r#"{"$items":null,"times":2}"#).unwrap(), serde_json::json!([null, null]));
        assert!(read("{").is_err());
    }

    #[test]
    fn numbers_are_the_same_however_they_are_written() {
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
