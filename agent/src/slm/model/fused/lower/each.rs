//! What happens to each number of a row, and between two rows.

use std::sync::Arc;

use tract_nnef::internal::*;
use tract_nnef::tract_core::ops::element_wise::ElementWiseOp;
use tract_nnef::tract_core::ops::math::PowConst;
use tract_nnef::tract_core::ops::nn::{Reduce, Reducer, RmsNorm};

use super::super::layout::{Layout, Part, count, row};
use super::super::program::{Function, Norm, Op, Turn};
use super::constant::Along;
use super::value::{Value, View};
use super::{Lowering, Understood};

impl Lowering<'_> {
    pub(super) fn pair(&mut self, name: &str, node: &TypedNode, inputs: &[Value]) -> Understood<Value> {
        let (left, right) = (node.inputs[0], node.inputs[1]);
        match (name, inputs) {
            ("Sub", [Value::Rows(view), Value::Mean(mean)]) => self.centre(view, mean),
            ("Mul", [Value::Sum(of), Value::Side]) => self.mean(of, right),
            ("Mul", [Value::Side, Value::Sum(of)]) => self.mean(of, left),
            ("Mul", [value, Value::Side]) => self.times(value, right),
            ("Mul", [Value::Side, value]) => self.times(value, left),
            ("Div", [value, Value::Side]) if self.is_constant(right) => {
                let by = self.constant(right)?.cast_to_scalar::<f32>().map_err(|error| error.to_string())?;
                self.factor(value, 1.0 / by)
            }
            ("Add", [value, Value::Side]) => self.plus(value, right),
            ("Add", [Value::Side, value]) => self.plus(value, left),
            ("Sub", [value @ Value::Rows(_), Value::Side]) if self.is_constant(right) => {
                let less =
                    self.constant(right)?.cast_to_scalar::<f32>().map_err(|error| error.to_string())?;
                let Value::Rows(view) = value else { return Err("takes away from what is not known".into()) };
                Ok(self.with(view, Op::Plus(-less)))
            }
            (
                "Add",
                [Value::Along { of, turned, side }, Value::Along { of: of2, turned: turned2, side: side2 }],
            ) if of.id == of2.id
                && of.layout == of2.layout
                && of.factor == of2.factor
                && turned != turned2 =>
            {
                let (cos, sin) = if *turned { (side2, side) } else { (side, side2) };
                self.rope(of, *cos, *sin)
            }
            ("Add" | "Mul", [Value::Rows(a), Value::Rows(b)]) => self.both(name == "Add", a, b),
            _ => Err("combines what is not known".into()),
        }
    }

    /// A value times a side value.
    fn times(&mut self, value: &Value, side: OutletId) -> Understood<Value> {
        if !self.is_constant(side) {
            return match value {
                Value::Rows(view) => Ok(Value::Along { of: view.clone(), turned: false, side }),
                Value::Turned(view) => Ok(Value::Along { of: view.clone(), turned: true, side }),
                _ => Err("multiplies with what differs between positions".into()),
            };
        }
        if let Value::Rows(view) = value {
            return match self.along(side, view)? {
                Along::Number(number) => self.factor(value, number),
                Along::Row(scale) => Ok(self.with(view, Op::Scale(Arc::new(scale)))),
            };
        }
        let by = self.constant(side)?;
        if by.len() != 1 {
            return Err("multiplies scores with a vector".into());
        }
        let by = by.cast_to_scalar::<f32>().map_err(|error| error.to_string())?;
        self.factor(value, by)
    }

    /// A value times a number.
    fn factor(&self, value: &Value, by: f32) -> Understood<Value> {
        Ok(match value.clone() {
            Value::Rows(view) => Value::Rows(View { factor: view.factor * by, ..view }),
            Value::Cached { cache, layout, factor } => Value::Cached { cache, layout, factor: factor * by },
            Value::Scores(scores) if !scores.masked => {
                Value::Scores(super::value::Scores { factor: scores.factor * by, ..scores })
            }
            Value::Half { of, second, negated } if by == -1.0 => {
                Value::Half { of, second, negated: !negated }
            }
            _ => return Err("multiplies what is not known".into()),
        })
    }

    /// A value and a side value, added.
    fn plus(&mut self, value: &Value, side: OutletId) -> Understood<Value> {
        let view = match value {
            Value::Rows(view) => view.clone(),
            Value::Scores(scores) => return self.masked(scores, side),
            _ => return Err("adds to what is not known".into()),
        };
        if self.is_constant(side) {
            return Ok(match self.along(side, &view)? {
                Along::Number(number) => self.with(&view, Op::Plus(number)),
                Along::Row(bias) => self.with(&view, Op::Bias(Arc::new(bias))),
            });
        }
        let width = self.program.steps[view.id].width;
        let (Some(new), true) = (view.layout.find(&Part::New), view.layout.whole(width)) else {
            return Err("adds positions to what are no rows".into());
        };
        let last = view.layout.rank() - 1;
        match self.side.table(side, new, last) {
            Ok(Some(table)) if table.len() == self.side.context * width => {
                Ok(self.with(&view, Op::Place(Arc::new(table))))
            }
            Ok(_) => Err("adds what is no table of positions".into()),
            Err(error) => Err(format!("adds what cannot be tried: {error:#}")),
        }
    }

    /// The rows of `view`, factor applied, after `op`.
    fn with(&mut self, view: &View, op: Op) -> Value {
        let id = self.plain(view);
        let width = self.program.steps[id].width;
        let id = self.program.push(op, vec![id], width);
        Value::Rows(View { id, layout: view.layout.clone(), factor: 1.0 })
    }

    fn both(&mut self, add: bool, a: &View, b: &View) -> Understood<Value> {
        let width = self.program.steps[a.id].width;
        let same = squeezed(&a.layout) == squeezed(&b.layout) && a.layout.rank() == b.layout.rank();
        if !same || self.program.steps[b.id].width != width || a.layout.shown() != width {
            return Err("combines rows that are not alike".into());
        }
        if !add {
            let id = self.program.push(Op::Multiply, vec![a.id, b.id], width);
            let view = View { id, layout: a.layout.clone(), factor: a.factor * b.factor };
            let id = self.plain(&view);
            return Ok(Value::Rows(View { id, factor: 1.0, ..view }));
        }
        let inputs = vec![self.plain(a), self.plain(b)];
        let id = self.program.push(Op::Add, inputs, width);
        Ok(Value::Rows(View { id, layout: a.layout.clone(), factor: 1.0 }))
    }

    pub(super) fn each(&mut self, op: &ElementWiseOp, value: &Value) -> Understood<Value> {
        let name = op.0.name();
        match value {
            Value::Half { .. } if name == "Neg" => return self.factor(value, -1.0),
            Value::Shares(shares) if name == "IsNan" => return Ok(Value::Broken(shares.clone())),
            _ => {}
        }
        let Value::Rows(view) = value else {
            return Err("changes what is not known".into());
        };
        if name == "Neg" {
            return self.factor(value, -1.0);
        }
        let function = match (&*name, op.0.downcast_ref::<PowConst>()) {
            (_, Some(power)) if power.exponent.fract() == 0.0 => Function::Power(power.exponent as i32),
            ("Silu", _) => Function::Silu,
            ("Sigmoid", _) => Function::Sigmoid,
            ("Tanh", _) => Function::Tanh,
            ("GeluApproximate", _) => Function::Gelu,
            ("GeluExact", _) => Function::GeluExact,
            ("Square", _) => Function::Power(2),
            ("Cube", _) => Function::Power(3),
            _ => return Err("is a function that is not known".into()),
        };
        Ok(self.with(view, Op::Each(function)))
    }

    pub(super) fn norm(&mut self, op: &RmsNorm, value: &Value) -> Understood<Value> {
        let Value::Rows(view) = value else {
            return Err("norms what is not known".into());
        };
        let group = count(&view.layout.0[op.axis]);
        let width = self.program.steps[view.id].width;
        if view.layout.0[op.axis] != row(1, group) || view.layout.shown() != width {
            return Err("norms what does not lie side by side".into());
        }
        let eps = op.eps.cast_to_scalar::<f32>().map_err(|error| error.to_string())?;
        Ok(self.with(view, Op::Norm(Norm::new(group, eps))))
    }

    pub(super) fn reduce(&self, op: &Reduce, value: &Value) -> Understood<Value> {
        match value {
            Value::Rows(view)
                if op.axes.len() == 1
                    && matches!(op.reducer, Reducer::Sum)
                    && self.is_row(view, op.axes[0]) =>
            {
                Ok(Value::Sum(view.clone()))
            }
            _ => Err("reduces what is not known".into()),
        }
    }

    /// Whether dimension `at` of `view` is the whole row.
    fn is_row(&self, view: &View, at: usize) -> bool {
        view.layout.0[at] == row(1, self.program.steps[view.id].width)
    }

    fn mean(&self, of: &View, side: OutletId) -> Understood<Value> {
        let by = self.constant(side)?.cast_to_scalar::<f32>().map_err(|error| error.to_string())?;
        let width = self.program.steps[of.id].width as f32;
        // The factor is a rounded quotient.
        if (by * width - 1.0).abs() > 1e-5 {
            return Err("takes a sum that is no mean".into());
        }
        Ok(Value::Mean(of.clone()))
    }

    fn centre(&mut self, view: &View, mean: &View) -> Understood<Value> {
        if view.id != mean.id || view.layout != mean.layout || view.factor != mean.factor {
            return Err("takes away the mean of something else".into());
        }
        Ok(self.with(view, Op::Centre))
    }

    /// Heads turned by the angles of their positions, which lie in `cos` and `sin`.
    fn rope(&mut self, of: &View, cos: OutletId, sin: OutletId) -> Understood<Value> {
        let (head, last) = (self.program.head, of.layout.rank() - 1);
        let new = of.layout.find(&Part::New);
        let width = self.program.steps[of.id].width;
        let (Some(new), true) = (new, of.layout.0[last] == row(1, head) && of.layout.shown() == width) else {
            return Err("turns what are no heads".into());
        };
        let turn = match self.turns.get(&(cos, sin)) {
            Some(turn) => turn.clone(),
            None => {
                let half = |outlet| self.half_table(outlet, new, last, head);
                let turn = Arc::new(Turn { head, cos: half(cos)?, sin: half(sin)? });
                self.turns.insert((cos, sin), turn.clone());
                turn
            }
        };
        // A rotation keeps a factor.
        let id = self.program.push(Op::Rope(turn), vec![of.id], width);
        Ok(Value::Rows(View { id, layout: of.layout.clone(), factor: of.factor }))
    }

    /// A table for heads, whose two halves are alike, by half.
    fn half_table(&self, outlet: OutletId, new: usize, last: usize, head: usize) -> Understood<Vec<f32>> {
        let table = self.side.table(outlet, new, last).map_err(|error| format!("{error:#}"))?;
        let table = table.ok_or("turns heads by what is no table of positions")?;
        let half = head / 2;
        if table.len() != self.side.context * head || table.chunks(head).any(|row| row[..half] != row[half..])
        {
            return Err("turns the halves of a head by different angles".into());
        }
        Ok(table.chunks(head).flat_map(|row| &row[..half]).copied().collect())
    }
}

/// The dimensions that are longer than 1.
fn squeezed(layout: &Layout) -> Vec<&Vec<Part>> {
    layout.0.iter().filter(|dim| !dim.is_empty()).collect()
}
