//! Whether a model is the one that its manifest describes: names, types and shapes of what goes in
//! and comes out, and whether the detector can feed it.

use lineside_bundle::Manifest;
use lineside_bundle::manifest::{Dimension, Element, Task, Tensor};
use tract_onnx::prelude::*;
use tract_onnx::tract_hir::infer::Factoid;
use tract_onnx::tract_hir::internal::DimLike;

use crate::detect::bank::INPUTS;

/// Checks the promises of `manifest` for a call with `channels` rows.
pub(super) fn check(manifest: &Manifest, onnx: &[u8], channels: usize) -> Result<(), String> {
    let (Some(input), Some(output)) = (&manifest.model.input, &manifest.model.output) else {
        return Err("manifest.toml: model.input and model.output are missing".to_owned());
    };
    if manifest.task == Task::Detect {
        fits_detector(input, output)?;
    }
    let file = &manifest.model.file;
    let model = load(onnx).map_err(|error| format!("{file}: {error:#}"))?;
    let source = model.input_outlets().map_err(|error| format!("{file}: {error:#}"))?.to_vec();
    let [source] = source[..] else {
        return Err(format!("{file}: has {} inputs, a bundle's model has one", source.len()));
    };
    let name = model.node(source.node).name.clone();
    same("input.name", &input.name, &name)?;
    let declared = model.outlet_fact(source).map_err(|error| format!("{file}: {error:#}"))?.clone();
    if let Some(found) = declared.datum_type.concretize() {
        same("input.type", element(input.element), &name_of(found))?;
    }
    if !declared.shape.is_open() {
        let dims: Vec<Option<usize>> = declared.shape.dims().map(|dim| number(&dim.concretize()?)).collect();
        let fits = dims.len() == input.shape.len()
            && input.shape.iter().zip(&dims).all(|(stated, found)| match stated {
                Dimension::Fixed(size) => found.is_none_or(|found| found == *size as usize),
                Dimension::Named(_) => true,
            });
        if !fits {
            return Err(broken("input.shape", &shape(input), &bracketed(&dims)));
        }
    }
    let rows: Vec<usize> = input.shape.iter().map(|dim| size(dim, channels)).collect();
    let typed = (|| model.with_input_fact(0, f32::fact(&rows).into())?.into_typed())()
        .map_err(|error| format!("{file}: does not take {rows:?}: {error:#}"))?;
    comes_out(&typed, output, channels).map_err(|error| format!("{file}: {error}"))
}

/// What the detector's bank gives, and what its alarm layer takes.
fn fits_detector(input: &Tensor, output: &Tensor) -> Result<(), String> {
    if input.shape.len() != 2 || input.width() != Some(INPUTS) {
        let wants = format!("[channels, {INPUTS}], the detector's figures");
        return Err(format!("manifest.toml: model.input.shape is {}: it must be {wants}", shape(input)));
    }
    if output.shape.len() != 2 || output.width() != Some(1) {
        let wants = "[channels, 1], one score a channel";
        return Err(format!("manifest.toml: model.output.shape is {}: it must be {wants}", shape(output)));
    }
    Ok(())
}

fn load(mut onnx: &[u8]) -> TractResult<InferenceModel> {
    tract_onnx::onnx().model_for_read(&mut onnx)
}

fn comes_out(model: &TypedModel, output: &Tensor, channels: usize) -> Result<(), String> {
    let outlets = model.output_outlets().map_err(|error| format!("{error:#}"))?;
    let [outlet] = *outlets else {
        return Err(format!("has {} outputs, a bundle's model has one", outlets.len()));
    };
    let label = model.outlet_label(outlet).unwrap_or(&model.node(outlet.node).name);
    same("output.name", &output.name, label)?;
    let fact = model.outlet_fact(outlet).map_err(|error| format!("{error:#}"))?;
    same("output.type", element(output.element), &name_of(fact.datum_type))?;
    let found: Vec<Option<usize>> = fact.shape.iter().map(number).collect();
    let stated: Vec<Option<usize>> = output.shape.iter().map(|dim| Some(size(dim, channels))).collect();
    if found != stated {
        return Err(broken("output.shape", &shape(output), &bracketed(&found)));
    }
    Ok(())
}

/// A dimension in numbers, for so many channels.
fn size(dimension: &Dimension, channels: usize) -> usize {
    match dimension {
        Dimension::Fixed(size) => *size as usize,
        Dimension::Named(_) => channels,
    }
}

fn number(dim: &TDim) -> Option<usize> {
    dim.to_usize().ok()
}

fn element(element: Element) -> &'static str {
    match element {
        Element::F32 => "f32",
    }
}

/// A type's name as manifests write it.
fn name_of(found: DatumType) -> String {
    format!("{found:?}").to_lowercase()
}

fn shape(tensor: &Tensor) -> String {
    let dims: Vec<String> = tensor.shape.iter().map(ToString::to_string).collect();
    format!("[{}]", dims.join(", "))
}

fn bracketed(dims: &[Option<usize>]) -> String {
    let dims: Vec<String> =
        dims.iter().map(|dim| dim.map_or_else(|| "any".into(), |size| size.to_string())).collect();
    format!("[{}]", dims.join(", "))
}

fn same(key: &str, stated: &str, found: &str) -> Result<(), String> {
    if stated == found { Ok(()) } else { Err(broken(key, stated, found)) }
}

fn broken(key: &str, stated: &str, found: &str) -> String {
    format!(
        "manifest.toml: model.{key} is `{stated}`, but the model's is `{found}`: it belongs to another model"
    )
}
