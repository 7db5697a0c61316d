//! What the tensors of a language model are called, in the two ways that are understood.
//!
//! NNEF has no dots in its names, so a dot and an underscore count as the same.

/// What an input of a decoder holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Input {
    /// The new tokens, `[1, S]`.
    Tokens,
    /// Their positions, `[1, S]`.
    Positions,
    /// Which tokens are there, `[1, P+S]`.
    Mask,
    /// Which of two texts a token belongs to, `[1, S]`.
    Types,
    /// The keys or values of a layer, `[1, KV, P, D]`.
    Past(Cached),
}

/// What an output of a decoder holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Output {
    /// One logit for each token of the vocabulary.
    Logits,
    /// Keys or values of a layer, with those of the new tokens.
    Present(Cached),
}

/// The keys or the values of one layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Cached {
    pub layer: usize,
    pub values: bool,
}

impl Input {
    pub fn of(name: &str) -> Option<Input> {
        let name = plain(name);
        Some(match name.as_str() {
            "input_ids" => Input::Tokens,
            "position_ids" => Input::Positions,
            "attention_mask" => Input::Mask,
            "token_type_ids" => Input::Types,
            other => Input::Past(cached(other, &["past_key_values_", "past_"])?),
        })
    }
}

impl Output {
    pub fn of(name: &str) -> Option<Output> {
        let name = plain(name);
        match name.as_str() {
            "logits" => Some(Output::Logits),
            other => Some(Output::Present(cached(other, &["present_key_values_", "present_"])?)),
        }
    }
}

fn plain(name: &str) -> String {
    name.replace('.', "_")
}

/// `0_k`, `0_key`, `0_v` or `0_value` after one of the `prefixes`.
fn cached(name: &str, prefixes: &[&str]) -> Option<Cached> {
    let rest = prefixes.iter().find_map(|prefix| name.strip_prefix(prefix))?;
    let (layer, part) = rest.split_once('_')?;
    let values = match part {
        "k" | "key" => false,
        "v" | "value" => true,
        _ => return None,
    };
    Some(Cached { layer: layer.parse().ok()?, values })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_of_naming_a_cache_are_understood() {
        for name in ["past_3_k", "past_key_values.3.key", "past_key_values_3_key"] {
            assert_eq!(Input::of(name), Some(Input::Past(Cached { layer: 3, values: false })), "{name}");
        }
        for name in ["present_11_v", "present.11.value", "present_key_values.11.value"] {
            assert_eq!(Output::of(name), Some(Output::Present(Cached { layer: 11, values: true })), "{name}");
        }
        for name in ["past_k", "past_x_k", "past_1_q", "use_cache_branch", ""] {
            assert_eq!(Input::of(name), None, "{name}");
        }
    }
}
