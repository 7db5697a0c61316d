//! A decoder as one fused program.

use std::sync::{Arc, Mutex, PoisonError};

use lineside_kernels::{Cache, Isa, Pool};

use super::plan::Plan;
use super::program::{Op, Program};
use super::run::{Chunk, Workspace};
use crate::slm::model::{Conversation, Decoder, LoadOptions, ModelError, PREFILL_CHUNK, Token, feeding};

/// A decoder as one fused program.
pub(crate) struct FusedDecoder(Arc<Parts>);

/// What its conversations share.
struct Parts {
    plan: Plan,
    vocabulary: usize,
    context: usize,
    bytes: u64,
    /// Where a call may use more threads than its own.
    pool: Option<Arc<Pool>>,
    instructions: Isa,
    /// Memory of runs that have ended.
    workspaces: Mutex<Vec<Workspace>>,
}

impl FusedDecoder {
    /// Lays out `program`, whose large products may use the threads of `options`.
    ///
    /// # Errors
    /// When the system gives no further thread.
    pub(super) fn new(
        program: Program,
        vocabulary: usize,
        context: usize,
        options: &LoadOptions,
    ) -> std::io::Result<Self> {
        let threads = options.threads;
        let pool = if threads > 1 { Some(Arc::new(Pool::new(threads)?)) } else { None };
        let bytes = constant_bytes(&program);
        let plan = Plan::new(program);
        Ok(FusedDecoder(Arc::new(Parts {
            plan,
            vocabulary,
            context,
            bytes,
            pool,
            instructions: options.instructions,
            workspaces: Mutex::default(),
        })))
    }
}

/// Bytes of all weights and tables, each counted once.
fn constant_bytes(program: &Program) -> u64 {
    let mut seen = std::collections::HashSet::new();
    let mut bytes = 0;
    let mut count = |at: *const u8, size: usize| {
        if seen.insert(at) {
            bytes += size as u64;
        }
    };
    let floats = |values: &Arc<Vec<f32>>| (Arc::as_ptr(values).cast(), values.len() * size_of::<f32>());
    for step in &program.steps {
        let vectors = match &step.op {
            Op::Embed(weights) => {
                count(Arc::as_ptr(weights).cast(), weights.bytes());
                [None, None]
            }
            Op::Product(weights, bias) => {
                count(Arc::as_ptr(weights).cast(), weights.bytes());
                [bias.as_ref(), None]
            }
            Op::Place(values) | Op::Scale(values) | Op::Bias(values) => [Some(values), None],
            Op::Norm(norm) => [Some(&norm.weight), Some(&norm.bias)],
            Op::Rope(turn) => {
                count(Arc::as_ptr(turn).cast(), 2 * turn.cos.len() * size_of::<f32>());
                [None, None]
            }
            _ => [None, None],
        };
        for (at, size) in vectors.into_iter().flatten().map(floats) {
            count(at, size);
        }
    }
    bytes
}

impl Parts {
    fn workspace(&self) -> Workspace {
        let free = self.workspaces.lock().unwrap_or_else(PoisonError::into_inner).pop();
        free.unwrap_or_else(|| {
            Workspace::new(&self.plan, PREFILL_CHUNK.min(self.context), self.pool.clone(), self.instructions)
        })
    }

    fn give_back(&self, workspace: Workspace) {
        self.workspaces.lock().unwrap_or_else(PoisonError::into_inner).push(workspace);
    }
}

impl Decoder for FusedDecoder {
    fn vocabulary(&self) -> usize {
        self.0.vocabulary
    }

    fn context(&self) -> usize {
        self.0.context
    }

    fn memory_bytes(&self) -> u64 {
        let workspaces = self.0.workspaces.lock().unwrap_or_else(PoisonError::into_inner);
        self.0.bytes + workspaces.iter().map(|workspace| workspace.bytes() as u64).sum::<u64>()
    }

    fn is_fused(&self) -> bool {
        true
    }

    fn converse(&self) -> Result<Box<dyn Conversation>, ModelError> {
        let plan = &self.0.plan;
        let caches = (0..plan.layers).map(|_| Cache::new(plan.shared, plan.head)).collect();
        Ok(Box::new(FusedConversation { parts: self.0.clone(), caches, logits: Vec::new(), length: 0 }))
    }
}

/// A conversation: what each layer keeps of its tokens.
#[derive(Clone)]
struct FusedConversation {
    parts: Arc<Parts>,
    caches: Vec<Cache>,
    logits: Vec<f32>,
    length: usize,
}

impl Conversation for FusedConversation {
    fn feed(&mut self, tokens: &[Token], go_on: &dyn Fn() -> bool) -> Result<(), ModelError> {
        let parts = self.parts.clone();
        feeding::check(tokens, self.length, parts.vocabulary, parts.context)?;
        if tokens.is_empty() {
            return Ok(());
        }
        let mut workspace = parts.workspace();
        let mut outcome = Ok(());
        for (at, tokens) in tokens.chunks(PREFILL_CHUNK).enumerate() {
            if at > 0 && !go_on() {
                outcome = Err(ModelError::Stopped);
                break;
            }
            let chunk = Chunk { tokens, start: self.length };
            workspace.run(&parts.plan, &chunk, &mut self.caches);
            self.length += tokens.len();
        }
        self.logits.clear();
        self.logits.extend_from_slice(workspace.logits(&parts.plan));
        parts.give_back(workspace);
        outcome
    }

    fn logits(&self) -> &[f32] {
        &self.logits
    }

    fn len(&self) -> usize {
        self.length
    }

    fn memory_bytes(&self) -> u64 {
        let caches: usize = self.caches.iter().map(Cache::bytes).sum();
        (caches + self.logits.capacity() * size_of::<f32>()) as u64
    }

    fn fork(&self) -> Result<Box<dyn Conversation>, ModelError> {
        Ok(Box::new(self.clone()))
    }
}
