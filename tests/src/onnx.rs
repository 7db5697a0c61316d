//! Small ONNX files for models that misbehave, written field by field.

use lineside_random_models::wire::{bytes, number};

/// Rows of a detector's input.
const WIDTH: u64 = 36;
/// `TensorProto.FLOAT`.
const F32: u64 = 1;

/// A model that gives `log(weights · features)`: no number where that product is below zero. With
/// `padding` it carries so many bytes of weights that nothing uses.
#[must_use]
pub fn logarithm(weights: &[f32; WIDTH as usize], padding: usize) -> Vec<u8> {
    model("Log", weights, padding)
}

/// A model with an operator that no runtime knows.
#[must_use]
pub fn riddle() -> Vec<u8> {
    model("Riddle", &[0.0; WIDTH as usize], 0)
}

fn model(last: &str, weights: &[f32; WIDTH as usize], padding: usize) -> Vec<u8> {
    let raw: Vec<u8> = weights.iter().flat_map(|weight| weight.to_le_bytes()).collect();
    let mut graph = [
        bytes(1, &node("MatMul", &["features", "weights"], "product")),
        bytes(1, &node(last, &["product"], "logit")),
        bytes(2, b"graph"),
        bytes(5, &tensor("weights", &[WIDTH, 1], &raw)),
    ]
    .concat();
    if padding > 0 {
        let unused = vec![0; padding.next_multiple_of(4)];
        graph.extend(bytes(5, &tensor("unused", &[unused.len() as u64 / 4], &unused)));
    }
    graph.extend(bytes(11, &value("features", WIDTH)));
    graph.extend(bytes(12, &value("logit", 1)));
    [number(1, 8), bytes(7, &graph), bytes(8, &number(2, 13))].concat()
}

fn node(operator: &str, inputs: &[&str], output: &str) -> Vec<u8> {
    let mut node: Vec<u8> = inputs.iter().flat_map(|input| bytes(1, input.as_bytes())).collect();
    node.extend(bytes(2, output.as_bytes()));
    node.extend(bytes(3, operator.as_bytes()));
    node.extend(bytes(4, operator.as_bytes()));
    node
}

fn tensor(name: &str, dimensions: &[u64], raw: &[u8]) -> Vec<u8> {
    let mut tensor: Vec<u8> = dimensions.iter().flat_map(|&dimension| number(1, dimension)).collect();
    tensor.extend(number(2, F32));
    tensor.extend(bytes(8, name.as_bytes()));
    tensor.extend(bytes(9, raw));
    tensor
}

/// A value of shape `[channels, width]`.
fn value(name: &str, width: u64) -> Vec<u8> {
    let shape = [bytes(1, &bytes(2, b"channels")), bytes(1, &number(1, width))].concat();
    let tensor = [number(1, F32), bytes(2, &shape)].concat();
    [bytes(1, name.as_bytes()), bytes(2, &bytes(1, &tensor))].concat()
}
