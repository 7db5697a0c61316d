//! What becomes of folders: of a whole one, and of those with something wrong.

use std::fs;

use prost::Message as _;
use tract_onnx::pb::tensor_proto::{DataLocation, DataType};
use tract_onnx::pb::tensor_shape_proto::Dimension;
use tract_onnx::pb::tensor_shape_proto::dimension::Value as Dim;
use tract_onnx::pb::{
    GraphProto, ModelProto, NodeProto, StringStringEntryProto, TensorProto, TensorShapeProto, TypeProto,
    ValueInfoProto, type_proto,
};

use super::*;
use crate::probe::probe;
use crate::slm::model::fixtures;

const WORDS: &str = r#"{"version": "1.0", "truncation": null, "padding": null, "normalizer": null,
    "added_tokens": [{"id": 0, "content": "<end>", "single_word": false, "lstrip": false, "rstrip": false,
    "normalized": false, "special": true}], "pre_tokenizer": {"type": "Whitespace"}, "post_processor": null,
    "decoder": null, "model": {"type": "WordLevel", "unk_token": "<unk>",
    "vocab": {"<end>": 0, "<unk>": 1, "pressure": 2, "The": 3, "stop": 4}}}"#;
const CONFIG: &str = r#"{"architectures": ["LlamaForCausalLM"], "vocab_size": 64, "eos_token_id": 0,
    "max_position_embeddings": 128}"#;

/// A folder as optimum writes it.
struct Exported(tempfile::TempDir);

impl Exported {
    fn whole(model: &[u8]) -> Self {
        let folder = Exported(tempfile::tempdir().unwrap());
        folder.with("model.onnx", model).with("config.json", CONFIG).with("tokenizer.json", WORDS)
    }

    fn with(self, name: &str, bytes: impl AsRef<[u8]>) -> Self {
        fs::write(self.0.path().join(name), bytes).unwrap();
        self
    }

    fn without(self, name: &str) -> Self {
        fs::remove_file(self.0.path().join(name)).unwrap();
        self
    }

    fn import(&self, options: &Options) -> Result<(Imported, Bundle), ImportError> {
        let out = self.0.path().join("out");
        let options = Options { licence: Some("MIT".into()), name: Some("tiny".into()), ..options.clone() };
        let imported = import(self.0.path(), &out, &options)?;
        let bundle = Bundle::load(&out).unwrap();
        fs::remove_dir_all(&out).unwrap();
        Ok((imported, bundle))
    }

    fn refused(&self) -> String {
        self.import(&Options::default()).unwrap_err().to_string()
    }
}

fn decoder() -> Vec<u8> {
    let shape = fixtures::Shape { head: 16, ..fixtures::Shape::default() };
    fixtures::decoder(&shape).model().to_vec()
}

fn changed(model: &[u8], change: impl FnOnce(&mut GraphProto)) -> Vec<u8> {
    let mut model = ModelProto::decode(model).unwrap();
    change(model.graph.as_mut().unwrap());
    model.encode_to_vec()
}

fn graph(proto: GraphProto) -> Graph {
    let model = ModelProto { graph: Some(proto), ..ModelProto::default() };
    Graph { file: "model.onnx".into(), digest: Sha256Hex::of(b""), model }
}

fn value(name: &str, dims: &[Dim]) -> ValueInfoProto {
    let dim = dims.iter().map(|dim| Dimension { value: Some(dim.clone()), ..Dimension::default() }).collect();
    let tensor =
        type_proto::Tensor { elem_type: DataType::Int64 as i32, shape: Some(TensorShapeProto { dim }) };
    let kind = TypeProto { value: Some(type_proto::Value::TensorType(tensor)), ..TypeProto::default() };
    ValueInfoProto { name: name.into(), r#type: Some(kind), ..ValueInfoProto::default() }
}

fn dims(value: &ValueInfoProto) -> Vec<Option<Dim>> {
    let Some(type_proto::Value::TensorType(tensor)) = value.r#type.as_ref().unwrap().value.as_ref() else {
        panic!("{value:?}")
    };
    tensor.shape.as_ref().unwrap().dim.iter().map(|dim| dim.value.clone()).collect()
}

fn param(name: &str) -> Dim {
    Dim::DimParam(name.into())
}

fn node(operator: &str, inputs: &[&str], output: &str) -> NodeProto {
    let input = inputs.iter().map(ToString::to_string).collect();
    NodeProto { op_type: operator.into(), input, output: vec![output.into()], ..NodeProto::default() }
}

fn weights(name: &str, dims: &[i64]) -> TensorProto {
    let count = dims.iter().product::<i64>();
    let values = (0..count).flat_map(|at| ((at % 17) as f32 - 8.0).to_le_bytes());
    let data_type = DataType::Float as i32;
    TensorProto {
        name: name.into(),
        dims: dims.to_vec(),
        data_type,
        raw_data: values.collect(),
        ..TensorProto::default()
    }
}

#[test]
fn a_whole_folder_becomes_a_bundle_that_passes_its_trial() {
    let exported = Exported::whole(&decoder());
    let (imported, bundle) = exported.import(&Options::default()).unwrap();
    assert_eq!(imported.variant.file, "model.onnx");
    let language = bundle.manifest().language.clone().unwrap();
    assert_eq!((language.kind, language.context, language.begin), (Kind::Decoder, 128, None));
    assert_eq!(language.end, [0]);
    assert_eq!(bundle.manifest().task, Task::Generate);
    assert_eq!(bundle.golden().unwrap().texts.len(), 4);
    let report = probe(&bundle);
    assert!(report.passed(), "{report:?}");
    assert!(report.p95_us > 0 && report.memory_kib > 0, "{report:?}");
}

#[test]
fn four_bits_are_written_where_they_are_asked_for_and_the_trial_still_passes() {
    let exported = Exported::whole(&decoder());
    let (_, whole) = exported.import(&Options::default()).unwrap();
    let (imported, bundle) = exported.import(&Options { four_bits: true, ..Options::default() }).unwrap();
    // Four of attention and three of the gated unit in each of two layers, and the head.
    assert_eq!(imported.quantised, Some(Quantised { products: 15, tables: 1, left: 0 }));
    assert!(bundle.model().len() < whole.model().len() / 2);
    let report = probe(&bundle);
    assert!(report.passed(), "{report:?}");
}

#[test]
fn golden_texts_of_another_model_are_a_golden_mismatch() {
    let exported = Exported::whole(&decoder());
    let out = exported.0.path().join("out");
    let options = Options { licence: Some("MIT".into()), name: Some("tiny".into()), ..Options::default() };
    import(exported.0.path(), &out, &options).unwrap();
    let text = fs::read_to_string(out.join(GOLDEN)).unwrap();
    let mut golden: Golden = serde_json::from_str(&text).unwrap();
    golden.texts[1].output[0].1 += 1.0;
    let changed = serde_json::to_string(&golden).unwrap();
    let manifest = fs::read_to_string(out.join(MANIFEST)).unwrap();
    let digest = |text: &str| Sha256Hex::of(text.as_bytes()).as_str().to_owned();
    fs::write(out.join(MANIFEST), manifest.replace(&digest(&text), &digest(&changed))).unwrap();
    fs::write(out.join(GOLDEN), changed).unwrap();
    let report = probe(&Bundle::load(&out).unwrap());
    assert_eq!(report.golden.unwrap().failed, Some(1), "{report:?}");
    assert!(!report.passed());
}

#[test]
fn what_is_missing_is_named_with_what_to_do() {
    let whole = || Exported::whole(&decoder());
    let missing = whole().without("config.json").refused();
    assert!(missing.starts_with("config.json: is not in the folder"), "{missing}");
    let missing = whole().without("tokenizer.json").refused();
    assert!(
        missing.contains("tokenizer.json: is not in the folder") && missing.contains("save_pretrained"),
        "{missing}"
    );
    let missing = whole().without("model.onnx").refused();
    assert!(missing.contains("optimum-cli export onnx"), "{missing}");
    let endless = whole().with("config.json", CONFIG.replace("\"eos_token_id\": 0,", "")).refused();
    assert!(endless.starts_with("config.json: key `eos_token_id`: is missing"), "{endless}");
    let strange = whole().with("config.json", CONFIG.replace("_id\": 0", "_id\": 99")).refused();
    assert!(strange.contains("key `eos_token_id`: 99 is no token"), "{strange}");
    let broken = whole().with("model.onnx", "no protobuf").refused();
    assert!(broken.starts_with("model.onnx: is no ONNX file"), "{broken}");
}

#[test]
fn a_tokenizer_of_another_model_is_refused() {
    let larger = WORDS.replace("\"stop\": 4", "\"stop\": 4, \"beyond\": 64");
    let refused = Exported::whole(&decoder()).with("tokenizer.json", larger).refused();
    assert!(refused.contains("tokenizer.json: has 65 tokens, but the model knows 64"), "{refused}");
}

#[test]
fn tasks_and_contexts_beyond_the_model_are_refused() {
    let exported = Exported::whole(&decoder());
    let import = |options: Options| exported.import(&options).unwrap_err().to_string();
    let task = import(Options { tasks: vec![Task::Embed], ..Options::default() });
    assert!(task.starts_with("--task: this model cannot do `embed`, but generate"), "{task}");
    let context = import(Options { context: Some(129), ..Options::default() });
    assert!(context.starts_with("--context: 129 must be 1 to 128"), "{context}");
}

#[test]
fn a_merged_decoder_and_one_without_a_cache_are_refused() {
    let merged = changed(&decoder(), |graph| graph.node.push(node("If", &["logits"], "x")));
    assert!(Exported::whole(&merged).refused().contains("behind an `If`"));
    let forgetful = changed(&decoder(), |graph| graph.input.retain(|input| !input.name.starts_with("past")));
    assert!(Exported::whole(&forgetful).refused().contains("keeps no cache"));
}

#[test]
fn the_batch_is_pinned_wherever_it_is_named() {
    let mut pinned = graph(GraphProto {
        input: vec![value("input_ids", &[param("batch_size"), param("sequence_length")])],
        output: vec![value("logits", &[param("batch_size"), param("sequence_length"), Dim::DimValue(64)])],
        value_info: vec![value("between", &[param("batch_size*heads"), param("past + sequence_length")])],
        ..GraphProto::default()
    });
    pinned.pin_batch().unwrap();
    let one = Some(Dim::DimValue(1));
    let proto = pinned.graph();
    assert_eq!(dims(&proto.input[0]), [one.clone(), Some(param("sequence_length"))]);
    assert_eq!(dims(&proto.output[0]), [one, Some(param("sequence_length")), Some(Dim::DimValue(64))]);
    assert_eq!(dims(&proto.value_info[0]), [None, Some(param("past + sequence_length"))]);

    let input = vec![value("input_ids", &[Dim::DimValue(2), param("S")])];
    let refused = graph(GraphProto { input, ..GraphProto::default() }).pin_batch().unwrap_err().to_string();
    assert!(refused.contains("input `input_ids` is made for 2 texts at once"), "{refused}");
}

#[test]
fn shapes_of_halved_and_quantised_exports_are_left_unread() {
    let whole = graph(GraphProto { initializer: vec![weights("w", &[2, 2])], ..GraphProto::default() });
    assert!(!whole.states_wrong_shapes());
    let half = TensorProto { data_type: DataType::Float16 as i32, ..TensorProto::default() };
    assert!(graph(GraphProto { initializer: vec![half], ..GraphProto::default() }).states_wrong_shapes());
    let quantised = vec![node("MatMulInteger", &["a", "b"], "c")];
    assert!(graph(GraphProto { node: quantised, ..GraphProto::default() }).states_wrong_shapes());
}

#[test]
fn an_encoder_keeps_the_one_output_that_counts_under_its_usual_name() {
    let mut sentences = graph(GraphProto {
        node: vec![
            node("Relu", &["x"], "token_embeddings"),
            node("Mean", &["token_embeddings"], "sentence_embedding"),
        ],
        output: vec![value("token_embeddings", &[]), value("sentence_embedding", &[])],
        ..GraphProto::default()
    });
    let answer = sentences.answer(false).unwrap();
    assert_eq!(answer, Answer::Hidden);
    sentences.keep_answer(answer);
    let proto = sentences.graph();
    assert_eq!(proto.output.len(), 1);
    assert_eq!(proto.output[0].name, "last_hidden_state");
    assert_eq!(proto.node[0].output, ["last_hidden_state"]);
    assert_eq!(proto.node[1].input, ["last_hidden_state"]);
}

#[test]
fn only_tables_of_tokens_and_rows_of_32_become_four_bit() {
    let mut made = graph(GraphProto {
        node: vec![
            node("Cast", &["input_ids"], "ids"),
            node("Gather", &["tokens", "ids"], "embedded"),
            node("Gather", &["positions", "position_ids"], "placed"),
            node("Transpose", &["tokens"], "head"),
            node("MatMul", &["embedded", "head"], "logits"),
            node("MatMul", &["placed", "odd"], "other"),
            node("Gemm", &["placed", "square", "bias"], "sum"),
        ],
        initializer: vec![
            weights("tokens", &[8, 64]),
            weights("positions", &[8, 64]),
            weights("odd", &[33, 32]),
            weights("square", &[64, 32]),
            weights("bias", &[32]),
        ],
        output: vec![value("logits", &[]), value("other", &[]), value("sum", &[])],
        ..GraphProto::default()
    });
    let done = quantise::four_bits(&mut made).unwrap();
    assert_eq!(done, Quantised { products: 2, tables: 1, left: 1 });
    assert!(made.model.opset_import.iter().any(|set| set.domain == "com.microsoft"));
    let proto = made.graph();
    let names: Vec<&str> = proto.node.iter().map(|node| &*node.op_type).collect();
    let rest = ["Gather", "MatMulNBits", "MatMul", "MatMulNBits", "Add"];
    assert_eq!(names[..2], ["Cast", "GatherBlockQuantized"]);
    assert_eq!(names[2..], rest, "the turned table is gone");
    let dims = |name: &str| {
        proto.initializer.iter().find(|tensor| tensor.name == name).map(|tensor| tensor.dims.clone())
    };
    assert_eq!(dims("tokens"), None);
    assert_eq!(dims("tokens.rows_q4"), Some(vec![8, 32]));
    assert_eq!(dims("tokens.weight_q4"), Some(vec![8, 2, 16]));
    assert_eq!(dims("square.weight_q4"), Some(vec![32, 2, 16]), "one row an output");
    assert!(dims("positions").is_some() && dims("odd").is_some() && dims("bias").is_some());
}

#[test]
fn a_model_without_anything_to_make_four_bit_is_refused() {
    let refused = quantise::four_bits(&mut graph(GraphProto::default())).unwrap_err().to_string();
    assert!(refused.contains("there is nothing to make four-bit"), "{refused}");
    let mut broken = weights("w", &[32, 32]);
    broken.raw_data[..4].copy_from_slice(&f32::NAN.to_le_bytes());
    let proto = GraphProto {
        node: vec![node("MatMul", &["x", "w"], "y")],
        initializer: vec![broken],
        ..GraphProto::default()
    };
    let refused = quantise::four_bits(&mut graph(proto)).unwrap_err().to_string();
    assert!(refused.contains("tensor `w` holds a value that is no finite number"), "{refused}");
}

/// Moves the values of one tensor to another file.
fn elsewhere(model: &[u8], location: &str, length: usize) -> (Vec<u8>, Vec<u8>) {
    let mut data = vec![0; 64];
    let model = changed(model, |graph| {
        let largest = graph.initializer.iter_mut().max_by_key(|tensor| tensor.raw_data.len()).unwrap();
        data.append(&mut largest.raw_data);
        let entry = |key: &str, value: String| StringStringEntryProto { key: key.into(), value };
        let length = if length == 0 { data.len() - 64 } else { length };
        largest.external_data = vec![
            entry("location", location.into()),
            entry("offset", "64".into()),
            entry("length", length.to_string()),
        ];
        largest.data_location = Some(DataLocation::External as i32);
    });
    (model, data)
}

#[test]
fn data_in_another_file_is_folded_into_the_model() {
    let (_, whole) = Exported::whole(&decoder()).import(&Options::default()).unwrap();
    let (model, data) = elsewhere(&decoder(), "model.onnx_data", 0);
    let exported = Exported::whole(&model).with("model.onnx_data", data);
    let (_, folded) = exported.import(&Options::default()).unwrap();
    assert_eq!(folded.model(), whole.model());
}

#[test]
fn data_outside_the_folder_or_cut_off_is_refused() {
    for outside in ["../model.onnx_data", "/etc/passwd", ""] {
        let (model, _) = elsewhere(&decoder(), outside, 0);
        let refused = Exported::whole(&model).refused();
        assert!(refused.contains("which is not in the model's folder"), "{outside}: {refused}");
    }
    let (model, data) = elsewhere(&decoder(), "model.onnx_data", usize::MAX >> 1);
    let refused = Exported::whole(&model).with("model.onnx_data", data).refused();
    assert!(refused.starts_with("model.onnx_data: has ") && refused.contains("cut off"), "{refused}");
}

#[test]
fn a_bundle_is_never_written_over_something_else() {
    let exported = Exported::whole(&decoder());
    fs::create_dir(exported.0.path().join("out")).unwrap();
    let exported = exported.with("out/mine.txt", "mine");
    assert!(exported.refused().ends_with("is not empty: name a folder that is not there yet"));
}
