//! A change in words, complete: whoever signs must see all that the signature covers.

use super::Change;
use crate::keys::KeyId;
use crate::repository::release::Release;
use crate::tuf::{Targets, time};

impl Change {
    /// All that the change says, one thing a line.
    #[must_use]
    pub fn describe(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if let Some(root) = &self.root {
            let root = &root.signed;
            lines.push(format!("root version {} until {}", root.version, time::text(root.expires)));
            for (role, keys) in &root.roles {
                lines.push(format!("  {role}: any {} of", keys.threshold));
                lines.extend(self.describe_keys(&keys.keyids));
            }
        }
        if let Some(targets) = &self.targets {
            lines.extend(self.describe_targets("targets", &targets.signed));
        }
        for (role, envelope) in &self.models {
            lines.extend(self.describe_targets(role, &envelope.signed));
        }
        if let Some(lease) = &self.lease {
            let lease = &lease.signed;
            let (as_of, expires) = (time::text(lease.as_of), time::text(lease.expires));
            lines.push(format!(
                "lease until {expires}: timestamp version {} is judged as of {as_of}",
                lease.timestamp.version
            ));
        }
        if self.drop_rollouts {
            lines.push("all rollouts end; start them again after checking them".into());
        }
        lines
    }

    fn describe_targets(&self, role: &str, targets: &Targets) -> Vec<String> {
        let mut lines =
            vec![format!("{role} version {} until {}", targets.version, time::text(targets.expires))];
        for delegated in targets.delegated() {
            let (name, paths) = (&delegated.name, delegated.paths.join(" "));
            lines.push(format!("  {name} for {paths}: any {} of", delegated.threshold));
            lines.extend(self.describe_keys(&delegated.keyids));
        }
        let releases = Release::all(targets);
        for (path, file) in &targets.targets {
            let release = releases.iter().find(|release| release.target == *path);
            let permit = match release.map_or(0, |release| release.info.permits_downgrade_from) {
                0 => String::new(),
                from => format!(", may replace releases up to {from}"),
            };
            lines.push(format!("  {path} sha256 {}{permit}", file.sha256()));
        }
        lines
    }

    /// Whole ids: a beginning can be imitated, and a name is only what the file's writer says.
    fn describe_keys(&self, ids: &[KeyId]) -> Vec<String> {
        let name = |id| self.names.get(id).map(|name| format!(" ({name})")).unwrap_or_default();
        ids.iter().map(|id| format!("    {id}{}", name(id))).collect()
    }
}
