//! The archive's promise: plain files inside the file, named once; every other trick is refused.

use std::io::SeekFrom;

use super::*;
use crate::bundle::tests::{GOLDEN, MODEL, folder, manifest};

mod fuzz;
mod tricks;
mod written;

/// A bundle as `pack` writes it.
fn packed() -> Vec<u8> {
    let mut out = Vec::new();
    pack(folder().path(), &mut out).unwrap();
    out
}

fn refusal(bytes: &[u8]) -> String {
    Archive::from_bytes(bytes).unwrap_err().to_string()
}

#[test]
fn a_bundle_is_the_same_from_a_folder_and_from_a_tar() {
    let place = folder();
    let bytes = packed();
    let file = place.path().join("detector.tar");
    fs::write(&file, &bytes).unwrap();
    let loaded = {
        let clean = folder();
        Bundle::load(clean.path()).unwrap()
    };
    for opened in [
        Bundle::open(&file).unwrap(),
        Bundle::from_bytes(&bytes).unwrap(),
        Bundle::open_reader(io::Cursor::new(bytes.clone())).unwrap(),
    ] {
        assert_eq!(opened.manifest(), loaded.manifest());
        assert_eq!(opened.model(), loaded.model());
        assert_eq!(opened.golden(), loaded.golden());
    }
    assert_eq!(Archive::open(&file).unwrap().sha256().unwrap(), Sha256Hex::of(&bytes));
}

#[test]
fn a_member_is_read_where_it_lies_and_not_beyond_its_end() {
    let archive = Archive::from_bytes(&packed()).unwrap();
    let mut reader = archive.reader("model.onnx").unwrap();
    assert_eq!(reader.length(), 7);
    let mut bytes = Vec::new();
    reader.seek(SeekFrom::End(-3)).unwrap();
    reader.read_to_end(&mut bytes).unwrap();
    assert_eq!(bytes, b"abc");
    assert_eq!(reader.seek(SeekFrom::Start(1 << 40)).unwrap(), 1 << 40);
    assert_eq!(reader.read(&mut [0; 8]).unwrap(), 0);
    assert!(reader.seek(SeekFrom::Current(-(1 << 41))).is_err());
    assert!(matches!(archive.read("model.onnx", 6), Err(BundleError::TooLarge { limit: 6, .. })));
    assert_eq!(archive.read("model.onnx", 7).unwrap(), MODEL);
    let missing = archive.read("weights", 7).unwrap_err().to_string();
    assert!(
        missing.starts_with("bundle.tar/weights: cannot be read: the archive has no such file"),
        "{missing}"
    );
}

#[test]
fn a_file_that_is_cut_while_it_is_open_is_an_error_and_not_zeros() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("detector.tar");
    fs::write(&file, packed()).unwrap();
    let archive = Archive::open(&file).unwrap();
    fs::File::options().write(true).open(&file).unwrap().set_len(512).unwrap();
    assert!(archive.read("model.onnx", 7).is_err());
    assert!(Bundle::from_archive(&archive).is_err());
}

#[test]
fn an_archive_holds_nothing_that_its_manifest_does_not_name() {
    let manifest = manifest();
    let mut bytes = Vec::new();
    let members: [(&str, &[u8]); 5] = [
        ("manifest.toml", manifest.as_bytes()),
        ("model.onnx", MODEL),
        ("golden.json", GOLDEN.as_bytes()),
        ("card.md", b"# Card"),
        ("weights.bin", b"more"),
    ];
    write(&members, &mut bytes).unwrap();
    let message = Bundle::from_bytes(&bytes).unwrap_err().to_string();
    assert!(
        message.starts_with("bundle.tar/weights.bin: no key of `manifest.toml` names this file"),
        "{message}"
    );
    let mut without = Vec::new();
    write(&members[..3], &mut without).unwrap();
    let message = Bundle::from_bytes(&without).unwrap_err().to_string();
    assert!(message.starts_with("bundle.tar/card.md: cannot be read"), "{message}");
}

#[test]
fn unpacking_gives_the_folder_back_and_never_writes_into_an_old_one() {
    let place = tempfile::tempdir().unwrap();
    let archive = Archive::from_bytes(&packed()).unwrap();
    let target = place.path().join("detector");
    unpack(&archive, &target).unwrap();
    let mut again = Vec::new();
    pack(&target, &mut again).unwrap();
    assert_eq!(again, packed());
    assert!(unpack(&archive, &target).unwrap_err().to_string().contains("cannot be written"));
}
