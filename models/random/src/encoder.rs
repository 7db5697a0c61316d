//! A BERT-like encoder: one layer of attention over embedded tokens.

use crate::onnx::{Attr, Dim, F32, Graph, I64};

/// Width of its hidden states.
const WIDTH: usize = 16;
/// Heads of its attention.
const HEADS: i64 = 2;

/// The file: hidden states, or one logit for each of `labels`.
pub fn onnx(vocabulary: usize, labels: Option<usize>) -> Vec<u8> {
    let mut graph = Graph::new(7);
    for name in ["input_ids", "attention_mask"] {
        graph.input(name, I64, &[Dim::Is(1), Dim::Named("S")]);
    }
    let graph = &mut graph;
    let table = weights(graph, &[vocabulary, WIDTH]);
    let stream = graph.op("Gather", &[&table, "input_ids"], &[Attr::Int("axis", 0)]);
    let [queries, keys, values] = [[0, 2, 1, 3], [0, 2, 3, 1], [0, 2, 1, 3]].map(|order| {
        let projected = product(graph, &stream, WIDTH);
        let shape = graph.ints(&[4], &[1, -1, HEADS, WIDTH as i64 / HEADS]);
        let split = graph.op("Reshape", &[&projected, &shape], &[]);
        graph.op("Transpose", &[&split], &[Attr::Ints("perm", order.to_vec())])
    });
    let scores = graph.op("MatMul", &[&queries, &keys], &[]);
    let masked = mask(graph, &scores);
    let shares = graph.op("Softmax", &[&masked], &[Attr::Int("axis", -1)]);
    let mixed = graph.op("MatMul", &[&shares, &values], &[]);
    let mixed = graph.op("Transpose", &[&mixed], &[Attr::Ints("perm", vec![0, 2, 1, 3])]);
    let flat = graph.ints(&[3], &[1, -1, WIDTH as i64]);
    let mixed = graph.op("Reshape", &[&mixed, &flat], &[]);
    match labels {
        None => {
            graph.op_to("Add", &[&stream, &mixed], &[], "last_hidden_state");
            graph.output("last_hidden_state", F32, &[Dim::Is(1), Dim::Named("S"), Dim::Is(WIDTH)]);
        }
        Some(labels) => {
            let sum = graph.op("Add", &[&stream, &mixed], &[]);
            let first = graph.ints(&[], &[0]);
            let first = graph.op("Gather", &[&sum, &first], &[Attr::Int("axis", 1)]);
            let head = weights(graph, &[WIDTH, labels]);
            graph.op_to("MatMul", &[&first, &head], &[], "logits");
            graph.output("logits", F32, &[Dim::Is(1), Dim::Is(labels)]);
        }
    }
    std::mem::replace(graph, Graph::new(0)).finish()
}

fn weights(graph: &mut Graph, dims: &[usize]) -> String {
    let values = graph.random(dims.iter().product(), 0.7);
    graph.floats(dims, &values)
}

fn product(graph: &mut Graph, input: &str, outputs: usize) -> String {
    let weights = weights(graph, &[WIDTH, outputs]);
    graph.op("MatMul", &[input, &weights], &[])
}

/// `scores` with padding out of sight.
fn mask(graph: &mut Graph, scores: &str) -> String {
    let axes = graph.ints(&[2], &[1, 2]);
    let (one, far) = (graph.floats(&[], &[1.0]), graph.floats(&[], &[-1e4]));
    let there = graph.op("Cast", &["attention_mask"], &[Attr::Int("to", F32 as i64)]);
    let there = graph.op("Unsqueeze", &[&there, &axes], &[]);
    let absent = graph.op("Sub", &[&one, &there], &[]);
    let far = graph.op("Mul", &[&absent, &far], &[]);
    graph.op("Add", &[scores, &far], &[])
}
