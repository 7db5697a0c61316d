//! Memory that calls reuse.

use crate::blocks::{InputBlock, Line};
use crate::{Isa, Pool};
use std::sync::Arc;

/// What products and attention steps of one thread need besides their operands: the instructions to use
/// and memory that grows to the largest call and is then reused, so that later calls allocate nothing.
#[derive(Debug)]
pub struct Scratch {
    pub(crate) isa: Isa,
    pub(crate) pool: Option<Arc<Pool>>,
    pub(crate) inputs: Vec<InputBlock>,
    pub(crate) scores: Vec<Line>,
}

impl Scratch {
    /// Scratch for calls with these instructions.
    pub fn new(isa: Isa) -> Self {
        Self { isa, pool: None, inputs: Vec::new(), scores: Vec::new() }
    }

    /// The same, with large products shared between the threads of `pool`.
    pub fn with_pool(isa: Isa, pool: Arc<Pool>) -> Self {
        Self { pool: Some(pool), ..Self::new(isa) }
    }

    /// The instructions that calls use.
    pub fn isa(&self) -> Isa {
        self.isa
    }
}
