//! What a file's tensors must be: checked before anything runs, so that a file that does not fit
//! is refused with the tensor's name and what it must be.

use std::collections::BTreeSet;

use tract_onnx::prelude::*;

use super::ModelError;
use super::names::{Cached, Input, Output};

/// A dimension of a tensor as its file states it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Dim {
    /// A number.
    Is(usize),
    /// A symbol, or nothing at all.
    Open,
}

/// A tensor that goes in or comes out, as its file states it.
#[derive(Clone, Debug)]
pub(super) struct Tensor {
    pub name: String,
    pub kind: Option<DatumType>,
    /// Nothing, where the file does not state it.
    pub dims: Option<Vec<Dim>>,
}

/// What goes in and comes out of a decoder, in the file's order.
#[derive(Clone, Debug)]
pub(super) struct Decoder {
    pub inputs: Vec<Input>,
    pub outputs: Vec<Output>,
    /// Layers with a cache.
    pub layers: usize,
    /// Heads of keys and values.
    pub heads: usize,
    /// Width of a head.
    pub width: usize,
}

/// What goes in and comes out of an encoder.
#[derive(Clone, Debug)]
pub(super) struct Encoder {
    pub inputs: Vec<Input>,
    /// Which of the outputs is the answer.
    pub output: usize,
}

/// Says what is wrong with tensors of one file.
pub(super) struct Checker<'a> {
    pub file: &'a str,
}

impl Checker<'_> {
    pub fn refuse<T>(&self, problem: String) -> Result<T, ModelError> {
        Err(ModelError::Contract { file: self.file.to_owned(), problem })
    }

    /// Matches a decoder's tensors with what they must be.
    pub fn decoder(&self, inputs: &[Tensor], outputs: &[Tensor]) -> Result<Decoder, ModelError> {
        let mut found = Decoder { inputs: vec![], outputs: vec![], layers: 0, heads: 0, width: 0 };
        let mut past = BTreeSet::new();
        for tensor in inputs {
            let role = Input::of(&tensor.name);
            match role {
                Some(Input::Tokens | Input::Positions | Input::Mask) => self.whole_numbers(tensor)?,
                Some(Input::Past(cached)) => {
                    let size = self.cache(tensor)?;
                    if past.is_empty() {
                        (found.heads, found.width) = size;
                    } else if size != (found.heads, found.width) {
                        return self.refuse(format!(
                            "input `{}` has {} heads of {}, but the other layers have {} of {}: all caches must be alike",
                            tensor.name, size.0, size.1, found.heads, found.width
                        ));
                    }
                    past.insert(cached);
                }
                Some(Input::Types) | None => return self.unknown_input(tensor),
            }
            found.inputs.extend(role);
        }
        if !found.inputs.contains(&Input::Tokens) {
            return self.refuse("has no input `input_ids`, i64 `[1, S]`: the new tokens".into());
        }
        if past.is_empty() {
            return self.refuse(
                "has no input `past_0_k` or `past_key_values.0.key`: it keeps no cache, so every token would cost \
                 the whole text again; export it with its past (`--task text-generation-with-past`)"
                    .into(),
            );
        }
        found.layers = past.len() / 2;
        let expected = |layers: usize| {
            (0..layers).flat_map(|layer| [false, true].map(|values| Cached { layer, values }))
        };
        if !past.iter().copied().eq(expected(found.layers)) {
            return self.refuse(format!(
                "has {} caches, which are not keys and values of layers 0 to {}: each layer needs both",
                past.len(),
                found.layers.saturating_sub(1)
            ));
        }
        self.outputs(outputs, &past, &mut found)?;
        Ok(found)
    }

    fn outputs(
        &self,
        outputs: &[Tensor],
        past: &BTreeSet<Cached>,
        found: &mut Decoder,
    ) -> Result<(), ModelError> {
        let mut present = BTreeSet::new();
        for tensor in outputs {
            let role = Output::of(&tensor.name);
            match role {
                Some(Output::Logits) => self.real_numbers("output", tensor)?,
                Some(Output::Present(cached)) => {
                    self.real_numbers("output", tensor)?;
                    present.insert(cached);
                }
                None => {
                    return self.refuse(format!(
                        "output `{}` is unknown: a decoder gives `logits`, and `present_<layer>_k` and `_v` or \
                         `present.<layer>.key` and `.value`",
                        tensor.name
                    ));
                }
            }
            found.outputs.extend(role);
        }
        if !found.outputs.contains(&Output::Logits) {
            return self
                .refuse("has no output `logits`, f32 `[1, S, vocabulary]` or of the last position".into());
        }
        if let Some(missing) = past.symmetric_difference(&present).next() {
            let part = if missing.values { "values" } else { "keys" };
            return self.refuse(format!(
                "the {part} of layer {} go in or come out, but not both: each `past` needs its `present`",
                missing.layer
            ));
        }
        Ok(())
    }

    /// Matches an encoder's tensors with what they must be; `answer` is the output that counts.
    pub fn encoder(
        &self,
        inputs: &[Tensor],
        outputs: &[Tensor],
        answer: &str,
    ) -> Result<Encoder, ModelError> {
        let mut roles = Vec::new();
        for tensor in inputs {
            match Input::of(&tensor.name) {
                Some(role @ (Input::Tokens | Input::Positions | Input::Mask | Input::Types)) => {
                    self.whole_numbers(tensor)?;
                    roles.push(role);
                }
                _ => return self.unknown_input(tensor),
            }
        }
        if !roles.contains(&Input::Tokens) {
            return self.refuse("has no input `input_ids`, i64 `[1, S]`: the tokens".into());
        }
        let Some(output) = outputs.iter().position(|tensor| tensor.name == answer) else {
            let names: Vec<String> = outputs.iter().map(|tensor| format!("`{}`", tensor.name)).collect();
            return self.refuse(format!(
                "has no output `{answer}`, which `language.output` asks for, but {}: change that key, or export the \
                 model with that head",
                names.join(", ")
            ));
        };
        self.real_numbers("output", &outputs[output])?;
        Ok(Encoder { inputs: roles, output })
    }

    fn unknown_input<T>(&self, tensor: &Tensor) -> Result<T, ModelError> {
        let name = &tensor.name;
        if name == "use_cache_branch" {
            return self.refuse(
                "input `use_cache_branch` chooses between two graphs in one file: export with `--no-post-process` \
                 and take `model.onnx`, which has one"
                    .into(),
            );
        }
        self.refuse(format!(
            "input `{name}` is unknown: a decoder takes `input_ids`, `position_ids`, `attention_mask`, and \
             `past_<layer>_k` and `_v` or `past_key_values.<layer>.key` and `.value`; an encoder `input_ids`, \
             `attention_mask` and `token_type_ids`"
        ))
    }

    fn whole_numbers(&self, tensor: &Tensor) -> Result<(), ModelError> {
        self.kind("input", tensor, i64::datum_type(), "i64")?;
        self.rank(tensor, 2, "[1, tokens]")?;
        self.batch(tensor)
    }

    fn real_numbers(&self, which: &str, tensor: &Tensor) -> Result<(), ModelError> {
        self.kind(which, tensor, f32::datum_type(), "f32")
    }

    /// Heads of a cache and their width.
    fn cache(&self, tensor: &Tensor) -> Result<(usize, usize), ModelError> {
        self.real_numbers("input", tensor)?;
        self.rank(tensor, 4, "[1, heads, past tokens, width of a head]")?;
        self.batch(tensor)?;
        match tensor.dims.as_deref() {
            Some([_, Dim::Is(heads), _, Dim::Is(width)]) => Ok((*heads, *width)),
            _ => self.refuse(format!(
                "input `{}` leaves its heads or their width open: both must be numbers, as in `[1, 4, past, 32]`",
                tensor.name
            )),
        }
    }

    fn kind(&self, which: &str, tensor: &Tensor, must: DatumType, name: &str) -> Result<(), ModelError> {
        match tensor.kind {
            Some(kind) if kind != must => self.refuse(format!(
                "{which} `{}` is {kind:?}; it must be {name}: export the model without converting its {which}s",
                tensor.name
            )),
            _ => Ok(()),
        }
    }

    fn rank(&self, tensor: &Tensor, rank: usize, must: &str) -> Result<(), ModelError> {
        match &tensor.dims {
            Some(dims) if dims.len() != rank => self.refuse(format!(
                "input `{}` has {} dimensions; it must have {rank}: `{must}`",
                tensor.name,
                dims.len()
            )),
            _ => Ok(()),
        }
    }

    fn batch(&self, tensor: &Tensor) -> Result<(), ModelError> {
        match tensor.dims.as_deref() {
            Some([Dim::Is(batch), ..]) if *batch != 1 => self.refuse(format!(
                "input `{}` is made for {batch} texts at once; its first dimension must be 1 or open",
                tensor.name
            )),
            _ => Ok(()),
        }
    }
}
