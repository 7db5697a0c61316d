use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use rand::rand_core::UnwrapErr;
use rand::rngs::SysRng;

use super::*;

fn made() -> (tempfile::TempDir, PathBuf, KeyFile, Passphrase) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("root-1.pem");
    let passphrase = Passphrase::new("correct horse battery".into());
    let key = KeyFile::create(&file, &passphrase, &mut UnwrapErr(SysRng)).unwrap();
    (folder, file, key, passphrase)
}

#[test]
fn a_key_comes_back_with_its_passphrase_and_signs_the_same() {
    let (_folder, file, key, passphrase) = made();
    let again = KeyFile::open(&file, &passphrase).unwrap();
    assert_eq!(again.public(), key.public());
    let signature = again.sign(b"text").unwrap();
    assert!(key.public().verifies(b"text", &signature));
    assert!(!key.public().verifies(b"other text", &signature));
}

#[test]
fn a_wrong_passphrase_opens_nothing_and_the_error_names_the_file() {
    let (_folder, file, ..) = made();
    let error = KeyFile::open(&file, &Passphrase::new("wrong horse".into())).unwrap_err();
    assert!(error.to_string().contains("root-1.pem"), "{error}");
}

#[test]
fn a_key_file_is_never_overwritten() {
    let (_folder, file, _, passphrase) = made();
    let before = fs::read(&file).unwrap();
    let again = KeyFile::create(&file, &passphrase, &mut UnwrapErr(SysRng));
    assert!(matches!(again, Err(KeyError::Exists { .. })));
    assert_eq!(fs::read(&file).unwrap(), before);
}

#[test]
fn a_key_file_is_closed_to_others_and_refused_when_opened_to_them() {
    let (_folder, file, _, passphrase) = made();
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    assert!(matches!(KeyFile::open(&file, &passphrase), Err(KeyError::Readable { mode: 0o640, .. })));
}

#[test]
fn the_secret_is_not_in_the_file() {
    let (_folder, file, key, _) = made();
    let pem = fs::read_to_string(&file).unwrap();
    assert!(pem.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----"), "{pem}");
    let der = pkcs8::SecretDocument::from_pem(&pem).unwrap().1;
    assert!(!der.as_bytes().windows(32).any(|window| window == key.key.as_bytes()));
}

#[test]
fn openssl_reads_the_key_and_sees_the_same_public_half() {
    let (_folder, file, key, _) = made();
    let run = Command::new("openssl")
        .args(["pkey", "-passin", "pass:correct horse battery", "-pubout", "-in"])
        .arg(&file)
        .output();
    let Ok(output) = run else {
        println!("skipped: needs openssl");
        return;
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8(output.stdout).unwrap(), key.public().to_pem());
}
