//! Runs the golden cases: the outputs must be those of the training, within their tolerance.

use lineside_bundle::{Case, Golden};

use super::report::GoldenResult;

/// Runs every case. `outputs` runs the model on one.
pub(super) fn compare<E>(
    golden: &Golden,
    mut outputs: impl FnMut(&Case) -> Result<Vec<f32>, E>,
) -> Result<GoldenResult, E> {
    let mut result = GoldenResult { cases: golden.cases.len(), failed: None, largest_difference: Some(0.0) };
    for (at, case) in golden.cases.iter().enumerate() {
        let found = outputs(case)?;
        let difference = difference(case, &found);
        if difference.is_none_or(|difference| difference > golden.tolerance) {
            result.failed.get_or_insert(at);
        }
        result.largest_difference =
            result.largest_difference.and_then(|largest| Some(largest.max(difference?)));
    }
    Ok(result)
}

/// What is wrong with the result, in words.
pub(super) fn mismatch(golden: &Golden, result: &GoldenResult) -> Option<String> {
    let at = result.failed?;
    let found = match result.largest_difference {
        Some(difference) => format!("outputs differ by up to {difference:e}"),
        None => "an output is no finite number".into(),
    };
    Some(format!("golden case {at} of {}: {found}, {:e} is allowed", result.cases, golden.tolerance))
}

/// The inputs of a case in the order in which a model reads them.
pub(super) fn features(case: &Case) -> Vec<f32> {
    case.input.concat()
}

/// The largest difference, or `None` where an output is missing or no finite number.
fn difference(case: &Case, found: &[f32]) -> Option<f32> {
    let expected = case.output.concat();
    if expected.len() != found.len() {
        return None;
    }
    expected.iter().zip(found).try_fold(0.0_f32, |largest, (expected, found)| {
        let difference = (expected - found).abs();
        difference.is_finite().then(|| largest.max(difference))
    })
}
