//! The commands on the shipped bundle and on damaged ones.

use std::fs;

use clap::Parser;

use super::*;

const DETECTOR: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/catalog/detector");

struct Packed {
    folder: tempfile::TempDir,
}

impl Packed {
    fn new() -> (Self, String) {
        let packed = Packed { folder: tempfile::tempdir().unwrap() };
        let said = pack(Path::new(DETECTOR), &packed.tar()).unwrap();
        (packed, said)
    }

    fn tar(&self) -> PathBuf {
        self.folder.path().join("detector.tar")
    }

    /// A folder with the shipped bundle, its manifest changed.
    fn variant(&self, from: &str, to: &str) -> PathBuf {
        let variant = self.folder.path().join("variant");
        archive::unpack(&Archive::open(&self.tar()).unwrap(), &variant).unwrap();
        let text = fs::read_to_string(variant.join("manifest.toml")).unwrap();
        assert!(text.contains(from), "{from}");
        fs::write(variant.join("manifest.toml"), text.replace(from, to)).unwrap();
        variant
    }
}

#[test]
fn what_is_packed_is_verified_by_the_digest_that_was_printed() {
    let (packed, said) = Packed::new();
    let digest = said.split("sha256 ").nth(1).unwrap().trim();
    let good = verify(&packed.tar(), Some(digest)).unwrap();
    assert!(good.ends_with("detector.tar: good; detector 1.0.0, release 1\n"), "{good}");
    assert!(verify(Path::new(DETECTOR), None).is_ok());

    let mut bytes = fs::read(packed.tar()).unwrap();
    let at = bytes.len() / 2;
    bytes[at] ^= 1;
    fs::write(packed.tar(), bytes).unwrap();
    let refused = verify(&packed.tar(), Some(digest)).unwrap_err().to_string();
    assert!(refused.contains(&format!("expected {digest}")), "{refused}");
    assert!(verify(&packed.tar(), None).is_err());
    assert!(verify(&packed.tar(), Some("abc")).unwrap_err().to_string().contains("--sha256: `abc`"));
    assert!(verify(Path::new(DETECTOR), Some(digest)).unwrap_err().to_string().contains("is a folder"));
}

#[test]
fn a_page_tells_what_the_bundle_is_and_has_no_colour_in_a_pipe() {
    let (packed, said) = Packed::new();
    let page = inspect(&packed.tar(), Paint::Plain).unwrap();
    for part in [
        "detector 1.0.0\n",
        "release     1\n",
        "in          features [channels, 36]\n",
        "golden      4 cases, within 1e-4\n",
        "needs       agent 0.1.0 or later, any processor",
        "budget      1024 KiB, budget p95 1000 us\n",
        said.split("sha256 ").nth(1).unwrap(),
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(!page.contains('\x1b'));
    assert!(inspect(Path::new(DETECTOR), Paint::Colour).unwrap().contains("\x1b[1mdetector 1.0.0"));
}

#[test]
fn texts_of_a_bundle_cannot_steer_the_terminal() {
    let (packed, _) = Packed::new();
    let folder = packed.variant("description = \"Scores", "description = \"\\u001b[2JScores");
    assert!(!inspect(&folder, Paint::Plain).unwrap().contains('\x1b'));
}

#[test]
fn a_model_that_keeps_its_promise_passes_and_one_that_does_not_fails_with_the_reason() {
    let (packed, _) = Packed::new();
    let good = packed.variant("memory_kib = 1024\np95_us = 1000", "memory_kib = 0\np95_us = 0");
    let (text, exit) = test(&good, false, Paint::Plain).unwrap();
    assert_eq!(exit, Exit::Ok, "{text}");
    assert!(text.ends_with("good\n") && text.contains("golden      4 cases, all as promised"), "{text}");

    let (packed, _) = Packed::new();
    let slow = packed.variant("p95_us = 1000", "p95_us = 1");
    let (text, exit) = test(&slow, false, Paint::Plain).unwrap();
    assert_eq!(exit, Exit::Failure);
    assert!(text.lines().last().unwrap().starts_with("over_latency: a call takes"), "{text}");
    let (json, exit) = test(&slow, true, Paint::Plain).unwrap();
    assert_eq!(exit, Exit::Failure);
    let report: crate::probe::ProbeReport = serde_json::from_str(&json).unwrap();
    assert!(!report.passed());
}

#[test]
fn a_difference_is_shown_by_its_key() {
    let (packed, _) = Packed::new();
    let other = packed.variant("release = 1", "release = 2");
    assert_eq!(differences(&packed.tar(), &other).unwrap(), "release: 1 -> 2\n");
    assert_eq!(differences(&packed.tar(), Path::new(DETECTOR)).unwrap(), "no difference\n");
}

#[test]
fn every_command_takes_its_arguments() {
    for line in [
        "lineside bundle pack folder out.tar",
        "lineside bundle inspect out.tar",
        "lineside bundle verify out.tar --sha256 00",
        "lineside bundle test out.tar --json",
        "lineside bundle diff a.tar b.tar",
        "lineside bundle from-hf folder --out out.tar --task generate --int4 --name tiny --licence MIT",
    ] {
        assert!(crate::cli::Cli::try_parse_from(line.split(' ')).is_ok(), "{line}");
    }
}
