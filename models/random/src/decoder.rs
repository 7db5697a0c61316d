//! A Llama-like decoder in the form that runs best: see `docs/reference/model-contract.md`.

use crate::onnx::{Attr, Dim, F32, Graph, I64};

/// Sizes of a decoder.
#[derive(Clone, Debug)]
pub struct Shape {
    /// Tokens it knows.
    pub vocabulary: usize,
    /// Most tokens of a conversation.
    pub context: usize,
    /// Layers.
    pub layers: usize,
    /// Heads of queries.
    pub heads: usize,
    /// Heads of keys and values.
    pub shared: usize,
    /// Width of a head.
    pub head: usize,
    /// Width inside the gated unit.
    pub inner: usize,
    /// Whether products have four-bit weights in blocks of 32.
    pub int4: bool,
    /// Whether the embedding is the head's matrix.
    pub tied: bool,
    /// Whether all positions have logits, not only the last.
    pub all_logits: bool,
    /// By how much it prefers one token to another: a factor of its logits. Random weights prefer some
    /// more than a model that was taught prefers what it means; one below 1 prefers none for certain.
    pub certainty: f32,
    /// What the random weights follow from.
    pub seed: u64,
}

impl Default for Shape {
    fn default() -> Self {
        Shape {
            vocabulary: 64,
            context: 128,
            layers: 2,
            heads: 4,
            shared: 2,
            head: 8,
            inner: 64,
            int4: false,
            tied: true,
            all_logits: false,
            certainty: 1.0,
            seed: 1,
        }
    }
}

impl Shape {
    fn width(&self) -> usize {
        self.heads * self.head
    }
}

/// The file.
pub fn onnx(shape: &Shape) -> Vec<u8> {
    let mut graph = Graph::new(shape.seed);
    graph.input("input_ids", I64, &[Dim::Is(1), Dim::Named("S")]);
    graph.input("position_ids", I64, &[Dim::Is(1), Dim::Named("S")]);
    let writer = Writer::new(&mut graph, shape);
    writer.write();
    graph.finish()
}

struct Writer<'a> {
    graph: &'a mut Graph,
    shape: &'a Shape,
    /// Cosines and sines of the positions, `[1, 1, S, head]`.
    turn: (String, String),
}

impl<'a> Writer<'a> {
    fn new(graph: &'a mut Graph, shape: &'a Shape) -> Self {
        let half = shape.head / 2;
        let angle = |at: usize| {
            let (position, column) = (at / shape.head, at % half);
            position as f32 * 10_000f32.powf(-(column as f32) / half as f32)
        };
        let count = shape.context * shape.head;
        let cos: Vec<f32> = (0..count).map(|at| angle(at).cos()).collect();
        let sin: Vec<f32> = (0..count).map(|at| angle(at).sin()).collect();
        let one = graph.ints(&[1], &[1]);
        let mut table = |values: &[f32]| {
            let table = graph.floats(&[shape.context, shape.head], values);
            let rows = graph.op("Gather", &[&table, "position_ids"], &[Attr::Int("axis", 0)]);
            graph.op("Unsqueeze", &[&rows, &one], &[])
        };
        let turn = (table(&cos), table(&sin));
        Writer { graph, shape, turn }
    }

    fn write(mut self) {
        let (width, vocabulary) = (self.shape.width(), self.shape.vocabulary);
        let head = self.graph.random(vocabulary * width, 1.0);
        let embedding =
            if self.shape.tied { head.clone() } else { self.graph.random(vocabulary * width, 1.0) };
        let mut stream = self.embed(&embedding);
        for layer in 0..self.shape.layers {
            stream = self.attention(&stream, layer);
            stream = self.gated(&stream);
        }
        let normed = self.norm_by(&stream, self.shape.certainty);
        let last = if self.shape.all_logits {
            normed
        } else {
            let index = self.graph.ints(&[1], &[-1]);
            self.graph.op("Gather", &[&normed, &index], &[Attr::Int("axis", 1)])
        };
        let logits = self.multiply(&last, vocabulary, width, &head);
        self.graph.op_to("Identity", &[&logits], &[], "logits");
        let positions = if self.shape.all_logits { Dim::Named("S") } else { Dim::Is(1) };
        self.graph.output("logits", F32, &[Dim::Is(1), positions, Dim::Is(vocabulary)]);
    }

    fn embed(&mut self, rows: &[f32]) -> String {
        let (vocabulary, width) = (self.shape.vocabulary, self.shape.width());
        if self.shape.int4 {
            let (quants, scales) = quantised(rows, width);
            let quants = self.graph.octets(&[vocabulary, width / 2], &quants);
            let scales = self.graph.floats(&[vocabulary, width / 32], &scales);
            return self.graph.op(
                "GatherBlockQuantized",
                &[&quants, "input_ids", &scales],
                &[
                    Attr::Int("bits", 4),
                    Attr::Int("block_size", 32),
                    Attr::Int("gather_axis", 0),
                    Attr::Int("quantize_axis", 1),
                ],
            );
        }
        let table = self.graph.floats(&[vocabulary, width], rows);
        self.graph.op("Gather", &[&table, "input_ids"], &[Attr::Int("axis", 0)])
    }

    /// `input` times the transpose of `rows`, `[outputs, inputs]`.
    fn multiply(&mut self, input: &str, outputs: usize, inputs: usize, rows: &[f32]) -> String {
        if self.shape.int4 {
            let (quants, scales) = quantised(rows, inputs);
            let quants = self.graph.octets(&[outputs, inputs / 32, 16], &quants);
            let scales = self.graph.floats(&[outputs * inputs / 32], &scales);
            return self.graph.op(
                "MatMulNBits",
                &[input, &quants, &scales],
                &[
                    Attr::Int("K", inputs as i64),
                    Attr::Int("N", outputs as i64),
                    Attr::Int("bits", 4),
                    Attr::Int("block_size", 32),
                ],
            );
        }
        let turned: Vec<f32> =
            (0..inputs * outputs).map(|at| rows[at % outputs * inputs + at / outputs]).collect();
        let weights = self.graph.floats(&[inputs, outputs], &turned);
        self.graph.op("MatMul", &[input, &weights], &[])
    }

    fn product(&mut self, input: &str, outputs: usize, inputs: usize) -> String {
        let rows = self.graph.random(outputs * inputs, 2.0 / (inputs as f32).sqrt());
        self.multiply(input, outputs, inputs, &rows)
    }

    fn norm(&mut self, input: &str) -> String {
        self.norm_by(input, 1.0)
    }

    fn norm_by(&mut self, input: &str, factor: f32) -> String {
        let width = self.shape.width();
        let weights = self.graph.random(width, 0.2);
        let weights: Vec<f32> = weights.iter().map(|value| factor * (1.0 + value)).collect();
        let (weights, two) = (self.graph.floats(&[width], &weights), self.graph.floats(&[], &[2.0]));
        let (tiny, one) = (self.graph.floats(&[], &[1e-5]), self.graph.floats(&[], &[1.0]));
        let squares = self.graph.op("Pow", &[input, &two], &[]);
        let mean = self.graph.op("ReduceMean", &[&squares], &[Attr::Ints("axes", vec![-1])]);
        let sum = self.graph.op("Add", &[&mean, &tiny], &[]);
        let root = self.graph.op("Sqrt", &[&sum], &[]);
        let scale = self.graph.op("Div", &[&one, &root], &[]);
        let scaled = self.graph.op("Mul", &[input, &scale], &[]);
        self.graph.op("Mul", &[&weights, &scaled], &[])
    }

    /// `[1, S, heads · head]` as `[1, heads, S, head]`.
    fn heads(&mut self, input: &str, heads: usize) -> String {
        let shape = self.graph.ints(&[4], &[1, -1, heads as i64, self.shape.head as i64]);
        let split = self.graph.op("Reshape", &[input, &shape], &[]);
        self.graph.op("Transpose", &[&split], &[Attr::Ints("perm", vec![0, 2, 1, 3])])
    }

    fn rotate(&mut self, input: &str) -> String {
        let half = (self.shape.head / 2) as i64;
        let axis = self.graph.ints(&[1], &[3]);
        let [zero, middle, end] = [0, half, 2 * half].map(|at| self.graph.ints(&[1], &[at]));
        let first = self.graph.op("Slice", &[input, &zero, &middle, &axis], &[]);
        let second = self.graph.op("Slice", &[input, &middle, &end, &axis], &[]);
        let negated = self.graph.op("Neg", &[&second], &[]);
        let turned = self.graph.op("Concat", &[&negated, &first], &[Attr::Int("axis", -1)]);
        let (cos, sin) = self.turn.clone();
        let straight = self.graph.op("Mul", &[input, &cos], &[]);
        let across = self.graph.op("Mul", &[&turned, &sin], &[]);
        self.graph.op("Add", &[&straight, &across], &[])
    }

    /// `new` behind the cache's `part` of `layer`.
    fn cached(&mut self, new: &str, layer: usize, part: &str) -> String {
        let dims =
            |length| [Dim::Is(1), Dim::Is(self.shape.shared), Dim::Named(length), Dim::Is(self.shape.head)];
        let (past, present) = (format!("past_{layer}_{part}"), format!("present_{layer}_{part}"));
        self.graph.input(&past, F32, &dims("P"));
        self.graph.op_to("Concat", &[&past, new], &[Attr::Int("axis", 2)], &present);
        self.graph.output(&present, F32, &dims("T"));
        present
    }

    /// 0 where a token may look, far below it where it may not, `[S, T]`.
    fn mask(&mut self, present: &str) -> String {
        let (zero, one, two) =
            (self.graph.ints(&[], &[0]), self.graph.ints(&[], &[1]), self.graph.ints(&[], &[2]));
        let shape = self.graph.op("Shape", &[present], &[]);
        let length = self.graph.op("Gather", &[&shape, &two], &[Attr::Int("axis", 0)]);
        let range = self.graph.op("Range", &[&zero, &length, &one], &[]);
        let column = self.graph.ints(&[2], &[-1, 1]);
        let positions = self.graph.op("Reshape", &["position_ids", &column], &[]);
        let visible = self.graph.op("LessOrEqual", &[&range, &positions], &[]);
        let (open, shut) = (self.graph.floats(&[], &[0.0]), self.graph.floats(&[], &[-1e9]));
        self.graph.op("Where", &[&visible, &open, &shut], &[])
    }

    fn attention(&mut self, stream: &str, layer: usize) -> String {
        let Shape { heads, shared, head, .. } = *self.shape;
        let width = self.shape.width();
        let normed = self.norm(stream);
        let queries = self.product(&normed, width, width);
        let keys = self.product(&normed, shared * head, width);
        let values = self.product(&normed, shared * head, width);
        let (queries, keys) = (self.heads(&queries, heads), self.heads(&keys, shared));
        let values = self.heads(&values, shared);
        let (queries, keys) = (self.rotate(&queries), self.rotate(&keys));
        let keys = self.cached(&keys, layer, "k");
        let values = self.cached(&values, layer, "v");
        let mask = self.mask(&keys);
        let (shared, group, head) = (shared as i64, (heads / shared) as i64, head as i64);
        let grouped = self.graph.ints(&[5], &[1, shared, group, -1, head]);
        let queries = self.graph.op("Reshape", &[&queries, &grouped], &[]);
        let two = self.graph.ints(&[1], &[2]);
        let turned = self.graph.op("Transpose", &[&keys], &[Attr::Ints("perm", vec![0, 1, 3, 2])]);
        let turned = self.graph.op("Unsqueeze", &[&turned, &two], &[]);
        let scores = self.graph.op("MatMul", &[&queries, &turned], &[]);
        let scale = self.graph.floats(&[], &[1.0 / (head as f32).sqrt()]);
        let scaled = self.graph.op("Mul", &[&scores, &scale], &[]);
        let masked = self.graph.op("Add", &[&scaled, &mask], &[]);
        let shares = self.graph.op("Softmax", &[&masked], &[Attr::Int("axis", -1)]);
        let values = self.graph.op("Unsqueeze", &[&values, &two], &[]);
        let mixed = self.graph.op("MatMul", &[&shares, &values], &[]);
        let joined = self.graph.ints(&[4], &[1, heads as i64, -1, head]);
        let mixed = self.graph.op("Reshape", &[&mixed, &joined], &[]);
        let mixed = self.graph.op("Transpose", &[&mixed], &[Attr::Ints("perm", vec![0, 2, 1, 3])]);
        let flat = self.graph.ints(&[3], &[1, -1, width as i64]);
        let mixed = self.graph.op("Reshape", &[&mixed, &flat], &[]);
        let out = self.product(&mixed, width, width);
        self.graph.op("Add", &[stream, &out], &[])
    }

    fn gated(&mut self, stream: &str) -> String {
        let (width, inner) = (self.shape.width(), self.shape.inner);
        let normed = self.norm(stream);
        let gate = self.product(&normed, inner, width);
        let up = self.product(&normed, inner, width);
        let open = self.graph.op("Sigmoid", &[&gate], &[]);
        let gate = self.graph.op("Mul", &[&gate, &open], &[]);
        let inside = self.graph.op("Mul", &[&gate, &up], &[]);
        let out = self.product(&inside, width, inner);
        self.graph.op("Add", &[stream, &out], &[])
    }
}

/// Rows of `inputs` weights as nibbles around 8, and a scale for each 32.
fn quantised(rows: &[f32], inputs: usize) -> (Vec<u8>, Vec<f32>) {
    assert_eq!(inputs % 32, 0, "rows of whole blocks");
    let (mut quants, mut scales) = (Vec::new(), Vec::new());
    for block in rows.chunks(32) {
        let most = block.iter().fold(0.0f32, |most, value| most.max(value.abs()));
        // A scale that half precision holds exactly: tract keeps it so.
        let scale = (most / 7.0 * 512.0).ceil() / 512.0;
        let nibble = |value: f32| ((value / scale).round() as i32 + 8).clamp(0, 15) as u8;
        quants.extend(block.chunks(2).map(|pair| nibble(pair[0]) | nibble(pair[1]) << 4));
        scales.push(scale);
    }
    (quants, scales)
}
