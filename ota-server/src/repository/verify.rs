//! Looks at everything: signatures, pins, expiries, and every file that is named.

use std::fmt;

use jiff::Timestamp;

use super::state::{State, latest_root, root_name, signed};
use super::{Repository, RepositoryError, store};
use crate::tuf::{Envelope, Role, Root, time};

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Each role with its version and expiry.
    pub roles: Vec<(String, u64, Timestamp)>,
    /// How many target files there are.
    pub files: usize,
    /// How many bytes they are together.
    pub bytes: u64,
    /// The roles that have expired.
    pub expired: Vec<String>,
}

impl Repository {
    /// Checks the repository as a device would, from the root in `trusted` or else the first one, and
    /// besides every target file. That something has expired is in the report.
    ///
    /// # Errors
    /// Names the first file that is missing, damaged or not signed to its threshold.
    pub fn verify(&self, trusted: Option<&[u8]>, now: Timestamp) -> Result<Report, RepositoryError> {
        let latest = latest_root(&self.folder)?;
        let mut root = self.trusted_root(trusted)?;
        for version in root.signed.version + 1..=latest {
            let file = self.folder.join(store::METADATA).join(root_name(version));
            let next = parse_root(&file)?;
            if next.signed.version != version {
                let problem = format!("says version {}", next.signed.version);
                return Err(RepositoryError::Untrusted { file, problem });
            }
            signed(&file, &next, &root.signed.keys, &root.signed.role("root"))?;
            signed(&file, &next, &next.signed.keys, &next.signed.role("root"))?;
            root = next;
        }
        let state = State::load(&self.folder, None)?;
        let mut roles = vec![
            row("root", &state.root.signed),
            row("timestamp", &state.timestamp.signed),
            row("snapshot", &state.snapshot.signed),
            row("targets", &state.targets.signed),
        ];
        roles.extend(state.roles.iter().map(|(name, role)| row(name, &role.signed)));
        let mut bytes = 0;
        for (path, file) in state.files() {
            let place = self.folder.join(store::target_path(&path, file.sha256()));
            if !file.is(&store::read(&place)?) {
                let problem = "is not the file that was signed; copy it here again".to_owned();
                return Err(RepositoryError::Untrusted { file: place, problem });
            }
            bytes += file.length;
        }
        let expired = roles.iter().filter(|(.., end)| *end <= now).map(|(name, ..)| name.clone()).collect();
        Ok(Report { roles, files: state.files().len(), bytes, expired })
    }

    fn trusted_root(&self, trusted: Option<&[u8]>) -> Result<Envelope<Root>, RepositoryError> {
        let Some(bytes) = trusted else {
            return parse_root(&self.folder.join(store::METADATA).join(root_name(1)));
        };
        let root: Envelope<Root> = Envelope::parse(bytes)?;
        let file = self.folder.join(store::METADATA).join(root_name(root.signed.version));
        if parse_root(&file)?.signed == root.signed {
            return Ok(root);
        }
        let problem = "is not the root that you trust: this is another repository".to_owned();
        Err(RepositoryError::Untrusted { file, problem })
    }
}

fn parse_root(file: &std::path::Path) -> Result<Envelope<Root>, RepositoryError> {
    let failed = |cause| RepositoryError::Metadata { file: file.to_owned(), cause };
    let root: Envelope<Root> = Envelope::parse(&store::read(file)?).map_err(failed)?;
    signed(file, &root, &root.signed.keys, &root.signed.role("root"))?;
    Ok(root)
}

fn row<T: Role>(name: &str, role: &T) -> (String, u64, Timestamp) {
    (name.to_owned(), role.version(), role.expires())
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, version, expires) in &self.roles {
            let mark = if self.expired.contains(name) { "  EXPIRED" } else { "" };
            writeln!(f, "{name} version {version} until {}{mark}", time::text(*expires))?;
        }
        write!(f, "{} files, {} bytes, all as signed", self.files, self.bytes)
    }
}
