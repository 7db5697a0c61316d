//! Data that an ONNX file keeps in other files, folded into it: a bundle has one model file.

use std::collections::HashMap;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Component, Path};

use tract_onnx::pb::TensorProto;
use tract_onnx::pb::tensor_proto::DataLocation;

use super::ImportError;
use super::folder::Folder;
use super::graph::{Graph, MAX_SOURCE_BYTES};

/// Where a tensor's bytes lie.
struct Place {
    location: String,
    offset: u64,
    /// To the end of the file where it is not stated.
    length: Option<u64>,
}

/// Folds it in.
pub(super) fn fold(folder: &Folder, graph: &mut Graph) -> Result<(), ImportError> {
    let file = graph.file.clone();
    let beside = folder.root().join(&file).parent().map_or_else(|| folder.root().to_owned(), Path::to_owned);
    let (mut open, mut total) = (HashMap::new(), 0);
    let graph = graph.graph();
    let attributes = graph.node.iter_mut().flat_map(|node| &mut node.attribute);
    let constants = attributes.filter_map(|attribute| attribute.t.as_mut());
    for tensor in graph.initializer.iter_mut().chain(constants) {
        if tensor.data_location != Some(DataLocation::External as i32) && tensor.external_data.is_empty() {
            continue;
        }
        let place = Place::of(&file, tensor)?;
        let source = match open.entry(place.location.clone()) {
            std::collections::hash_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::hash_map::Entry::Vacant(entry) => {
                let path = beside.join(&place.location);
                entry.insert(File::open(&path).map_err(|cause| ImportError::Disk { file: path, cause })?)
            }
        };
        let bytes = place.read(source)?;
        total += bytes.len() as u64;
        if total > MAX_SOURCE_BYTES {
            let problem =
                format!("keeps more than {MAX_SOURCE_BYTES} bytes in other files: no gateway runs that");
            return Err(ImportError::file(file, problem));
        }
        tensor.raw_data = bytes;
        tensor.external_data.clear();
        tensor.data_location = None;
    }
    Ok(())
}

impl Place {
    fn of(file: &str, tensor: &TensorProto) -> Result<Self, ImportError> {
        let value = |key: &str| {
            tensor.external_data.iter().find(|entry| entry.key == key).map(|entry| entry.value.as_str())
        };
        let refuse = |problem: &str| {
            Err(ImportError::file(
                file,
                format!("tensor `{}` keeps its values elsewhere, but {problem}", tensor.name),
            ))
        };
        let number = |key: &str| value(key).map(str::parse::<u64>).transpose();
        let (Ok(offset), Ok(length)) = (number("offset"), number("length")) else {
            return refuse("its offset or length is no number");
        };
        let Some(location) = value("location") else {
            return refuse("does not say in which file");
        };
        let inside = Path::new(location).components().all(|part| matches!(part, Component::Normal(_)));
        if !inside || location.is_empty() {
            return refuse(&format!("in `{}`, which is not in the model's folder", location.escape_debug()));
        }
        Ok(Place { location: location.to_owned(), offset: offset.unwrap_or(0), length })
    }

    fn read(&self, file: &mut File) -> Result<Vec<u8>, ImportError> {
        let disk = |cause| ImportError::Disk { file: self.location.clone().into(), cause };
        let there = file.metadata().map_err(disk)?.len();
        let length = self.length.unwrap_or(there.saturating_sub(self.offset));
        if self.offset.checked_add(length).is_none_or(|end| end > there) || length > MAX_SOURCE_BYTES {
            let problem = format!(
                "has {there} bytes, but the model asks for {length} from {}: it belongs to another file or is cut off",
                self.offset
            );
            return Err(ImportError::file(&self.location, problem));
        }
        file.seek(SeekFrom::Start(self.offset)).map_err(disk)?;
        let mut bytes = Vec::new();
        file.take(length).read_to_end(&mut bytes).map_err(disk)?;
        Ok(bytes)
    }
}
