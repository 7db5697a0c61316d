//! Writes ONNX files, field by field of the protobuf.

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use crate::wire::{bytes, number};

/// `TensorProto.FLOAT`.
pub(crate) const F32: u64 = 1;
/// `TensorProto.UINT8`.
pub(crate) const U8: u64 = 2;
/// `TensorProto.INT64`.
pub(crate) const I64: u64 = 7;

/// A dimension of an input or an output.
#[derive(Clone, Debug)]
pub(crate) enum Dim {
    /// A number.
    Is(usize),
    /// A name for what differs between calls.
    Named(&'static str),
}

/// An attribute of a node.
pub(crate) enum Attr {
    /// A number.
    Int(&'static str, i64),
    /// Some numbers.
    Ints(&'static str, Vec<i64>),
}

/// A graph that is being written.
pub(crate) struct Graph {
    body: Vec<u8>,
    values: usize,
    random: Pcg64Mcg,
}

impl Graph {
    /// An empty graph, whose random weights follow from `seed`.
    pub fn new(seed: u64) -> Self {
        Graph { body: bytes(2, b"graph"), values: 0, random: Pcg64Mcg::seed_from_u64(seed) }
    }

    /// The file.
    pub fn finish(self) -> Vec<u8> {
        let microsoft = [bytes(1, b"com.microsoft"), number(2, 1)].concat();
        [number(1, 8), bytes(7, &self.body), bytes(8, &number(2, 17)), bytes(8, &microsoft)].concat()
    }

    /// An operator; the name of its output.
    pub fn op(&mut self, operator: &str, inputs: &[&str], attributes: &[Attr]) -> String {
        self.values += 1;
        let output = format!("{operator}_{}", self.values);
        self.op_to(operator, inputs, attributes, &output);
        output
    }

    /// An operator whose output is called `output`.
    pub fn op_to(&mut self, operator: &str, inputs: &[&str], attributes: &[Attr], output: &str) {
        let mut node: Vec<u8> = inputs.iter().flat_map(|input| bytes(1, input.as_bytes())).collect();
        node.extend(bytes(2, output.as_bytes()));
        node.extend(bytes(3, output.as_bytes()));
        node.extend(bytes(4, operator.as_bytes()));
        if matches!(operator, "MatMulNBits" | "GatherBlockQuantized") {
            node.extend(bytes(7, b"com.microsoft"));
        }
        for attribute in attributes {
            let content = match attribute {
                Attr::Int(name, value) => {
                    [bytes(1, name.as_bytes()), number(3, *value as u64), number(20, 2)].concat()
                }
                Attr::Ints(name, values) => {
                    let mut content = bytes(1, name.as_bytes());
                    values.iter().for_each(|&value| content.extend(number(8, value as u64)));
                    content.extend(number(20, 7));
                    content
                }
            };
            node.extend(bytes(5, &content));
        }
        self.body.extend(bytes(1, &node));
    }

    /// A constant of f32.
    pub fn floats(&mut self, dims: &[usize], values: &[f32]) -> String {
        let raw: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.constant(F32, dims, &raw)
    }

    /// A constant of i64.
    pub fn ints(&mut self, dims: &[usize], values: &[i64]) -> String {
        let raw: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.constant(I64, dims, &raw)
    }

    /// A constant of u8.
    pub fn octets(&mut self, dims: &[usize], values: &[u8]) -> String {
        self.constant(U8, dims, values)
    }

    /// `count` random numbers from -`spread` to `spread`.
    pub fn random(&mut self, count: usize, spread: f32) -> Vec<f32> {
        (0..count).map(|_| self.random.random_range(-spread..=spread)).collect()
    }

    fn constant(&mut self, kind: u64, dims: &[usize], raw: &[u8]) -> String {
        self.values += 1;
        let name = format!("constant_{}", self.values);
        let mut tensor: Vec<u8> = dims.iter().flat_map(|&dim| number(1, dim as u64)).collect();
        tensor.extend(number(2, kind));
        tensor.extend(bytes(8, name.as_bytes()));
        tensor.extend(bytes(9, raw));
        self.body.extend(bytes(5, &tensor));
        name
    }

    /// An input of the graph.
    pub fn input(&mut self, name: &str, kind: u64, dims: &[Dim]) {
        self.body.extend(bytes(11, &value(name, kind, dims)));
    }

    /// An output of the graph.
    pub fn output(&mut self, name: &str, kind: u64, dims: &[Dim]) {
        self.body.extend(bytes(12, &value(name, kind, dims)));
    }
}

fn value(name: &str, kind: u64, dims: &[Dim]) -> Vec<u8> {
    let dim = |dim: &Dim| match dim {
        Dim::Is(size) => bytes(1, &number(1, *size as u64)),
        Dim::Named(name) => bytes(1, &bytes(2, name.as_bytes())),
    };
    let shape: Vec<u8> = dims.iter().flat_map(dim).collect();
    let tensor = [number(1, kind), bytes(2, &shape)].concat();
    [bytes(1, name.as_bytes()), bytes(2, &bytes(1, &tensor))].concat()
}
