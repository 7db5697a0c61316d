//! An ONNX file as its protobuf: read whole, made to fit one text at a time, written again.

use lineside_bundle::Sha256Hex;
use prost::Message as _;
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::tensor_shape_proto::dimension::Value as Dim;
use tract_onnx::pb::{GraphProto, ModelProto, TensorShapeProto, ValueInfoProto, type_proto};

use super::ImportError;
use super::external;
use super::folder::Folder;

/// Eight gigabytes: a model of two billion weights in f32. What is written must fit a bundle, which is
/// checked there.
pub(super) const MAX_SOURCE_BYTES: u64 = 8 << 30;
/// The output of an encoder, and what sentence-transformers calls it.
const HIDDEN: [&str; 2] = ["last_hidden_state", "token_embeddings"];
/// Operators whose exports state wrong shapes or types of what comes between.
const QUANTISED: [&str; 6] = [
    "DequantizeLinear",
    "DynamicQuantizeLinear",
    "DynamicQuantizeMatMul",
    "MatMulInteger",
    "QLinearMatMul",
    "MatMulIntegerToFloat",
];

/// A model file that is being changed.
pub(super) struct Graph {
    /// Its name, for people.
    pub file: String,
    /// Of the file as it was.
    pub digest: Sha256Hex,
    pub model: ModelProto,
}

/// What a graph answers with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// The token that comes next, with a cache.
    NextToken,
    /// A hidden state for each token.
    Hidden,
    /// One logit for each label.
    Labels,
}

impl Graph {
    /// Reads `file` of `folder`, with the data that it keeps in other files.
    pub fn read(folder: &Folder, file: &str) -> Result<Self, ImportError> {
        let bytes = folder.read(file, MAX_SOURCE_BYTES)?;
        let model = ModelProto::decode(bytes.as_slice())
            .map_err(|error| ImportError::file(file, format!("is no ONNX file: {error}")))?;
        let digest = Sha256Hex::of(&bytes);
        drop(bytes);
        let mut graph = Graph { file: file.to_owned(), digest, model };
        external::fold(folder, &mut graph)?;
        Ok(graph)
    }

    pub fn refuse<T>(&self, problem: impl Into<String>) -> Result<T, ImportError> {
        Err(ImportError::file(&self.file, problem))
    }

    pub fn graph(&mut self) -> &mut GraphProto {
        self.model.graph.get_or_insert_default()
    }

    fn parts(&self) -> (&[ValueInfoProto], &[ValueInfoProto]) {
        self.model.graph.as_ref().map_or((&[], &[]), |graph| (&graph.input, &graph.output))
    }

    /// What it answers with. `writes` says whether its configuration calls it a model that writes.
    pub fn answer(&self, writes: bool) -> Result<Answer, ImportError> {
        let (inputs, outputs) = self.parts();
        let has = |values: &[ValueInfoProto], name: &str| values.iter().any(|value| value.name == name);
        let branches = self.model.graph.iter().flat_map(|graph| &graph.node).any(|node| node.op_type == "If");
        if has(inputs, "use_cache_branch") || branches {
            return self.refuse(
                "holds two graphs behind an `If`, with and without a cache: export it again with \
                 `--no-post-process`, and take `model.onnx`",
            );
        }
        if inputs.iter().any(|input| input.name.starts_with("past")) {
            return Ok(Answer::NextToken);
        }
        if HIDDEN.iter().any(|name| has(outputs, name)) {
            return Ok(Answer::Hidden);
        }
        if !has(outputs, "logits") {
            let names: Vec<String> = outputs.iter().map(|output| format!("`{}`", output.name)).collect();
            return self.refuse(format!(
                "has the outputs {}; a model here gives `logits` or `last_hidden_state`: export it with the task \
                 text-generation-with-past, feature-extraction or text-classification",
                names.join(", ")
            ));
        }
        if writes {
            return self.refuse(
                "keeps no cache, so every token would cost the whole text again: export it with \
                 `--task text-generation-with-past`",
            );
        }
        Ok(Answer::Labels)
    }

    /// Leaves an encoder the one output that counts, under the name of the contract.
    pub fn keep_answer(&mut self, answer: Answer) {
        let wanted: &[&str] = match answer {
            Answer::NextToken => return,
            Answer::Hidden => &HIDDEN,
            Answer::Labels => &["logits"],
        };
        let graph = self.graph();
        let Some(kept) =
            wanted.iter().find_map(|name| graph.output.iter().find(|output| output.name == *name))
        else {
            return;
        };
        let (mut kept, must) = (kept.clone(), wanted[0]);
        for node in &mut graph.node {
            let names = node.output.iter_mut().chain(&mut node.input);
            names.filter(|name| **name == kept.name).for_each(|name| must.clone_into(name));
        }
        must.clone_into(&mut kept.name);
        graph.value_info.retain(|value| value.name != kept.name);
        graph.output = vec![kept];
    }

    /// Makes it take one text at a time.
    pub fn pin_batch(&mut self) -> Result<(), ImportError> {
        let mut symbols = Vec::new();
        for input in &mut self.graph().input {
            let name = input.name.clone();
            let Some(batch) = shape(input).and_then(|shape| shape.dim.first_mut()) else { continue };
            match batch.value.replace(Dim::DimValue(1)) {
                Some(Dim::DimParam(symbol)) => symbols.push(symbol),
                None | Some(Dim::DimValue(..=1)) => {}
                Some(Dim::DimValue(many)) => {
                    let problem = format!(
                        "input `{name}` is made for {many} texts at once; export it with a batch that is 1 or open"
                    );
                    return self.refuse(problem);
                }
            }
        }
        let graph = self.graph();
        let mentions = |symbol: &String| symbols.iter().any(|batch| symbol.contains(batch.as_str()));
        for value in graph.output.iter_mut().chain(&mut graph.value_info).chain(&mut graph.input) {
            for dim in shape(value).into_iter().flat_map(|shape| &mut shape.dim) {
                match &dim.value {
                    Some(Dim::DimParam(symbol)) if symbols.contains(symbol) => {
                        dim.value = Some(Dim::DimValue(1))
                    }
                    // A product with the batch: the runtime finds it out by itself.
                    Some(Dim::DimParam(symbol)) if mentions(symbol) => dim.value = None,
                    _ => {}
                }
            }
        }
        Ok(())
    }

    /// Whether the shapes that it states of its values are better left unread: halved and quantised
    /// exports state those of the file that they were made from.
    pub fn states_wrong_shapes(&self) -> bool {
        let Some(graph) = &self.model.graph else { return false };
        let half = |kind: i32| kind == DataType::Float16 as i32;
        graph.node.iter().any(|node| QUANTISED.contains(&&*node.op_type))
            || graph.initializer.iter().any(|tensor| half(tensor.data_type))
    }

    /// The file's bytes.
    pub fn write(&self) -> Vec<u8> {
        self.model.encode_to_vec()
    }
}

fn shape(value: &mut ValueInfoProto) -> Option<&mut TensorShapeProto> {
    let type_proto::Value::TensorType(tensor) = value.r#type.as_mut()?.value.as_mut()?;
    tensor.shape.as_mut()
}
