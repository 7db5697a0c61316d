//! The running agent's language models as programs ask for them: OpenAI's own client, and curl.
//!
//! The client needs a Python with what `tests/slm/requirements.txt` names, by `LINESIDE_SLM_PYTHON`.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use lineside::status::client;
use lineside_bundle::manifest::Task;
use lineside_random_models::{Made, Shape, Vocabulary};
use serde_json::{Value, json};
use system_tests::{agent, data, port, skipped, wait};

const TOKEN: &str = "0123456789abcdef0123456789abcdef";
/// Each message on a line of its own.
const CHAT: &str =
    "{% for message in messages %}{{ message.role }}: {{ message.content }}\n{% endfor %}assistant:";

/// An agent with a model that writes and one that reads, and a token.
struct Gateway {
    child: Child,
    page: SocketAddr,
    api: SocketAddr,
    folder: tempfile::TempDir,
}

impl Gateway {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (writer, reader) = models(folder.path());
        let (page, api) = (port::free(), port::free());
        fs::write(folder.path().join("token"), TOKEN).unwrap();
        let text = format!(
            "[gateway]\ndata_dir = '{data}'\n[mqtt]\nenabled = false\n[status]\nlisten = \"{page}\"\n\
             [slm.task.generate]\nmodel = '{writer}'\n[slm.task.summarize-incident]\nmodel = '{writer}'\n\
             [slm.task.embed]\nmodel = '{reader}'\n\
             [slm.api]\nenabled = true\nlisten = \"{api}\"\nsocket = '{socket}'\ntoken_file = '{token}'\n\
             [[device]]\nid = \"pump-1\"\nperiod = \"1s\"\n[device.source]\ntype = \"simulate\"\n\
             [[device.channel]]\nname = \"flow\"\n",
            data = folder.path().join("data").display(),
            writer = writer.display(),
            reader = reader.display(),
            socket = folder.path().join("api.sock").display(),
            token = folder.path().join("token").display(),
        );
        let config = folder.path().join("agent.toml");
        fs::write(&config, text).unwrap();
        let child = Command::new(agent::path())
            .args(["run", "--config"])
            .arg(&config)
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let gateway = Gateway { child, page, api, folder };
        wait::until("the agent to be ready", || client::get(page, "/readyz").is_ok_and(|a| a.status == 200));
        gateway
    }

    fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    fn url(&self) -> String {
        format!("http://{}", self.api)
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Writes a model that writes and one that reads.
fn models(folder: &Path) -> (PathBuf, PathBuf) {
    let (writer, reader) = (folder.join("writer"), folder.join("reader"));
    let mut made = Made::decoder(&Shape { context: 16_384, ..Shape::default() });
    made.name = "writer".into();
    made.tasks = vec![Task::Generate, Task::SummarizeIncident];
    made.chat_template = Some(CHAT.into());
    made.write(&writer).unwrap();
    let mut made = Made::encoder(&Vocabulary::default());
    made.name = "reader".into();
    made.write(&reader).unwrap();
    (writer, reader)
}

fn incident() -> Value {
    json!({
        "device": "pump-1",
        "evidence": {
            "onset": "2026-11-21T08:15:00.000Z", "duration_s": 30.0,
            "channels": [{"name": "flow", "unit": "l/min", "baseline": 40.0, "now": 12.5, "deviation": -27.5,
                          "deviates": true, "shape": "step", "onset": "2026-11-21T08:15:00.000Z", "order": 1}],
        },
    })
}

#[test]
fn openais_own_client_works_against_a_gateway() {
    let Some(python) = std::env::var_os("LINESIDE_SLM_PYTHON") else {
        return skipped("LINESIDE_SLM_PYTHON, a Python with what tests/slm/requirements.txt names");
    };
    let gateway = Gateway::start();
    let script = data::workspace().join("tests/interop/openai_client.py");
    let url = format!("{}/v1", gateway.url());
    let output = Command::new(python).arg(script).args([&url, TOKEN]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    // It went away from three answers: nobody writes on for it.
    let given_up = "lineside_slm_refused_total{task=\"generate\",model=\"writer\",reason=\"cancelled\"} 3";
    wait::until("what nobody waits for to be given up", || {
        client::get(gateway.page, "/metrics").is_ok_and(|answer| answer.body.contains(given_up))
    });
}

/// Runs curl; `None`, said aloud, where there is none.
fn curl(arguments: &[&str]) -> Option<(u16, String)> {
    // The status code comes behind the body.
    let ask = ["--silent", "--show-error", "--no-buffer", "--write-out", "\n%{http_code}"];
    let Ok(Output { status, stdout, stderr }) = Command::new("curl").args(ask).args(arguments).output()
    else {
        skipped("curl");
        return None;
    };
    assert!(status.success(), "{}", String::from_utf8_lossy(&stderr));
    let said = String::from_utf8(stdout).unwrap();
    let (body, code) = said.rsplit_once('\n').unwrap();
    Some((code.parse().unwrap(), body.to_owned()))
}

#[test]
fn curl_works_against_a_gateway() {
    let gateway = Gateway::start();
    let bearer = format!("Authorization: Bearer {TOKEN}");
    let at = |path: &str| format!("{}{path}", gateway.url());
    let Some((code, _)) = curl(&[&at("/v1/models")]) else { return };
    assert_eq!(code, 401, "without the token");

    let ask = json!({"model": "writer", "prompt": "once", "max_tokens": 5, "stream": true}).to_string();
    let (code, body) = curl(&[&at("/v1/completions"), "-H", &bearer, "-d", &ask]).unwrap();
    assert_eq!(code, 200, "{body}");
    assert!(body.starts_with("data: {") && body.ends_with("data: [DONE]\n\n"), "{body}");

    let socket = gateway.path("api.sock");
    let socket = socket.to_str().unwrap();
    let (code, body) = curl(&["--unix-socket", socket, "http://gateway/v1/models"]).unwrap();
    let listed: Value = serde_json::from_str(&body).unwrap();
    let names: Vec<&str> =
        listed["data"].as_array().unwrap().iter().filter_map(|m| m["id"].as_str()).collect();
    assert_eq!((code, names.len()), (200, 3), "the socket's file is its lock: {names:?}");
    assert!(names.contains(&"incident"), "the built-in model is one of them: {names:?}");

    let ask = json!({"incident": incident()}).to_string();
    let (code, body) = curl(&[&at("/v1/summarize"), "-H", &bearer, "-d", &ask]).unwrap();
    let answer: Value = serde_json::from_str(&body).unwrap();
    // Random weights say nothing that agrees with the evidence.
    assert_eq!((code, &answer["summary_by"]), (200, &json!("rules")), "{body}");
    assert!(answer["summary"].as_str().unwrap().contains("12.5"), "{body}");
}

/// Runs a command of ours and returns what it prints.
fn lineside(arguments: &[&str], input: &str) -> String {
    use std::io::Write;
    let mut child = Command::new(agent::path())
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_running_agent_reports_over_its_api() {
    let gateway = Gateway::start();
    let config = gateway.path("agent.toml");
    let config = config.to_str().unwrap();
    let said = lineside(&["report", "--since", "1h", "--config", config, "--json"], "");
    let report: Value = serde_json::from_str(&said).unwrap();
    assert_eq!((&report["incidents"], &report["report_by"]), (&json!([]), &json!("rules")), "{report}");
    let said = lineside(&["report", "--since", "1h", "--config", config], "");
    assert_eq!(said.trim_end(), report["report"].as_str().unwrap());
}

#[test]
fn models_work_from_the_command_line_without_an_agent() {
    let folder = tempfile::tempdir().unwrap();
    let (writer, reader) = models(folder.path());
    let (writer, reader) = (writer.to_str().unwrap(), reader.to_str().unwrap());

    let ask = ["generate", "--model", writer, "--max-tokens", "8", "--prompt"];
    let given = lineside(&[&ask[..], &["once"]].concat(), "");
    assert_eq!(
        lineside(&[&ask[..], &["-"]].concat(), "once"),
        given,
        "a prompt is read from the standard input"
    );
    assert!(given.len() > 1 && given.ends_with('\n'), "{given:?}");

    let schema = folder.path().join("schema.json");
    fs::write(&schema, json!({"enum": ["ok", "bad"]}).to_string()).unwrap();
    let schema = schema.to_str().unwrap();
    let answer = ["generate", "--model", writer, "--chat", "--json-schema", schema, "--temperature", "1"];
    let said: Value = serde_json::from_str(&lineside(&answer, "well?")).unwrap();
    assert!(said == "ok" || said == "bad", "{said}");

    let words = lineside(&["summarize", "--model", writer], &incident().to_string());
    assert!(words.contains("12.5"), "{words}");

    let labels = folder.path().join("labels");
    let classifier = Made::classifier(&Vocabulary::default(), &["leak", "wear"]);
    classifier.write(&labels).unwrap();
    let ask = ["classify", "--model", labels.to_str().unwrap(), "--text", "a leak", "--json"];
    let class: Value = serde_json::from_str(&lineside(&ask, "")).unwrap();
    assert_eq!(class["scores"].as_array().unwrap().len(), 2, "{class}");

    for model in [writer, reader] {
        let said = lineside(&["bench", "slm", model, "--runs", "1", "--json"], "");
        let figures: Value = serde_json::from_str(&said).unwrap();
        assert!(
            figures["load_ms"].as_f64() > Some(0.0) && figures["steps"][0]["p50_ms"].as_f64() > Some(0.0)
        );
    }
}
