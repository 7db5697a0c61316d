//! Takes four-bit matrices out of a file.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use lineside_kernels::Weights;

use super::file::{FLOAT, Field, INT4, Node, SIGNS, Tensor, UINT8, fields, written};
use super::{Cut, Use};

/// `ModelProto.graph`, `GraphProto.node` and `GraphProto.initializer`.
const GRAPH: u64 = 7;
const NODE: u64 = 1;
const INITIALISER: u64 = 5;
/// Weights that share a scale.
const BLOCK: u64 = 32;

/// Bytes of the file that are let go of at once.
const LET_GO: usize = 1 << 20;

/// A matrix that can be taken out.
struct Matrix {
    rows: usize,
    cols: usize,
    quants: String,
    scales: String,
}

/// Takes out of `file` what can be packed. A file that is no ONNX, or has nothing of the kind, is
/// left as it is.
pub(in crate::slm::model) fn cut(file: Vec<u8>) -> Cut {
    match parts(&file) {
        Some(parts) if !parts.wanted.is_empty() => parts.take(file),
        _ => Cut { rest: file, packed: vec![] },
    }
}

/// The parts of a file, and which of them are wanted.
struct Parts {
    /// Fields of the model before and after the graph.
    model: Vec<Field>,
    graph: Vec<Field>,
    tensors: HashMap<String, Tensor>,
    /// Matrices by the name of their weights.
    wanted: HashMap<String, Matrix>,
    /// For each node that uses one: its output, the matrix, and whether it looks rows up.
    uses: Vec<(String, String, bool)>,
}

fn parts(file: &[u8]) -> Option<Parts> {
    let model = fields(file, 0..file.len())?;
    let mut graphs = model.iter().filter(|field| field.number == GRAPH);
    let graph = fields(file, graphs.next()?.content.clone())?;
    if graphs.next().is_some() {
        return None;
    }
    let mut tensors = HashMap::new();
    let mut nodes = vec![];
    for field in &graph {
        match field.number {
            INITIALISER => {
                let tensor = Tensor::read(file, field.content.clone())?;
                if tensors.insert(tensor.name.clone(), tensor).is_some() {
                    return None;
                }
            }
            NODE => nodes.push(Node::read(file, field.content.clone())?),
            _ => {}
        }
    }
    let mut parts = Parts { model, graph, tensors, wanted: HashMap::new(), uses: vec![] };
    for node in &nodes {
        if let Some((matrix, lookup)) = matrix(node, &parts.tensors) {
            let quants = matrix.quants.clone();
            parts.uses.push((node.outputs.first()?.clone(), quants.clone(), lookup));
            parts.wanted.insert(quants, matrix);
        }
    }
    parts.keep_shared(&nodes);
    Some(parts)
}

/// The matrix of `node`, and whether it looks rows up.
fn matrix(node: &Node, tensors: &HashMap<String, Tensor>) -> Option<(Matrix, bool)> {
    let lookup = match node.operator.as_str() {
        "MatMulNBits" => false,
        "GatherBlockQuantized" => true,
        _ => return None,
    };
    // Zero points, the order of activations and a bias come after the scales.
    let more = node.inputs.iter().skip(3).any(|input| !input.is_empty());
    if more || node.number("block_size") != Some(BLOCK as i64) || node.number("bits").unwrap_or(4) != 4 {
        return None;
    }
    let (quants, scales) = (node.inputs.get(usize::from(!lookup))?, node.inputs.get(2)?);
    let (b, s) = (tensors.get(quants)?, tensors.get(scales)?);
    let (rows, cols) = if lookup {
        if node.number("gather_axis").unwrap_or(0) != 0
            || !matches!(node.number("quantize_axis"), Some(1 | -1))
        {
            return None;
        }
        match (b.dims.as_slice(), u8::try_from(b.kind).ok()?) {
            (&[rows, bytes], UINT8) => (rows, bytes.checked_mul(2)?),
            (&[rows, cols], INT4) => (rows, cols),
            _ => return None,
        }
    } else {
        (b.kind == u64::from(UINT8)).then_some(())?;
        (u64::try_from(node.number("N")?).ok()?, u64::try_from(node.number("K")?).ok()?)
    };
    let count = rows.checked_mul(cols)?;
    let fits = count > 0
        && cols % BLOCK == 0
        && b.raw.len() as u64 == count / 2
        && s.kind == u64::from(FLOAT)
        && s.raw.len() as u64 == count / BLOCK * 4;
    let size = |count: u64| usize::try_from(count).ok();
    let matrix =
        Matrix { rows: size(rows)?, cols: size(cols)?, quants: quants.clone(), scales: scales.clone() };
    fits.then_some((matrix, lookup))
}

impl Parts {
    /// Leaves in the file what other nodes read as well.
    fn keep_shared(&mut self, nodes: &[Node]) {
        let ours: HashSet<&String> = self.uses.iter().map(|(output, ..)| output).collect();
        let others: HashSet<&String> = nodes
            .iter()
            .filter(|node| node.outputs.first().is_none_or(|output| !ours.contains(output)))
            .flat_map(|node| &node.inputs)
            .collect();
        self.wanted.retain(|quants, matrix| !others.contains(quants) && !others.contains(&matrix.scales));
        self.uses.retain(|(_, quants, _)| self.wanted.contains_key(quants));
    }

    /// Packs the matrices from the last of the file to the first, and lets go of its end each time.
    fn take(self, mut file: Vec<u8>) -> Cut {
        let scales: HashSet<&str> = self.wanted.values().map(|matrix| matrix.scales.as_str()).collect();
        let mut aside: HashMap<String, Vec<f32>> = HashMap::new();
        let mut packed: HashMap<String, Arc<Weights>> = HashMap::new();
        let after: Vec<Range<usize>> = self.around(|graph, field| field.whole.start >= graph.whole.end);
        let after: Vec<u8> = after.into_iter().flat_map(|range| file[range].to_vec()).collect();
        let mut kept: Vec<Vec<u8>> = vec![];
        for field in self.graph.iter().rev() {
            let tensor =
                (field.number == INITIALISER).then(|| Tensor::read(&file, field.content.clone())).flatten();
            match tensor {
                Some(tensor) if scales.contains(tensor.name.as_str()) => {
                    aside.insert(tensor.name.clone(), floats(&file[tensor.raw]));
                }
                Some(tensor) if self.wanted.contains_key(&tensor.name) => {
                    let matrix = &self.wanted[&tensor.name];
                    let weights = self.pack(matrix, &tensor, &file, &aside);
                    packed.insert(tensor.name, Arc::new(weights));
                }
                _ => kept.push(file[field.whole.clone()].to_vec()),
            }
            file.truncate(field.whole.start);
            if file.capacity() - file.len() > LET_GO {
                file.shrink_to_fit();
            }
        }
        let graph: Vec<u8> = kept.into_iter().rev().flatten().collect();
        let before = self.around(|graph, field| field.whole.end <= graph.whole.start);
        let mut rest: Vec<u8> = before.into_iter().flat_map(|range| file[range].to_vec()).collect();
        rest.extend(written(GRAPH << 3 | 2));
        rest.extend(written(graph.len() as u64));
        rest.extend(graph);
        rest.extend(after);
        let shared = shared(packed);
        let packed = self.uses.into_iter().filter_map(|(output, quants, lookup)| {
            Some(Use { output, weights: shared.get(&quants)?.clone(), lookup })
        });
        Cut { rest, packed: packed.collect() }
    }

    fn around(&self, place: impl Fn(&Field, &Field) -> bool) -> Vec<Range<usize>> {
        let Some(graph) = self.model.iter().find(|field| field.number == GRAPH) else {
            return vec![];
        };
        self.model.iter().filter(|field| place(graph, field)).map(|field| field.whole.clone()).collect()
    }

    fn pack(
        &self,
        matrix: &Matrix,
        tensor: &Tensor,
        file: &[u8],
        aside: &HashMap<String, Vec<f32>>,
    ) -> Weights {
        let quants = &file[tensor.raw.clone()];
        let signed: Vec<u8>;
        let nibbles = if tensor.kind == u64::from(INT4) {
            signed = quants.iter().map(|byte| byte ^ SIGNS).collect();
            &signed
        } else {
            quants
        };
        let scales = match aside.get(&matrix.scales) {
            Some(scales) => scales.clone(),
            None => floats(&file[self.tensors[&matrix.scales].raw.clone()]),
        };
        Weights::q4_from_blocks(matrix.rows, matrix.cols, nibbles, &scales, None)
            .expect("its lengths were compared when it was found, and no other tensor has its name")
    }
}

/// Equal matrices as one: an embedding that is the head's.
fn shared(packed: HashMap<String, Arc<Weights>>) -> HashMap<String, Arc<Weights>> {
    let mut distinct: Vec<Arc<Weights>> = vec![];
    let share = |(name, weights): (String, Arc<Weights>)| {
        if let Some(same) = distinct.iter().find(|other| super::same(other, &weights)) {
            return (name, same.clone());
        }
        distinct.push(weights.clone());
        (name, weights)
    };
    packed.into_iter().map(share).collect()
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
}
