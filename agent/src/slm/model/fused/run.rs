//! A chunk of tokens through the steps.

use std::sync::Arc;

use lineside_kernels::{
    Attention, Axes, Cache, Isa, Pool, Rotation, Scratch, Store, gelu, gelu_tanh, layer_norm, rms_norm, rope,
    silu, silu_mul,
};

use super::plan::{Place, Plan, Planned};
use super::program::{Function, Norm, Op};
use crate::slm::model::Token;

/// Memory of one run, used again by the next.
pub(super) struct Workspace {
    buffers: Vec<Vec<f32>>,
    scratch: Scratch,
}

/// Which tokens run.
pub(super) struct Chunk<'a> {
    pub tokens: &'a [Token],
    /// Position of the first.
    pub start: usize,
}

impl Workspace {
    /// Memory for chunks of up to `rows` tokens; large products are shared between the threads of `pool`.
    pub fn new(plan: &Plan, rows: usize, pool: Option<Arc<Pool>>, isa: Isa) -> Self {
        let scratch = pool.map_or_else(|| Scratch::new(isa), |pool| Scratch::with_pool(isa, pool));
        let buffer = |&(width, single): &(usize, bool)| vec![0.0; width * if single { 1 } else { rows }];
        Workspace { buffers: plan.buffers.iter().map(buffer).collect(), scratch }
    }

    /// Bytes it holds.
    pub fn bytes(&self) -> usize {
        self.buffers.iter().map(|buffer| buffer.len() * size_of::<f32>()).sum()
    }

    /// Runs `chunk`: `caches`, one for each layer, grow by its tokens.
    pub fn run(&mut self, plan: &Plan, chunk: &Chunk<'_>, caches: &mut [Cache]) {
        for step in &plan.steps {
            let mut output = std::mem::take(&mut self.buffers[step.output.buffer]);
            let rows = if step.output.single { 1 } else { chunk.tokens.len() };
            if !matches!(step.op, Op::Append(_)) {
                self.step(plan, step, chunk, caches, &mut output[..rows * step.width]);
            } else if let (Op::Append(layer), [keys, values]) = (&step.op, step.inputs.as_slice()) {
                let rows = chunk.tokens.len();
                let (keys, values) = (self.rows(keys, rows), self.rows(values, rows));
                caches[*layer].append(keys, values, rows, Axes::StepsFirst);
            }
            self.buffers[step.output.buffer] = output;
        }
    }

    /// The logits of the last run.
    pub fn logits(&self, plan: &Plan) -> &[f32] {
        &self.buffers[plan.logits.buffer][..plan.logits.width]
    }

    fn rows(&self, place: &Place, rows: usize) -> &[f32] {
        let rows = if place.single { 1 } else { rows };
        &self.buffers[place.buffer][..rows * place.width]
    }

    /// The rows of an input that a step with this output reads: all, or the last.
    fn input(&self, step: &Planned, slot: usize, tokens: usize) -> &[f32] {
        let place = &step.inputs[slot];
        let rows = self.rows(place, tokens);
        if step.output.single { &rows[rows.len() - place.width..] } else { rows }
    }

    /// `output` holds input `slot`, unless that was changed in place.
    fn take(&self, step: &Planned, slot: usize, tokens: usize, output: &mut [f32]) {
        if step.inputs[slot].buffer != step.output.buffer {
            output.copy_from_slice(self.input(step, slot, tokens));
        }
    }

    fn step(&mut self, plan: &Plan, step: &Planned, chunk: &Chunk<'_>, caches: &[Cache], output: &mut [f32]) {
        let isa = self.scratch.isa();
        let tokens = chunk.tokens.len();
        let width = step.width;
        // The first token whose row is made.
        let first = tokens - output.len() / width;
        match &step.op {
            Op::Embed(table) => {
                for (row, token) in output.chunks_exact_mut(width).zip(&chunk.tokens[first..]) {
                    table.row(*token as usize, row);
                }
            }
            Op::Norm(Norm { weight, bias, eps, centre: true, .. }) => {
                layer_norm(isa, self.input(step, 0, tokens), weight, bias, *eps, output);
            }
            Op::Norm(norm) => rms_norm(isa, self.input(step, 0, tokens), &norm.weight, norm.eps, output),
            Op::Product(weights, bias) => {
                let (store, after) = match (step.inputs.len(), bias) {
                    (2, bias) => {
                        self.take(step, 1, tokens, output);
                        (Store::Add, bias.as_deref())
                    }
                    (_, Some(bias)) => (Store::Bias(bias), None),
                    (_, None) => (Store::Set, None),
                };
                let place = &step.inputs[0];
                let all = if place.single { 1 } else { tokens };
                let rows = output.len() / width;
                let input = &self.buffers[place.buffer][(all - rows) * place.width..all * place.width];
                weights.multiply(input, rows, output, store, &mut self.scratch);
                if let Some(bias) = after {
                    each_row(output, bias, |value, bias| *value += bias);
                }
            }
            Op::Rope(turn) => {
                self.take(step, 0, tokens, output);
                let (heads, steps, half) = (width / turn.head, tokens - first, turn.head / 2);
                let angles = (chunk.start + first) * half..(chunk.start + tokens) * half;
                let angles = (&turn.cos[angles.clone()], &turn.sin[angles]);
                rope(isa, output, (heads, steps, turn.head), Axes::StepsFirst, angles, Rotation::Halves);
            }
            Op::Attend { layer, scale } => {
                let place = &step.inputs[0];
                let all = if place.single { 1 } else { tokens };
                let rows = output.len() / width;
                let queries = &self.buffers[place.buffer][(all - rows) * width..all * width];
                let attention = Attention {
                    heads: plan.heads,
                    steps: rows,
                    scale: *scale,
                    causal: true,
                    mask: None,
                    queries: Axes::StepsFirst,
                    outputs: Axes::StepsFirst,
                };
                attention.attend(queries, &caches[*layer], output, &mut self.scratch);
            }
            Op::Gate => {
                self.take(step, 0, tokens, output);
                silu_mul(isa, output, self.input(step, 1, tokens));
            }
            op => self.simple(op, step, chunk, output),
        }
    }

    /// Steps that cost next to nothing.
    fn simple(&self, op: &Op, step: &Planned, chunk: &Chunk<'_>, output: &mut [f32]) {
        let tokens = chunk.tokens.len();
        let first = tokens - output.len() / step.width;
        let isa = self.scratch.isa();
        if let Op::Append(_)
        | Op::Embed(_)
        | Op::Norm(_)
        | Op::Product(..)
        | Op::Rope(_)
        | Op::Attend { .. } = op
        {
            return;
        }
        self.take(step, 0, tokens, output);
        match op {
            Op::Place(table) => {
                let rows = &table[(chunk.start + first) * step.width..][..output.len()];
                output.iter_mut().zip(rows).for_each(|(value, place)| *value += place);
            }
            Op::Centre => {
                for row in output.chunks_exact_mut(step.width) {
                    let mean = row.iter().sum::<f32>() / row.len() as f32;
                    row.iter_mut().for_each(|value| *value -= mean);
                }
            }
            Op::Scale(scale) => each_row(output, scale, |value, scale| *value *= scale),
            Op::Bias(bias) => each_row(output, bias, |value, bias| *value += bias),
            Op::Times(by) => output.iter_mut().for_each(|value| *value *= by),
            Op::Plus(number) => output.iter_mut().for_each(|value| *value += number),
            Op::Each(Function::Silu) => silu(isa, output),
            Op::Each(Function::Gelu) => gelu_tanh(isa, output),
            Op::Each(Function::GeluExact) => gelu(isa, output),
            Op::Each(Function::Sigmoid) => {
                output.iter_mut().for_each(|value| *value = 1.0 / (1.0 + (-*value).exp()))
            }
            Op::Each(Function::Tanh) => output.iter_mut().for_each(|value| *value = value.tanh()),
            Op::Each(Function::Power(power)) => {
                output.iter_mut().for_each(|value| *value = value.powi(*power))
            }
            Op::Multiply | Op::Add => {
                let with = self.input(step, 1, tokens).iter();
                match op {
                    Op::Add => output.iter_mut().zip(with).for_each(|(value, with)| *value += with),
                    _ => output.iter_mut().zip(with).for_each(|(value, with)| *value *= with),
                }
            }
            _ => {}
        }
    }
}

/// Changes each row of `rows` by the numbers of `with`.
fn each_row(rows: &mut [f32], with: &[f32], change: impl Fn(&mut f32, f32)) {
    for row in rows.chunks_exact_mut(with.len()) {
        row.iter_mut().zip(with).for_each(|(value, with)| change(value, *with));
    }
}
