//! The form of `state.json`: the state as one line of JSON, and below it the line's digest, so
//! that a damaged file is known as one instead of being believed.

use lineside_bundle::Sha256Hex;
use serde::{Deserialize, Serialize};

use super::state::ModelState;

/// Version of the form.
const SCHEMA: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Document<S> {
    schema: u32,
    state: S,
}

/// The bytes of a state.
#[must_use]
pub fn encode(state: &ModelState) -> Vec<u8> {
    // Plain data with text keys always serialises; an empty line would be refused when read.
    let line = serde_json::to_string(&Document { schema: SCHEMA, state }).unwrap_or_default();
    let digest = Sha256Hex::of(line.as_bytes());
    format!("{line}\n{digest}\n").into_bytes()
}

/// The state in `bytes`; `None` when they are damaged or of another form.
#[must_use]
pub fn decode(bytes: &[u8]) -> Option<ModelState> {
    let text = std::str::from_utf8(bytes).ok()?;
    let (line, digest) = text.strip_suffix('\n')?.split_once('\n')?;
    if Sha256Hex::of(line.as_bytes()).as_str() != digest {
        return None;
    }
    let document: Document<ModelState> = serde_json::from_str(line).ok()?;
    (document.schema == SCHEMA).then_some(document.state)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_state_reads_back_as_it_was_written() {
        let state = ModelState { floor: 3, pinned: true, ..ModelState::default() };
        assert_eq!(decode(&encode(&state)), Some(state));
    }

    proptest! {
        #[test]
        fn a_damaged_state_is_never_believed(at in 0usize..400, bit in 0u8..8, cut in 0usize..400) {
            let whole = encode(&ModelState { floor: 3, ..ModelState::default() });
            let mut bytes = whole.clone();
            let at = at % bytes.len();
            bytes[at] ^= 1 << bit;
            prop_assert_eq!(decode(&bytes), None);
            prop_assert_eq!(decode(&whole[..cut % whole.len()]), None);
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = decode(&bytes);
        }
    }
}
