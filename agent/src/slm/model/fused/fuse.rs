//! Several steps as one, and none that nobody needs.

use std::sync::Arc;

use super::program::{Function, GELU_CUBE, GELU_INNER, Id, Norm, Op, Program, Step};

/// Constants of a graph are rounded.
const CLOSE: f32 = 1e-4;

/// `program` with fewer steps, in the same order.
pub(super) fn fuse(program: Program) -> Program {
    let mut fusing = Fusing { steps: program.steps.iter().cloned().map(Some).collect(), program };
    for at in 0..fusing.steps.len() {
        fusing.step(at);
    }
    fusing.compact()
}

struct Fusing {
    /// Nothing, where a step went into another.
    steps: Vec<Option<Step>>,
    program: Program,
}

impl Fusing {
    fn get(&self, id: Id) -> Option<&Step> {
        self.steps.get(id)?.as_ref()
    }

    /// Whether only one step reads `id`.
    fn alone(&self, id: Id) -> bool {
        let uses =
            self.steps.iter().flatten().flat_map(|step| &step.inputs).filter(|&&input| input == id).count();
        uses == 1 && id != self.program.logits
    }

    fn step(&mut self, at: Id) {
        let Some(step) = self.get(at).cloned() else {
            return;
        };
        let fused = match step.op {
            Op::Norm(ref norm) => self.norm(&step, norm),
            Op::Scale(ref scale) => self.scale(&step, scale),
            Op::Bias(ref bias) => self.bias(&step, bias),
            Op::Multiply => self.gate(&step),
            Op::Times(_) => self.gelu(&step),
            Op::Add => self.residual(&step),
            _ => None,
        };
        if let Some((step, gone)) = fused {
            for id in gone {
                self.steps[id] = None;
            }
            self.steps[at] = Some(step);
        }
    }

    /// The input of `step` and what makes it, where nobody else reads that.
    fn before(&self, step: &Step, input: usize) -> Option<(Id, &Step)> {
        let id = *step.inputs.get(input)?;
        if self.alone(id) { Some((id, self.get(id)?)) } else { None }
    }

    fn norm(&self, step: &Step, norm: &Norm) -> Option<(Step, Vec<Id>)> {
        let (id, before) = self.before(step, 0)?;
        if !matches!(before.op, Op::Centre) || norm.group() != step.width {
            return None;
        }
        let op = Op::Norm(Norm { centre: true, ..norm.clone() });
        Some((Step { op, inputs: before.inputs.clone(), width: step.width }, vec![id]))
    }

    fn scale(&self, step: &Step, scale: &Arc<Vec<f32>>) -> Option<(Step, Vec<Id>)> {
        let (id, before) = self.before(step, 0)?;
        match &before.op {
            Op::Norm(norm) if !norm.weighted && !norm.biased => {
                // Heads are normed one by one, with the same weights.
                let (first, _) = scale.split_at(norm.group());
                scale.chunks(norm.group()).all(|group| group == first).then_some(())?;
                let weight = Arc::new(first.to_vec());
                let op = Op::Norm(Norm { weight, weighted: true, ..norm.clone() });
                Some((Step { op, ..before.clone() }, vec![id]))
            }
            _ => None,
        }
    }

    fn bias(&self, step: &Step, bias: &Arc<Vec<f32>>) -> Option<(Step, Vec<Id>)> {
        let (id, before) = self.before(step, 0)?;
        let op = match &before.op {
            Op::Norm(norm) if norm.centre && !norm.biased => {
                Op::Norm(Norm { bias: bias.clone(), biased: true, ..norm.clone() })
            }
            Op::Product(weights, None) if before.inputs.len() == 1 => {
                Op::Product(weights.clone(), Some(bias.clone()))
            }
            _ => return None,
        };
        Some((Step { op, ..before.clone() }, vec![id]))
    }

    fn gate(&self, step: &Step) -> Option<(Step, Vec<Id>)> {
        let (slot, (id, before)) = [0, 1].into_iter().find_map(|slot| {
            let found = self.before(step, slot)?;
            matches!(found.1.op, Op::Each(Function::Silu)).then_some((slot, found))
        })?;
        let inputs = vec![before.inputs[0], step.inputs[1 - slot]];
        Some((Step { op: Op::Gate, inputs, width: step.width }, vec![id]))
    }

    /// `0.5 · x · (1 + tanh(a · (x + b · x³)))`.
    fn gelu(&self, step: &Step) -> Option<(Step, Vec<Id>)> {
        self.times(step, 0.5)?;
        let (multiply, product) = self.before(step, 0)?;
        matches!(product.op, Op::Multiply).then_some(())?;
        let slot = (0..2)
            .find(|&slot| matches!(self.get(product.inputs[slot]).map(|s| &s.op), Some(Op::Plus(_))))?;
        let (plus, one) = self.before(product, slot)?;
        let x = product.inputs[1 - slot];
        matches!(one.op, Op::Plus(1.0)).then_some(())?;
        let (tanh, inside) = self.before(one, 0)?;
        matches!(inside.op, Op::Each(Function::Tanh)).then_some(())?;
        let (times, scaled) = self.before(inside, 0)?;
        self.times(scaled, GELU_INNER)?;
        let (add, sum) = self.before(scaled, 0)?;
        matches!(sum.op, Op::Add).then_some(())?;
        let slot = (0..2).find(|&slot| sum.inputs[slot] != x)?;
        (sum.inputs[1 - slot] == x).then_some(())?;
        let (cubed, cube) = self.before(sum, slot)?;
        self.times(cube, GELU_CUBE)?;
        let (power, third) = self.before(cube, 0)?;
        matches!(third.op, Op::Each(Function::Power(3))).then_some(())?;
        (third.inputs == [x]).then_some(())?;
        let gone = vec![multiply, plus, tanh, times, add, cubed, power];
        Some((Step { op: Op::Each(Function::Gelu), inputs: vec![x], width: step.width }, gone))
    }

    /// Whether `step` multiplies with about `by`.
    fn times(&self, step: &Step, by: f32) -> Option<()> {
        matches!(step.op, Op::Times(found) if (found / by - 1.0).abs() < CLOSE).then_some(())
    }

    /// A product that is added to a stream.
    fn residual(&self, step: &Step) -> Option<(Step, Vec<Id>)> {
        // The later of two products, whose stream is the other's.
        let (slot, (id, before)) = [1, 0].into_iter().find_map(|slot| {
            let found = self.before(step, slot)?;
            let fits = matches!(found.1.op, Op::Product(..)) && found.1.inputs.len() == 1;
            fits.then_some((slot, found))
        })?;
        let inputs = vec![before.inputs[0], step.inputs[1 - slot]];
        Some((Step { op: before.op.clone(), inputs, width: step.width }, vec![id]))
    }

    /// The steps that the logits or a cache need, with new numbers.
    fn compact(self) -> Program {
        let mut needed = vec![false; self.steps.len()];
        needed[self.program.logits] = true;
        for (id, step) in self.steps.iter().enumerate().rev() {
            if let Some(step) = step
                && (needed[id] || matches!(step.op, Op::Append(_)))
            {
                needed[id] = true;
                step.inputs.iter().for_each(|&input| needed[input] = true);
            }
        }
        let mut numbers = vec![Id::MAX; needed.len()];
        let mut program = Program { steps: vec![], ..self.program };
        for (id, step) in self.steps.into_iter().enumerate() {
            if let (Some(step), true) = (step, needed[id]) {
                let inputs = step.inputs.iter().map(|&input| numbers[input]).collect();
                numbers[id] = program.push(step.op, inputs, step.width);
            }
        }
        program.logits = numbers[program.logits];
        program
    }
}
