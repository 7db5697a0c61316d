//! Adds to a record's body what is known only when it is sent.

use std::io::Write;

use crate::outbox::RecordKey;

/// The body with `boot`, `seq` and `hist` behind its opening brace; `None` when it is not a JSON
/// object. `hist` is true for what is sent late.
pub fn splice(body: &[u8], key: RecordKey, hist: bool) -> Option<Vec<u8>> {
    /// Room for the three fields with their largest values.
    const FIELDS: usize = 64;
    let rest = body.trim_ascii().strip_prefix(b"{")?.trim_ascii_start();
    if rest.last() != Some(&b'}') {
        return None;
    }
    let comma = if rest.first() == Some(&b'}') { "" } else { "," };
    let mut message = Vec::with_capacity(body.len() + FIELDS);
    write!(message, "{{\"boot\":{},\"seq\":{},\"hist\":{hist}{comma}", key.boot, key.seq).ok()?;
    message.extend(rest);
    Some(message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outbox::Priority;

    const KEY: RecordKey = RecordKey { priority: Priority::Incident, boot: 3, seq: 9 };

    fn text(body: &str) -> Option<String> {
        splice(body.as_bytes(), KEY, true).map(|bytes| String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn the_fields_stand_behind_the_brace() {
        let expected = r#"{"boot":3,"seq":9,"hist":true,"ts":1.0}"#;
        assert_eq!(text(r#"{"ts":1.0}"#).as_deref(), Some(expected));
        assert_eq!(text(" {  \"ts\":1.0} \n").as_deref(), Some(expected));
        assert_eq!(text("{}").as_deref(), Some(r#"{"boot":3,"seq":9,"hist":true}"#));
    }

    #[test]
    fn what_is_not_an_object_is_refused() {
        for body in ["", "[]", "1.5", "{", "null", "{\"a\":1"] {
            assert_eq!(text(body), None, "{body}");
        }
    }
}
