//! Makes the products of a decoder four-bit: `MatMul` and `Gemm` with constant weights become
//! `MatMulNBits`, the table of tokens `GatherBlockQuantized`. Everything else stays as it is.

use std::collections::{HashMap, HashSet};

use tract_onnx::pb::attribute_proto::AttributeType;
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::{AttributeProto, GraphProto, NodeProto, OperatorSetIdProto, TensorProto};

use super::ImportError;
use super::blocks::{BLOCK, pack};
use super::graph::Graph;

const MICROSOFT: &str = "com.microsoft";

/// What was made four-bit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quantised {
    /// Products.
    pub products: usize,
    /// Tables of tokens.
    pub tables: usize,
    /// Products with constant weights that stayed, because their rows are no multiple of 32.
    pub left: usize,
}

/// A constant that is looked through `Identity` and `Transpose`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Constant {
    /// Which initialiser.
    at: usize,
    turned: bool,
}

/// Weights, one row an output.
struct Rows {
    rows: usize,
    columns: usize,
    codes: Vec<u8>,
    scales: Vec<f32>,
}

/// What hands the tokens on as they are.
const FORWARDS: [&str; 5] = ["Cast", "Identity", "Reshape", "Squeeze", "Unsqueeze"];
/// The input with the tokens.
const TOKENS: &str = "input_ids";

/// Makes it four-bit.
pub(super) fn four_bits(graph: &mut Graph) -> Result<Quantised, ImportError> {
    let file = graph.file.clone();
    let mut work = Work::new(std::mem::take(&mut graph.graph().initializer));
    let nodes = std::mem::take(&mut graph.graph().node);
    work.look(&nodes);
    let mut written = Vec::with_capacity(nodes.len());
    for node in nodes {
        work.node(&file, node, &mut written)?;
    }
    let done = work.done;
    let proto = graph.graph();
    proto.node = written;
    proto.initializer = work.initialisers;
    proto.initializer.append(&mut work.added);
    sweep(proto);
    if done.products == 0 {
        let problem = "has no product with constant f32 weights in rows of 32 or a multiple: there is nothing to \
                       make four-bit; take the f32 export, or leave `--int4` out";
        return Err(ImportError::file(file, problem));
    }
    let known = graph.model.opset_import.iter().any(|set| set.domain == MICROSOFT);
    if !known {
        graph.model.opset_import.push(OperatorSetIdProto { domain: MICROSOFT.into(), version: 1 });
    }
    Ok(done)
}

struct Work {
    initialisers: Vec<TensorProto>,
    constants: HashMap<String, Constant>,
    /// Values that are the tokens. What is looked up by them is their table; tables of positions and
    /// rotations stay as they are, being small and read by every token.
    tokens: HashSet<String>,
    added: Vec<TensorProto>,
    /// What was packed already: a tied table is one product and one table.
    packed: HashMap<(Constant, bool), (String, String)>,
    done: Quantised,
}

impl Work {
    fn new(initialisers: Vec<TensorProto>) -> Self {
        let constant =
            |(at, tensor): (usize, &TensorProto)| (tensor.name.clone(), Constant { at, turned: false });
        let constants = initialisers.iter().enumerate().map(constant).collect();
        Work {
            initialisers,
            constants,
            tokens: HashSet::from([TOKENS.to_owned()]),
            added: vec![],
            packed: HashMap::new(),
            done: Quantised::default(),
        }
    }

    /// Finds the constants behind `Identity` and `Transpose`, and the tokens behind what forwards them.
    fn look(&mut self, nodes: &[NodeProto]) {
        for node in nodes {
            if FORWARDS.contains(&&*node.op_type)
                && node.input.first().is_some_and(|x| self.tokens.contains(x))
            {
                self.tokens.extend(node.output.iter().cloned());
            }
            let [input] = &node.input[..] else { continue };
            let (Some(&found), Some(output)) = (self.constants.get(input), node.output.first()) else {
                continue;
            };
            match node.op_type.as_str() {
                "Identity" => self.constants.insert(output.clone(), found),
                "Transpose" if self.initialisers[found.at].dims.len() == 2 && swaps(node) => {
                    self.constants.insert(output.clone(), Constant { turned: !found.turned, ..found })
                }
                _ => None,
            };
        }
    }

    fn node(&mut self, file: &str, node: NodeProto, written: &mut Vec<NodeProto>) -> Result<(), ImportError> {
        let weights = |at: usize| node.input.get(at).and_then(|name| self.constants.get(name)).copied();
        match node.op_type.as_str() {
            "MatMul" => {
                if let Some(constant) = weights(1).filter(|constant| self.is_matrix(*constant)) {
                    return self.product(file, node, constant, !constant.turned, written);
                }
            }
            "Gemm" if plain_gemm(&node) => {
                if let Some(constant) = weights(1).filter(|constant| self.is_matrix(*constant)) {
                    let by_rows = whole(&node, "transB") == Some(1);
                    return self.product(file, node, constant, constant.turned == by_rows, written);
                }
            }
            "Gather" if whole(&node, "axis").unwrap_or(0) == 0 => {
                let by_tokens = node.input.get(1).is_some_and(|index| self.tokens.contains(index));
                let table = weights(0).filter(|constant| !constant.turned && self.is_matrix(*constant));
                if let Some(table) = table.filter(|_| by_tokens) {
                    return self.table(file, node, table, written);
                }
            }
            _ => {}
        }
        written.push(node);
        Ok(())
    }

    fn is_matrix(&self, constant: Constant) -> bool {
        let tensor = &self.initialisers[constant.at];
        tensor.data_type == DataType::Float as i32
            && tensor.dims.len() == 2
            && tensor.dims.iter().all(|&dim| dim > 0)
    }

    /// `turn` says that the initialiser holds one column an output.
    fn product(
        &mut self,
        file: &str,
        node: NodeProto,
        constant: Constant,
        turn: bool,
        written: &mut Vec<NodeProto>,
    ) -> Result<(), ImportError> {
        let dims = &self.initialisers[constant.at].dims;
        let (n, k) = if turn { (dims[1], dims[0]) } else { (dims[0], dims[1]) };
        if k % BLOCK as i64 != 0 {
            self.done.left += 1;
            written.push(node);
            return Ok(());
        }
        let (codes, scales) = self.constants_of(file, constant, turn, false)?;
        let bias = node.input.get(2).filter(|name| !name.is_empty()).cloned();
        let output = node.output.first().cloned().unwrap_or_default();
        let product = if bias.is_some() { format!("{output}_q4") } else { output.clone() };
        let mut attributes = vec![int("K", k), int("N", n)];
        attributes.extend([int("bits", 4), int("block_size", BLOCK as i64)]);
        let x = node.input.first().cloned().unwrap_or_default();
        written.push(NodeProto {
            input: vec![x, codes, scales],
            output: vec![product.clone()],
            name: format!("{}_q4", node.name),
            op_type: "MatMulNBits".into(),
            domain: MICROSOFT.into(),
            attribute: attributes,
            doc_string: String::new(),
        });
        if let Some(bias) = bias {
            written.push(NodeProto {
                input: vec![product, bias],
                output: vec![output],
                name: node.name,
                op_type: "Add".into(),
                ..NodeProto::default()
            });
        }
        self.done.products += 1;
        Ok(())
    }

    fn table(
        &mut self,
        file: &str,
        node: NodeProto,
        constant: Constant,
        written: &mut Vec<NodeProto>,
    ) -> Result<(), ImportError> {
        if self.initialisers[constant.at].dims[1] % BLOCK as i64 != 0 {
            self.done.left += 1;
            written.push(node);
            return Ok(());
        }
        let (codes, scales) = self.constants_of(file, constant, false, true)?;
        let mut attributes = vec![int("bits", 4), int("block_size", BLOCK as i64)];
        attributes.extend([int("gather_axis", 0), int("quantize_axis", 1)]);
        written.push(NodeProto {
            input: vec![codes, node.input[1].clone(), scales],
            output: node.output,
            name: node.name,
            op_type: "GatherBlockQuantized".into(),
            domain: MICROSOFT.into(),
            attribute: attributes,
            doc_string: String::new(),
        });
        self.done.tables += 1;
        Ok(())
    }

    /// Names of the codes and scales of a constant: of a table as `[rows, columns / 2]`, of a product as
    /// `[rows, blocks, 16]`.
    fn constants_of(
        &mut self,
        file: &str,
        constant: Constant,
        turn: bool,
        table: bool,
    ) -> Result<(String, String), ImportError> {
        let key = (Constant { turned: turn, ..constant }, table);
        if let Some(names) = self.packed.get(&key) {
            return Ok(names.clone());
        }
        let tensor = &self.initialisers[constant.at];
        let name = tensor.name.clone();
        let packed = Rows::of(file, tensor, turn)?;
        let blocks = packed.columns / BLOCK;
        let (rows, half) = (packed.rows as i64, BLOCK as i64 / 2);
        let part = if table { "rows" } else { "weight" };
        let names = (format!("{name}.{part}_q4"), format!("{name}.{part}_scales"));
        let dims =
            if table { vec![rows, packed.columns as i64 / 2] } else { vec![rows, blocks as i64, half] };
        self.added.push(TensorProto {
            name: names.0.clone(),
            dims,
            data_type: DataType::Uint8 as i32,
            raw_data: packed.codes,
            ..TensorProto::default()
        });
        let dims = if table { vec![rows, blocks as i64] } else { vec![rows * blocks as i64] };
        self.added.push(TensorProto {
            name: names.1.clone(),
            dims,
            data_type: DataType::Float as i32,
            raw_data: packed.scales.iter().flat_map(|scale| scale.to_le_bytes()).collect(),
            ..TensorProto::default()
        });
        self.packed.insert(key, names.clone());
        Ok(names)
    }
}

impl Rows {
    fn of(file: &str, tensor: &TensorProto, turn: bool) -> Result<Self, ImportError> {
        let refuse = |problem: &str| ImportError::file(file, format!("tensor `{}` {problem}", tensor.name));
        let values = values(tensor).ok_or_else(|| refuse("has not as many values as its shape says"))?;
        if values.iter().any(|value| !value.is_finite()) {
            return Err(refuse("holds a value that is no finite number"));
        }
        let (first, second) = (tensor.dims[0] as usize, tensor.dims[1] as usize);
        let (rows, columns) = if turn { (second, first) } else { (first, second) };
        let at = |row: usize, column: usize| {
            if turn { values[column * second + row] } else { values[row * second + column] }
        };
        let blocks = rows * columns / BLOCK;
        let (mut codes, mut scales) = (Vec::with_capacity(blocks * BLOCK / 2), Vec::with_capacity(blocks));
        for row in 0..rows {
            for start in (0..columns).step_by(BLOCK) {
                let (packed, scale) = pack(&std::array::from_fn(|within| at(row, start + within)));
                codes.extend(packed);
                scales.push(scale);
            }
        }
        Ok(Rows { rows, columns, codes, scales })
    }
}

fn values(tensor: &TensorProto) -> Option<Vec<f32>> {
    let length =
        usize::try_from(tensor.dims.iter().try_fold(1_i64, |all, dim| all.checked_mul(*dim))?).ok()?;
    let values: Vec<f32> = if tensor.float_data.is_empty() {
        tensor.raw_data.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
    } else {
        tensor.float_data.clone()
    };
    (values.len() == length).then_some(values)
}

/// Leaves out what nothing reads any more.
fn sweep(graph: &mut GraphProto) {
    loop {
        let mut read: HashSet<String> = graph.output.iter().map(|output| output.name.clone()).collect();
        let deeper =
            graph.node.iter().flat_map(|node| &node.attribute).filter_map(|attribute| attribute.g.as_ref());
        let inner = deeper.flat_map(|graph| graph.node.iter().flat_map(|node| &node.input));
        read.extend(graph.node.iter().flat_map(|node| &node.input).chain(inner).cloned());
        let before = graph.node.len();
        graph.node.retain(|node| node.output.iter().any(|output| read.contains(output)));
        if graph.node.len() == before {
            graph.initializer.retain(|tensor| read.contains(&tensor.name));
            return;
        }
    }
}

/// Whether a `Transpose` swaps the two dimensions of a matrix.
fn swaps(node: &NodeProto) -> bool {
    let perm = node.attribute.iter().find(|attribute| attribute.name == "perm");
    perm.is_none_or(|perm| perm.ints == [1, 0])
}

/// Whether a `Gemm` is a product and a sum, and nothing else.
fn plain_gemm(node: &NodeProto) -> bool {
    let factor =
        |name: &str| node.attribute.iter().find(|attribute| attribute.name == name).map_or(1.0, |a| a.f);
    factor("alpha") == 1.0 && factor("beta") == 1.0 && whole(node, "transA").unwrap_or(0) == 0
}

fn whole(node: &NodeProto, name: &str) -> Option<i64> {
    node.attribute.iter().find(|attribute| attribute.name == name).map(|attribute| attribute.i)
}

fn int(name: &str, value: i64) -> AttributeProto {
    AttributeProto {
        name: name.into(),
        r#type: AttributeType::Int as i32,
        i: value,
        ..AttributeProto::default()
    }
}
