//! What `pack` writes: the same bytes for the same files, and what any tar can read.

use std::os::unix::fs::PermissionsExt;

use super::*;

#[test]
fn the_same_files_give_the_same_bytes_whatever_their_times_and_modes() {
    let other = folder();
    for name in ["model.onnx", "manifest.toml"] {
        let file = other.path().join(name);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        let opened = fs::File::options().append(true).open(&file).unwrap();
        opened.set_modified(std::time::UNIX_EPOCH + std::time::Duration::from_secs(1)).unwrap();
    }
    let mut bytes = Vec::new();
    let manifest = pack(other.path(), &mut bytes).unwrap();
    assert_eq!(manifest.name, "detector");
    assert_eq!(bytes, packed());
}

#[test]
fn the_tar_crate_reads_what_is_written() {
    let bytes = packed();
    let mut names = Vec::new();
    for entry in tar::Archive::new(&*bytes).entries().unwrap() {
        let mut entry = entry.unwrap();
        let header = entry.header().clone();
        assert_eq!(header.entry_type(), tar::EntryType::Regular);
        assert_eq!((header.mtime().unwrap(), header.uid().unwrap(), header.gid().unwrap()), (0, 0, 0));
        assert_eq!(header.mode().unwrap(), 0o644);
        let name = entry.path().unwrap().to_str().unwrap().to_owned();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        assert_eq!(content, Archive::from_bytes(&bytes).unwrap().read(&name, 1 << 20).unwrap());
        names.push(name);
    }
    assert_eq!(names, ["manifest.toml", "card.md", "golden.json", "model.onnx"]);
}

#[test]
fn what_the_tar_crate_writes_is_read() {
    for form in [tar::Header::new_gnu(), tar::Header::new_ustar()] {
        let mut builder = tar::Builder::new(Vec::new());
        for (name, content) in [("manifest.toml", manifest().into_bytes()), ("model.onnx", MODEL.to_vec())] {
            let mut header = form.clone();
            header.set_size(content.len() as u64);
            header.set_mtime(1_700_000_000);
            header.set_uid(1000);
            builder.append_data(&mut header, name, &*content).unwrap();
        }
        let archive = Archive::from_bytes(&builder.into_inner().unwrap()).unwrap();
        assert_eq!(archive.read("model.onnx", 7).unwrap(), MODEL);
    }
}

#[test]
fn what_gnu_tar_writes_is_read() {
    let place = folder();
    let names = ["manifest.toml", "card.md", "golden.json", "model.onnx"];
    for format in ["gnu", "ustar"] {
        let output = std::process::Command::new("tar")
            .arg(format!("--format={format}"))
            .args(["-cf", "-"])
            .args(names)
            .current_dir(place.path())
            .output();
        let Ok(output) = output else {
            eprintln!("skipped: needs tar");
            return;
        };
        assert!(Bundle::from_bytes(&output.stdout).is_ok(), "{format}");
    }
}

#[test]
fn a_folder_with_a_file_that_nobody_named_is_not_packed() {
    for name in ["notes.txt", ".hidden"] {
        let place = folder();
        fs::write(place.path().join(name), "").unwrap();
        let mut out = Vec::new();
        let message = pack(place.path(), &mut out).unwrap_err().to_string();
        let start = format!("{}: no key of `manifest.toml` names", place.path().join(name).display());
        assert!(message.starts_with(&start), "{message}");
        assert!(out.is_empty(), "nothing is written before everything is checked");
    }
}

#[test]
fn a_folder_that_is_no_bundle_is_not_packed() {
    let place = folder();
    fs::write(place.path().join("model.onnx"), b"another").unwrap();
    let mut out = Vec::new();
    let message = pack(place.path(), &mut out).unwrap_err().to_string();
    assert!(message.contains("`model.sha256`"), "{message}");
    fs::remove_file(place.path().join(MANIFEST)).unwrap();
    let message = pack(place.path(), &mut out).unwrap_err().to_string();
    assert!(message.contains("manifest.toml: cannot be read"), "{message}");
    assert!(out.is_empty());
}
