//! Where the values of a program lie.
//!
//! A value's buffer is used again once nobody needs the value any more, and a step that changes
//! its input changes it in place where nobody else reads it. Rows of tokens other than the last are
//! only made where a cache needs them: behind the last cache, one row is enough.

use super::program::{Id, Op, Program, Step};

/// A step and where its values lie.
#[derive(Clone, Debug)]
pub(super) struct Planned {
    pub op: Op,
    pub inputs: Vec<Place>,
    pub output: Place,
    /// Numbers of a row of the output.
    pub width: usize,
}

/// Where a value lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub buffer: usize,
    pub width: usize,
    /// Whether it is the last token's row alone.
    pub single: bool,
}

/// Steps with buffers.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub steps: Vec<Planned>,
    /// Numbers of a row in each buffer, and whether it has but one.
    pub buffers: Vec<(usize, bool)>,
    pub logits: Place,
    pub layers: usize,
    pub shared: usize,
    pub heads: usize,
    pub head: usize,
}

impl Plan {
    /// Lays out the values of `program`.
    pub fn new(program: Program) -> Plan {
        let single = single(&program);
        let last_use = last_use(&program);
        let mut buffers: Vec<(usize, bool)> = vec![];
        let mut free: Vec<usize> = vec![];
        let mut places: Vec<Place> = vec![];
        let mut steps = vec![];
        for (id, step) in program.steps.iter().enumerate() {
            let inputs: Vec<Place> = step.inputs.iter().map(|&input| places[input]).collect();
            let size = (step.width, single[id]);
            let kept = changed(&step.op, step.inputs.len()).filter(|&slot| {
                let input = step.inputs[slot];
                let read_twice = step.inputs.iter().filter(|&&other| other == input).count() > 1;
                last_use[input] == id && buffers[places[input].buffer] == size && !read_twice
            });
            let buffer = match kept {
                Some(slot) => inputs[slot].buffer,
                None => match free.iter().position(|&buffer| buffers[buffer] == size) {
                    Some(at) => free.swap_remove(at),
                    None => {
                        buffers.push(size);
                        buffers.len() - 1
                    }
                },
            };
            let mut ended: Vec<usize> = step
                .inputs
                .iter()
                .filter(|&&input| last_use[input] == id)
                .map(|&input| places[input].buffer)
                .filter(|&used| used != buffer)
                .collect();
            ended.sort_unstable();
            ended.dedup();
            free.extend(ended);
            let output = Place { buffer, width: step.width, single: single[id] };
            places.push(output);
            // What nobody reads, as the output of a step that only writes to a cache.
            if last_use[id] == id {
                free.push(buffer);
            }
            steps.push(Planned { op: step.op.clone(), inputs, output, width: step.width });
        }
        let Program { logits, layers, shared, heads, head, .. } = program;
        Plan { steps, buffers, logits: places[logits], layers, shared, heads, head }
    }
}

/// Which input a step may change in place.
fn changed(op: &Op, inputs: usize) -> Option<usize> {
    match op {
        Op::Place(_) | Op::Scale(_) | Op::Times(_) | Op::Bias(_) | Op::Plus(_) | Op::Rope(_) => Some(0),
        Op::Each(_) | Op::Gate | Op::Multiply | Op::Add => Some(0),
        Op::Product(..) if inputs == 2 => Some(1),
        _ => None,
    }
}

/// Which values are needed for the last token alone.
fn single(program: &Program) -> Vec<bool> {
    let mut single = vec![true; program.steps.len()];
    for (id, step) in program.steps.iter().enumerate().rev() {
        let Step { op, inputs, .. } = step;
        if matches!(op, Op::Append(_)) {
            single[id] = false;
        }
        if !single[id] && !matches!(op, Op::Last) {
            inputs.iter().for_each(|&input| single[input] = false);
        }
    }
    // What was taken of the last row is one row.
    for (id, step) in program.steps.iter().enumerate() {
        if matches!(step.op, Op::Last) {
            single[id] = true;
        }
    }
    single
}

/// The last step that reads each value; the value's own where none does.
fn last_use(program: &Program) -> Vec<Id> {
    let mut last: Vec<Id> = (0..program.steps.len()).collect();
    for (id, step) in program.steps.iter().enumerate() {
        step.inputs.iter().for_each(|&input| last[input] = id);
    }
    last[program.logits] = program.steps.len();
    last
}
