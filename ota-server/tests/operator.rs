//! The operator's commands against a running server.
#![allow(clippy::unwrap_used, reason = "a test says what failed by panicking")]

mod support;

use std::process::{Command, Output};

use support::{Device, Site};

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn an_operator_rolls_out_looks_pauses_and_checks_the_audit_log() {
    let site = Site::new();
    let mut server = site.serve(&[]);
    let url = format!("http://{}", server.address);
    let ota = |arguments: &[&str]| {
        let (first, rest) = arguments.split_first().unwrap();
        let to = ["--server", &url, "--operator-token-file", "operator.token"];
        site.run(&[&[*first], &to[..], rest].concat())
    };
    let token = ota(&["device", "token", "new", "--note", "line 3"]);
    assert!(token.status.success(), "{}", text(&token));
    assert_eq!(text(&token).trim().len(), 64);
    let device = Device::enrolled("site-1", 1, server.address);
    assert_eq!(device.report(server.address, 1), Some(204));
    assert!(text(&ota(&["device", "list"])).contains("site-1"));

    let create = [
        "rollout",
        "create",
        "--model",
        "detector",
        "--release",
        "1",
        "--id",
        "r-1",
        "--ramp",
        "0s=5,1h=100",
    ];
    let made = ota(&create);
    assert_eq!(text(&made).trim(), "r-1");
    assert!(ota(&["rollout", "pause", "r-1", "--reason", "shift change"]).status.success());
    let shown = text(&ota(&["rollout", "show", "r-1"]));
    assert!(shown.contains("paused") && shown.contains("shift change"), "{shown}");
    let refused = ota(&["rollout", "create", "--model", "detector", "--release", "9"]);
    assert!(!refused.status.success());
    assert!(text(&refused).contains("no signed release 9"), "{}", text(&refused));

    let sound = site.run(&["audit", "verify", "--state", "state"]);
    assert!(sound.status.success() && text(&sound).starts_with("ok, "), "{}", text(&sound));
    terminate(&mut server);
    tamper(&site);
    let broken = site.run(&["audit", "verify", "--state", "state"]);
    assert_eq!(broken.status.code(), Some(1));
    assert!(text(&broken).contains("broken at entry 2"), "{}", text(&broken));
}

/// SIGTERM ends it in good order.
fn terminate(server: &mut support::Served) {
    let pid = rustix::process::Pid::from_child(&server.child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert!(server.child.wait().unwrap().success());
}

fn tamper(site: &Site) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let path = site.path("state").join(lineside_ota::db::FILE);
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
        let pool = sqlx::SqlitePool::connect_with(options).await.unwrap();
        sqlx::query("UPDATE audit SET actor = 'nobody' WHERE seq = 2").execute(&pool).await.unwrap();
        pool.close().await;
    });
}

#[test]
fn a_key_that_is_not_the_repositorys_online_key_is_refused_at_the_start() {
    let site = Site::new();
    std::fs::remove_file(site.path("online.key")).unwrap();
    let mut random = rand::rand_core::UnwrapErr(rand::rngs::SysRng);
    let passphrase = lineside_ota::keys::Passphrase::new("correct horse battery staple".to_owned());
    lineside_ota::keys::KeyFile::create(&site.path("online.key"), &passphrase, &mut random).unwrap();
    let refused = site.run(&[
        "serve",
        "--repo",
        "repo",
        "--state",
        "state",
        "--listen",
        "127.0.0.1:0",
        "--online-key",
        "online.key",
        "--passphrase-file",
        "passphrase",
        "--operator-token-file",
        "operator.token",
    ]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused).contains("is not the online key"), "{}", text(&refused));
}

#[test]
fn the_api_is_the_same_over_https() {
    let site = Site::new();
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-days",
            "2",
        ])
        .args(["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .args(["-keyout", "tls.key", "-out", "tls.crt"])
        .current_dir(site.folder.path())
        .output();
    if !made.is_ok_and(|made| made.status.success()) {
        eprintln!("skipped: needs openssl");
        return;
    }
    let server = site.serve(&["--tls-cert", "tls.crt", "--tls-key", "tls.key"]);
    let url = format!("https://{}", server.address);
    let to = ["rollout", "--server", &url, "--operator-token-file", "operator.token"];
    let listed = site.run(&[&to[..], &["--ca", "tls.crt", "list"]].concat());
    assert!(listed.status.success() && text(&listed).contains("RELEASE"), "{}", text(&listed));
    let without = site.run(&[&to[..], &["list"]].concat());
    assert!(text(&without).contains("--ca"), "{}", text(&without));
}
