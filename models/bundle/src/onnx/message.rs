//! Which fields of `onnx.proto` lead to a tensor. All others are passed over.

/// A message through which a tensor can be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Message {
    Model,
    Graph,
    Node,
    Attribute,
    Tensor,
    SparseTensor,
    Function,
    Training,
}

pub(super) const TENSOR_NAME: u32 = 8;
pub(super) const TENSOR_EXTERNAL_DATA: u32 = 13;
pub(super) const TENSOR_DATA_LOCATION: u32 = 14;
pub(super) const ENTRY_KEY: u32 = 1;
pub(super) const ENTRY_VALUE: u32 = 2;

impl Message {
    /// The message in the field `number`, if it leads on.
    pub(super) fn inner(self, number: u32) -> Option<Message> {
        match (self, number) {
            // ModelProto: graph, training_info, functions.
            (Message::Model, 7) => Some(Message::Graph),
            (Message::Model, 20) => Some(Message::Training),
            (Message::Model, 25) => Some(Message::Function),
            // GraphProto: node, initializer, sparse_initializer.
            (Message::Graph, 1) => Some(Message::Node),
            (Message::Graph, 5) => Some(Message::Tensor),
            (Message::Graph, 15) => Some(Message::SparseTensor),
            // NodeProto: attribute.
            (Message::Node, 5) => Some(Message::Attribute),
            // AttributeProto: t, g, tensors, graphs, sparse_tensor, sparse_tensors.
            (Message::Attribute, 5 | 10) => Some(Message::Tensor),
            (Message::Attribute, 6 | 11) => Some(Message::Graph),
            (Message::Attribute, 22 | 23) => Some(Message::SparseTensor),
            // SparseTensorProto: values, indices.
            (Message::SparseTensor, 1 | 2) => Some(Message::Tensor),
            // FunctionProto: node, attribute_proto.
            (Message::Function, 7) => Some(Message::Node),
            (Message::Function, 11) => Some(Message::Attribute),
            // TrainingInfoProto: initialization, algorithm.
            (Message::Training, 1 | 2) => Some(Message::Graph),
            _ => None,
        }
    }
}
