//! What the server does in a second, beside nginx on the same machine in the same minute.
//!
//! `cargo bench -p lineside-ota`: conditional polls of `timestamp.json` against Debian's nginx with two
//! workers, and signed reports that are committed. Needs `wrk` and `nginx`, and says so without.
#![allow(clippy::unwrap_used, reason = "a test says what failed by panicking")]
#![allow(missing_docs)]

#[path = "../tests/support/mod.rs"]
mod support;

use std::fmt::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command};

use support::{Device, Site};

/// Connections that stay open: enough to keep both servers busy, few enough for a p99 that says
/// something of the server and not of its queue.
const CONNECTIONS: &str = "64";
/// As many reports at once as a batch takes: a report waits for the sync of its batch, so fewer
/// connections measure the disk's delay.
const REPORTERS: &str = "256";
const DURATION: &str = "8s";
/// Each server is measured so often, in turn, and its best taken: others use the machine too.
const ROUNDS: usize = 3;
/// The goal: half of what nginx does.
const GOAL: f64 = 0.5;
const DEVICES: usize = 250;
/// More than are sent in the time: one that comes again would cost less.
const REPORTS: usize = 120_000;

fn main() {
    for (tool, argument) in [("wrk", "-v"), ("/usr/sbin/nginx", "-v")] {
        if Command::new(tool).arg(argument).output().is_err() {
            println!("skipped: needs {tool}");
            return;
        }
    }
    let site = Site::new();
    let server = site.serve(&[]);
    polls(&site, server.address);
    reports(&site, server.address);
}

#[derive(Clone, Copy)]
struct Measured {
    per_second: f64,
    p99_ms: f64,
}

fn polls(site: &Site, ours: SocketAddr) {
    let nginx = Nginx::start(site);
    let (mut best_ours, mut best_nginx) = (None, None);
    for _ in 0..ROUNDS {
        better(&mut best_nginx, poll(nginx.address));
        better(&mut best_ours, poll(ours));
    }
    let (Some(ours), Some(theirs)) = (best_ours, best_nginx) else { return };
    println!("timestamp.json, conditional, {CONNECTIONS} connections kept alive:");
    println!("  nginx         {:>9.0} /s   p99 {:>6.2} ms", theirs.per_second, theirs.p99_ms);
    println!("  lineside-ota  {:>9.0} /s   p99 {:>6.2} ms", ours.per_second, ours.p99_ms);
    let ratio = ours.per_second / theirs.per_second;
    let met = if ratio >= GOAL && ours.p99_ms < 50.0 { "met" } else { "missed" };
    println!("  ratio         {:.0} %, goal {:.0} % at p99 under 50 ms: {met}", ratio * 100.0, GOAL * 100.0);
}

fn better(best: &mut Option<Measured>, new: Measured) {
    if best.is_none_or(|best| new.per_second > best.per_second) {
        *best = Some(new);
    }
}

fn poll(address: SocketAddr) -> Measured {
    let url = format!("http://{address}/metadata/timestamp.json");
    let first = ureq::get(&url).call().unwrap();
    let tag = first.headers()["etag"].to_str().unwrap().to_owned();
    let again = ureq::get(&url).header("if-none-match", &tag).call().unwrap();
    assert_eq!(again.status(), 304);
    let condition = format!("If-None-Match: {tag}");
    wrk(CONNECTIONS, &["-H", &condition, &url])
}

fn reports(site: &Site, address: SocketAddr) {
    let devices: Vec<Device> = (0..DEVICES)
        .map(|n| Device::enrolled(&format!("site-{n}"), u8::try_from(n).unwrap(), address))
        .collect();
    let mut lines = String::new();
    for number in 0..REPORTS {
        let device = &devices[number % DEVICES];
        let (body, signature) = device.signed((number / DEVICES) as u64);
        writeln!(lines, "{}\t{signature}\t{body}", device.name).unwrap();
    }
    std::fs::write(site.path("reports.tsv"), lines).unwrap();
    std::fs::write(
        site.path("reports.lua"),
        LUA.replace("REPORTS", site.path("reports.tsv").to_str().unwrap()),
    )
    .unwrap();
    let script = site.path("reports.lua");
    let before = committed(site);
    let measured = wrk(REPORTERS, &["-s", script.to_str().unwrap(), &format!("http://{address}/v1/status")]);
    println!(
        "signed reports with one event, {REPORTERS} connections, each committed with a sync before its 204:"
    );
    println!("  lineside-ota  {:>9.0} /s   p99 {:>6.2} ms", measured.per_second, measured.p99_ms);
    println!("  committed     {:>9}", committed(site) - before);
}

const LUA: &str = r#"
local prepared, at = {}, 0
function init()
  for line in io.lines("REPORTS") do
    local device, signature, body = line:match("([^\t]*)\t([^\t]*)\t(.*)")
    local headers = { ["Lineside-Device"] = device, ["Lineside-Signature"] = signature }
    prepared[#prepared + 1] = wrk.format("POST", nil, headers, body)
  end
end
function request()
  at = at % #prepared + 1
  return prepared[at]
end
"#;

fn committed(site: &Site) -> i64 {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let database = lineside_ota::db::Database::open_to_read(&site.path("state")).await.unwrap();
        sqlx::query_scalar("SELECT COUNT(*) FROM events").fetch_one(database.pool()).await.unwrap()
    })
}

/// One thread of wrk: the other core is the server's.
fn wrk(connections: &str, arguments: &[&str]) -> Measured {
    let output = Command::new("wrk")
        .args(["-t", "1", "-c", connections, "-d", DURATION, "--latency"])
        .args(arguments)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(!text.contains("Non-2xx") && !text.contains("Socket errors"), "{text}");
    let after = |word: &str| {
        let line =
            text.lines().find(|line| line.trim_start().starts_with(word)).unwrap_or_else(|| panic!("{text}"));
        line.split_whitespace().last().unwrap().to_owned()
    };
    Measured { per_second: after("Requests/sec:").parse().unwrap(), p99_ms: milliseconds(&after("99%")) }
}

fn milliseconds(text: &str) -> f64 {
    for (unit, factor) in [("us", 0.001), ("ms", 1.0), ("s", 1000.0)] {
        if let Some(number) = text.strip_suffix(unit) {
            return number.parse::<f64>().unwrap() * factor;
        }
    }
    panic!("{text}")
}

struct Nginx {
    child: Child,
    address: SocketAddr,
}

impl Nginx {
    /// With two workers, connections kept alive, and its cache of open files, as one would set it up
    /// for files that are polled.
    fn start(site: &Site) -> Nginx {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let folder = site.path("nginx");
        std::fs::create_dir_all(&folder).unwrap();
        let at = |name: &str| folder.join(name).display().to_string();
        let config = format!(
            "worker_processes 2; daemon off; pid {pid}; error_log {log};\n\
             events {{ worker_connections 1024; }}\n\
             http {{ access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000000;\n\
             client_body_temp_path {body}; proxy_temp_path {proxy}; fastcgi_temp_path {fast};\n\
             uwsgi_temp_path {uwsgi}; scgi_temp_path {scgi};\n\
             open_file_cache max=1000 inactive=60s; open_file_cache_valid 1s;\n\
             server {{ listen {address}; root {root}; }} }}\n",
            pid = at("pid"),
            log = at("error.log"),
            body = at("body"),
            proxy = at("proxy"),
            fast = at("fast"),
            uwsgi = at("uwsgi"),
            scgi = at("scgi"),
            root = readable(&site.path("repo")),
        );
        std::fs::write(folder.join("nginx.conf"), config).unwrap();
        let child = Command::new("/usr/sbin/nginx")
            .args(["-c", &at("nginx.conf"), "-p", &folder.display().to_string()])
            .spawn()
            .unwrap();
        let nginx = Nginx { child, address };
        while std::net::TcpStream::connect(address).is_err() {
            std::thread::yield_now();
        }
        nginx
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // Its master ends its workers when it is asked to.
        let pid = rustix::process::Pid::from_child(&self.child);
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        let _ = self.child.wait();
    }
}

/// nginx's workers are another user, and temporary folders are closed to others.
fn readable(repo: &Path) -> String {
    use std::os::unix::fs::PermissionsExt;
    let parent = repo.parent().unwrap();
    std::fs::set_permissions(parent, std::fs::Permissions::from_mode(0o755)).unwrap();
    repo.display().to_string()
}
