//! The program itself, with real keys in files.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use lineside_bundle::archive;

const CATALOG: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/catalog/detector");

/// A folder in which commands run.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Place(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn run(&self, line: &str) -> (bool, String) {
        let output = Command::new(env!("CARGO_BIN_EXE_lineside-ota"))
            .args(line.split_whitespace())
            .current_dir(self.0.path())
            .env("LINESIDE_OTA_PASSPHRASE", "correct horse battery")
            .output()
            .unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(said).unwrap())
    }

    fn ok(&self, line: &str) -> String {
        let (success, said) = self.run(line);
        assert!(success, "{line}: {said}");
        said
    }

    fn fails(&self, line: &str) -> String {
        let (success, said) = self.run(line);
        assert!(!success, "{line}: {said}");
        said
    }

    fn bundle(&self, release: u32) {
        let read = |name: &str| fs::read(Path::new(CATALOG).join(name)).unwrap();
        let manifest = String::from_utf8(read("manifest.toml")).unwrap();
        let manifest = manifest.replace("release = 1\n", &format!("release = {release}\n"));
        let (model, golden, card) = (read("model.onnx"), read("golden.json"), read("card.md"));
        let mut tar = Vec::new();
        let manifest = ("manifest.toml", manifest.as_bytes());
        archive::write(
            &[manifest, ("model.onnx", &model), ("golden.json", &golden), ("card.md", &card)],
            &mut tar,
        )
        .unwrap();
        fs::write(self.path(&format!("detector-{release}.tar")), tar).unwrap();
    }

    /// A repository with release 1.
    fn with_release() -> Self {
        let place = Place::new();
        place.ok("init repo --keys keys");
        place.bundle(1);
        place.ok("publish detector-1.tar --repo repo --keys keys");
        place
    }
}

#[test]
fn a_repository_is_made_filled_refreshed_checked_and_copied() {
    let place = Place::with_release();
    place.bundle(2);
    let said = place.ok("publish detector-2.tar --repo repo --keys keys");
    assert!(
        said.contains("models/detector/detector-1.0.0-r2.tar") && said.contains("from release 1"),
        "{said}"
    );
    place.ok("refresh --repo repo --key keys/online.pem");
    let said = place.ok("verify --repo repo --root repo/metadata/1.root.json");
    assert!(said.contains("3 files"), "{said}");
    place.ok("export --repo repo --to stick");
    place.ok("lease --repo stick --expires 2999-01-01T00:00:00Z --keys keys");
    assert!(place.path("stick/metadata/lease.json").exists());
    place.ok("permit-downgrade detector 1 --from 2 --repo repo --keys keys");
    place.ok("verify --repo repo");
}

#[test]
fn nothing_is_made_or_published_twice() {
    let place = Place::with_release();
    assert!(place.fails("init repo --keys keys").contains("holds a repository already"));
    assert!(place.fails("key new online --keys keys").contains("never overwritten"));
    let said = place.fails("publish detector-1.tar --repo repo --keys keys");
    assert!(said.contains("raise `release`"), "{said}");
}

#[test]
fn a_wrong_passphrase_and_a_missing_key_are_said() {
    let place = Place::with_release();
    fs::write(place.path("wrong"), "wrong horse battery").unwrap();
    let said = place.fails("refresh --repo repo --keys keys --passphrase-file wrong");
    assert!(said.contains("keys/online.pem") && said.contains("passphrase"), "{said}");
    assert!(place.fails("refresh --repo repo").contains("--keys"));
    assert!(place.fails("verify --repo nowhere").contains("lineside-ota init"));
}

#[test]
fn two_people_publish_with_a_file_that_travels() {
    let place = Place::new();
    place.ok("key new anna --keys anna");
    place.ok("key new bert --keys bert");
    place.ok(
        "init repo --keys keys --targets-pub anna/anna.pub --targets-pub bert/bert.pub --targets-threshold 2 \
         --propose first.json",
    );
    place.ok("sign first.json --keys anna");
    let said = place.fails("apply first.json --repo repo --keys keys");
    assert!(said.contains("1 of 2 signatures") && said.contains("bert ("), "{said}");
    place.ok("sign first.json --keys bert");
    place.ok("apply first.json --repo repo --keys keys");

    place.bundle(1);
    let said = place.ok("publish detector-1.tar --repo repo --keys anna --propose change.json");
    assert!(said.contains("1 of 2"), "{said}");
    place.bundle(9);
    let said = place.fails("sign change.json --keys bert --bundle detector-9.tar");
    assert!(said.contains("do not sign it"), "{said}");
    let said = place.ok("sign change.json --keys bert --bundle detector-1.tar");
    assert!(said.contains("models/detector/detector-1.0.0-r1.tar sha256"), "{said}");
    place.ok("apply change.json --repo repo --key keys/online.pem");
    place.ok("verify --repo repo");
}

#[test]
fn keys_are_rotated_and_revoked() {
    let place = Place::with_release();
    place.ok("key new online-2 --keys keys");
    place
        .ok("key rotate --role online --old keys/online.pub --new keys/online-2.pub --repo repo --keys keys");
    assert!(place.run("refresh --repo repo --key keys/online.pem").1.contains("needs 1 signatures"));
    place.ok("refresh --repo repo --key keys/online-2.pem");
    place.ok("key new online-3 --keys keys");
    let said = place.ok(
        "key revoke --role online --old keys/online-2.pub --new keys/online-3.pub --repo repo --keys keys",
    );
    assert!(said.contains("all rollouts end"), "{said}");
    place.ok("refresh --repo repo --keys keys");
    let said = place.fails("key revoke --role targets --old keys/targets-1.pub --repo repo --keys keys");
    assert!(said.contains("give a new key"), "{said}");
    place.ok("verify --repo repo --root repo/metadata/1.root.json");
}

#[test]
fn a_ceremony_goes_from_machine_to_machine() {
    let place = Place::new();
    for name in ["anna", "bert", "dora"] {
        place.ok(&format!("key new {name} --keys {name}"));
    }
    place.ok("init repo --keys keys --root-pub anna/anna.pub --root-pub bert/bert.pub --root-threshold 2 \
         --propose first.json");
    place.ok("key ceremony sign first.json --keys anna");
    place.ok("key ceremony sign first.json --keys bert");
    place.ok("key ceremony finish first.json --repo repo --keys keys");

    place.ok("key ceremony start root.json --repo repo --add root=dora/dora.pub --remove root=bert/bert.pub");
    let said = place.ok("key ceremony sign root.json --keys anna");
    assert!(said.contains("root version 2") && said.contains("root: any 2 of"), "{said}");
    let said = place.fails("key ceremony finish root.json --repo repo --keys keys");
    assert!(said.contains("by its present keys") && said.contains("by its new keys"), "{said}");
    place.ok("key ceremony sign root.json --keys dora");
    place.ok("key ceremony sign root.json --keys bert");
    place.ok("key ceremony finish root.json --repo repo --keys keys");
    assert!(place.path("repo/metadata/2.root.json").exists());
    place.ok("verify --repo repo --root repo/metadata/1.root.json");
    assert!(place.ok("key list --keys anna").contains("anna"));
}
