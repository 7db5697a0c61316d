//! Passwords from files, and warnings about secrets that others can read.
//!
//! A secret is never part of an error, a warning or a debug output.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::error::{ConfigError, Problem, Warning};
use super::tree::{Node, Step};
use super::{Config, SourceConfig, TlsConfig};

/// The permission that lets every user of the machine read a file.
const OTHERS_READ: u32 = 0o004;

/// Replaces each `password_file` by the password in it, and warns about secrets that others
/// can read and about certificates that are not there.
pub(super) fn read(config: &mut Config, root: &Node, file: &Path) -> (Vec<ConfigError>, Vec<Warning>) {
    let mut reader = Reader { root, file, errors: Vec::new(), warnings: Vec::new() };
    let mqtt = &mut config.mqtt;
    reader.password(&["mqtt".into()], &mut mqtt.password, mqtt.password_file.as_deref());
    reader.tls(&["mqtt".into()], mqtt.tls.as_ref());
    let slm = &config.slm;
    reader.token(&["slm".into(), "escalation".into()], slm.escalation.token_file.as_deref());
    if slm.api.enabled {
        reader.token(&["slm".into(), "api".into()], slm.api.token_file.as_deref());
    }
    for (index, device) in config.devices.iter_mut().enumerate() {
        if let SourceConfig::Mqtt(source) = &mut device.source {
            let at = ["device".into(), index.into(), "source".into()];
            reader.password(&at, &mut source.password, source.password_file.as_deref());
            reader.tls(&at, source.tls.as_ref());
        }
    }
    (reader.errors, reader.warnings)
}

struct Reader<'a> {
    root: &'a Node,
    file: &'a Path,
    errors: Vec<ConfigError>,
    warnings: Vec<Warning>,
}

impl Reader<'_> {
    fn password(&mut self, at: &[Step<'_>], password: &mut Option<String>, file: Option<&Path>) {
        let Some(file) = file else {
            if password.is_some() {
                self.inline(&[at, &["password".into()]].concat());
            }
            return;
        };
        let path = [at, &["password_file".into()]].concat();
        if let Some(line) = self.first_line(&path, file, "password") {
            *password = Some(line);
        }
    }

    /// A token is read again by whoever needs it; here it is only looked at.
    fn token(&mut self, at: &[Step<'_>], file: Option<&Path>) {
        if let Some(file) = file {
            self.first_line(&[at, &["token_file".into()]].concat(), file, "token");
        }
    }

    fn first_line(&mut self, path: &[Step<'_>], file: &Path, what: &str) -> Option<String> {
        let line = match first_line(file) {
            Ok(line) => line,
            Err(error) => {
                self.refuse(path, format!("`{}`: {error}", file.display()), "a readable text file");
                return None;
            }
        };
        if line.is_none() {
            let found = format!("`{}` without a first line", file.display());
            self.refuse(path, found, &format!("a file whose first line is the {what}"));
        }
        self.warn_if_others_read(path, file);
        line
    }

    fn refuse(&mut self, path: &[Step<'_>], found: String, expected: &str) {
        self.errors.push(ConfigError {
            place: self.root.place_of(path).clone(),
            key: self.root.describe(path),
            problem: Problem::Value { found, expected: expected.to_owned(), suggestion: None },
        });
    }

    fn warn(&mut self, path: &[Step<'_>], message: String) {
        let (place, key) = (self.root.place_of(path).clone(), self.root.describe(path));
        self.warnings.push(Warning { place, key, message });
    }

    /// A password in the file itself is as open as the file.
    fn inline(&mut self, path: &[Step<'_>]) {
        let in_file = matches!(self.root.place_of(path), super::Place::Line { .. });
        if in_file && mode(self.file).is_some_and(|mode| mode & OTHERS_READ != 0) {
            let name = self.file.display();
            self.warn(
                path,
                format!("other users can read this password: use `password_file`, or `chmod o-r {name}`"),
            );
        }
    }

    fn tls(&mut self, at: &[Step<'_>], tls: Option<&TlsConfig>) {
        let Some(tls) = tls else { return };
        let files = [
            ("ca_file", Some(&tls.ca_file)),
            ("cert_file", tls.cert_file.as_ref()),
            ("key_file", tls.key_file.as_ref()),
        ];
        for (key, file) in files {
            let Some(file) = file else { continue };
            let path = [at, &["tls".into(), key.into()]].concat();
            if !file.exists() {
                self.warn(&path, format!("`{}` does not exist", file.display()));
            } else if key == "key_file" {
                self.warn_if_others_read(&path, file);
            }
        }
    }

    fn warn_if_others_read(&mut self, path: &[Step<'_>], file: &Path) {
        if let Some(mode) = mode(file).filter(|mode| mode & OTHERS_READ != 0) {
            let name = file.display();
            self.warn(path, format!("other users can read `{name}` (mode {mode:03o}): `chmod o-r {name}`"));
        }
    }
}

/// The first line of a file; `None` where it is empty.
pub(crate) fn first_line(file: &Path) -> io::Result<Option<String>> {
    let text = fs::read_to_string(file)?;
    Ok(text.lines().next().map(str::trim_end).filter(|line| !line.is_empty()).map(str::to_owned))
}

/// The permission bits of a file.
fn mode(file: &Path) -> Option<u32> {
    fs::metadata(file).ok().map(|metadata| metadata.permissions().mode() & 0o777)
}
