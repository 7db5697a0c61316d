//! Four-bit matrices of an ONNX file, packed before tract reads it.
//!
//! A file, the messages that it is parsed into, tract's tensors and packed weights would be four
//! times the model in memory. So the matrices of `MatMulNBits` and `GatherBlockQuantized` are packed
//! straight from the file's bytes, which are let go of on the way, from the last to the first, and the
//! nodes become operators of ours that hold them. What has another block size or zero points stays
//! tract's.

mod cut;
mod file;
mod operator;

use std::sync::Arc;

use lineside_kernels::Weights;
use tract_onnx::pb::{AttributeProto, ModelProto};

pub(super) use cut::cut;
pub(super) use operator::{Packed, register, with_weights};

/// What is left of a file, and what was taken out.
pub(super) struct Cut {
    /// The file without the matrices.
    pub rest: Vec<u8>,
    /// The matrices, and the nodes that use them.
    pub packed: Vec<Use>,
}

/// A node whose matrix was taken out.
pub(super) struct Use {
    /// Name of the node's output, which is its own.
    pub output: String,
    pub weights: Arc<Weights>,
    /// Whether it looks rows up, instead of multiplying.
    pub lookup: bool,
}

/// The name of our operator in a graph.
const OPERATOR: &str = "LinesidePacked";
/// Its attribute: which of the matrices it uses.
const INDEX: &str = "index";

/// Makes the nodes of `packed` ours.
pub(super) fn rename(proto: &mut ModelProto, packed: &[Use]) {
    let Some(graph) = &mut proto.graph else {
        return;
    };
    for node in &mut graph.node {
        let found = packed.iter().position(|used| node.output.first() == Some(&used.output));
        let Some(index) = found else {
            continue;
        };
        let input = usize::from(packed[index].lookup);
        node.input = vec![node.input[input].clone()];
        node.op_type = OPERATOR.into();
        let number = |name: &str, value: i64| AttributeProto {
            name: name.into(),
            i: value,
            r#type: tract_onnx::pb::attribute_proto::AttributeType::Int as i32,
            ..AttributeProto::default()
        };
        let weights = &packed[index].weights;
        node.attribute = vec![
            number(INDEX, index as i64),
            number("rows", weights.rows() as i64),
            number("cols", weights.cols() as i64),
            number("lookup", i64::from(packed[index].lookup)),
        ];
    }
}

/// `INT4` tensors as the bytes that tract knows: two numbers a byte, 8 as their zero.
pub(super) fn unsigned(proto: &mut ModelProto) {
    for tensor in proto.graph.iter_mut().flat_map(|graph| &mut graph.initializer) {
        if tensor.data_type == i32::from(file::INT4)
            && let Some(last) = tensor.dims.last_mut()
            && *last % 2 == 0
        {
            *last /= 2;
            tensor.data_type = i32::from(file::UINT8);
            tensor.raw_data.iter_mut().for_each(|byte| *byte ^= file::SIGNS);
        }
    }
}

/// Whether two packed matrices hold the same numbers: row by row, until one differs.
pub(super) fn same(a: &Weights, b: &Weights) -> bool {
    if (a.rows(), a.cols(), a.format()) != (b.rows(), b.cols(), b.format()) {
        return false;
    }
    let (mut left, mut right) = (vec![0.0; a.cols()], vec![0.0; a.cols()]);
    (0..a.rows()).all(|row| {
        a.row(row, &mut left);
        b.row(row, &mut right);
        left == right
    })
}

#[cfg(test)]
mod tests;
