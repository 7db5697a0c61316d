//! What a decoder does to a row of numbers for each token, step by step.

use std::sync::Arc;

use lineside_kernels::Weights;

/// A value that a step makes: its index among the steps.
pub(super) type Id = usize;

/// One step; its inputs are values of earlier ones.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub op: Op,
    pub inputs: Vec<Id>,
    /// Numbers of a row.
    pub width: usize,
}

/// What a step does.
#[derive(Clone, Debug)]
pub(super) enum Op {
    /// The token's row of a table.
    Embed(Arc<Weights>),
    /// The input and the position's row of a table, `[context][width]`.
    Place(Arc<Vec<f32>>),
    /// The input normed.
    Norm(Norm),
    /// The input less its mean.
    Centre,
    /// The input times a vector.
    Scale(Arc<Vec<f32>>),
    /// The input times a number.
    Times(f32),
    /// The input and a vector.
    Bias(Arc<Vec<f32>>),
    /// The input and a number.
    Plus(f32),
    /// A matrix times the input, and a bias; with a second input, that is added.
    Product(Arc<Weights>, Option<Arc<Vec<f32>>>),
    /// Heads of the input turned by their position.
    Rope(Arc<Turn>),
    /// Keys and values put at the end of the cache of a layer.
    Append(usize),
    /// What the queries find in the cache of a layer; scores are times this before they are compared.
    Attend { layer: usize, scale: f32 },
    /// The last token's row.
    Last,
    /// The same function for each number.
    Each(Function),
    /// The input over `1 + e^-input`, times the second one.
    Gate,
    /// Both inputs multiplied.
    Multiply,
    /// Both inputs added.
    Add,
}

/// A norm of each group of a row's numbers: `x / rms · weight`, or `(x - mean) / deviation · weight + bias`.
#[derive(Clone, Debug)]
pub(super) struct Norm {
    pub eps: f32,
    /// Whether the mean is taken away first.
    pub centre: bool,
    /// One weight for each number of a group; ones, where there are none.
    pub weight: Arc<Vec<f32>>,
    pub weighted: bool,
    /// The same with biases, and zeros; only with `centre`.
    pub bias: Arc<Vec<f32>>,
    pub biased: bool,
}

impl Norm {
    /// A norm of groups of so many numbers, without weights.
    pub fn new(group: usize, eps: f32) -> Self {
        let (weight, bias) = (Arc::new(vec![1.0; group]), Arc::new(vec![0.0; group]));
        Norm { eps, centre: false, weight, weighted: false, bias, biased: false }
    }

    /// Numbers that are normed together.
    pub fn group(&self) -> usize {
        self.weight.len()
    }
}

/// The turn of each position.
#[derive(Debug)]
pub(super) struct Turn {
    /// Width of a head.
    pub head: usize,
    /// `[context][head / 2]`.
    pub cos: Vec<f32>,
    pub sin: Vec<f32>,
}

/// The keys or the values of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Cache {
    pub layer: usize,
    pub values: bool,
}

/// A function of one number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Function {
    Silu,
    Sigmoid,
    Tanh,
    /// The tanh form.
    Gelu,
    /// The form with the error function.
    GeluExact,
    Power(i32),
}

/// `√(2/π)`.
pub(super) const GELU_INNER: f32 = 0.797_884_6;
/// What the cube counts for.
pub(super) const GELU_CUBE: f32 = 0.044_715;

/// All steps of a decoder.
#[derive(Clone, Debug, Default)]
pub(super) struct Program {
    pub steps: Vec<Step>,
    /// The value that holds the logits.
    pub logits: Id,
    /// Sizes of attention.
    pub layers: usize,
    /// Heads of keys and values.
    pub shared: usize,
    /// Heads of queries.
    pub heads: usize,
    /// Width of a head.
    pub head: usize,
}

impl Program {
    pub fn push(&mut self, op: Op, inputs: Vec<Id>, width: usize) -> Id {
        self.steps.push(Step { op, inputs, width });
        self.steps.len() - 1
    }
}
