//! Refuses an ONNX file that would read other files: what runs must be what was signed.
//!
//! A tensor of an ONNX file may say that its values lie in another file ("external data"), by a
//! path that can lead anywhere. A bundle holds one model file, so every such reference is refused.
//! They can hide in initialisers, attributes, functions and training graphs, at any depth; this
//! walks all of them over the protobuf wire format, bounded in depth, reading every byte once at
//! most, and looks at nothing else.

use crate::error::BundleError;

mod message;
mod wire;

use message::Message;
use wire::{Fault, Field, Fields, Value};

/// Deepest nesting of messages; the same as the parser's that runs the model.
const MAX_DEPTH: usize = 100;
/// As much of a name as a message to people needs.
const MAX_SHOWN: usize = 80;

/// Checks the bytes of an ONNX file that calls itself `file`.
///
/// # Errors
/// Names the tensor and where it says its values lie; or the byte that is no ONNX.
pub(crate) fn check(file: &str, bytes: &[u8]) -> Result<(), BundleError> {
    walk(Message::Model, Fields::new(bytes), 0).map_err(|fault| BundleError::Model {
        file: file.into(),
        at: fault.at,
        problem: fault.problem,
    })
}

fn walk(message: Message, fields: Fields<'_>, depth: usize) -> Result<(), Fault> {
    if depth > MAX_DEPTH {
        return Err(fields.fault(format!("is no ONNX file: nested deeper than {MAX_DEPTH}")));
    }
    if message == Message::Tensor {
        return tensor(fields);
    }
    for field in fields {
        let field = field?;
        if let Some(inner) = message.inner(field.number) {
            let bytes = field.message()?;
            walk(inner, bytes, depth + 1)?;
        }
    }
    Ok(())
}

/// A tensor must hold its values itself.
fn tensor(fields: Fields<'_>) -> Result<(), Fault> {
    let (mut name, mut location, mut external) = (None, None, None);
    for field in fields {
        let field = field?;
        match field.number {
            message::TENSOR_NAME => name = Some(field.text()?),
            message::TENSOR_EXTERNAL_DATA => {
                external = Some(field.at);
                location = location_of(field.message()?)?.or(location);
            }
            message::TENSOR_DATA_LOCATION => match field.value {
                Value::Varint(0) => {}
                _ => external = Some(field.at),
            },
            _ => {}
        }
    }
    match external {
        None => Ok(()),
        Some(at) => Err(Fault {
            at,
            problem: format!(
                "tensor `{}` keeps its values in another file, `{}`; a bundle's model holds all of them itself: \
                 save it without external data",
                shown(name),
                shown(location)
            ),
        }),
    }
}

/// The `location` of one entry of `external_data`.
fn location_of(entry: Fields<'_>) -> Result<Option<&[u8]>, Fault> {
    let (mut key, mut value) = (None, None);
    for field in entry {
        let field: Field<'_> = field?;
        match field.number {
            message::ENTRY_KEY => key = Some(field.text()?),
            message::ENTRY_VALUE => value = Some(field.text()?),
            _ => {}
        }
    }
    Ok(value.filter(|_| key == Some(b"location".as_slice())))
}

fn shown(bytes: Option<&[u8]>) -> String {
    let bytes = bytes.unwrap_or(b"?");
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(MAX_SHOWN)]);
    text.escape_debug().to_string()
}

#[cfg(test)]
mod tests;
