//! Decoders as one fused program over packed weights.
//!
//! ```text
//! lower      tract's graph → steps          side     masks and tables, run and looked at
//!   layout     which element of a row        fuse     several steps → one
//! plan       steps → buffers                 run      a chunk of tokens through them
//! ```

mod decoder;
mod fuse;
mod layout;
mod lower;
mod plan;
mod program;
mod run;
mod side;

use tract_nnef::internal::*;

pub(super) use decoder::FusedDecoder;

use super::{LoadOptions, contract};

/// `model` as one program, or what in it is not understood.
pub(super) fn fused(
    model: &TypedModel,
    contract: &contract::Decoder,
    vocabulary: usize,
    context: usize,
    options: &LoadOptions,
) -> Result<FusedDecoder, String> {
    let program = lower::lower(model, contract, context)?;
    if program.steps[program.logits].width != vocabulary {
        return Err("its logits are a part of a row".into());
    }
    FusedDecoder::new(fuse::fuse(program), vocabulary, context, options)
        .map_err(|error| format!("{} threads: {error}", options.threads))
}
