//! `key`: makes, lists and exchanges keys.

use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, Subcommand, ValueEnum};
use rand::rand_core::UnwrapErr;
use rand::rngs::SysRng;

use super::change::{Apply, Proposing, Sign, conclude};
use super::signing::{Signing, public_key};
use super::terms::TermsArguments;
use crate::keys::{KeyFolder, KeyId, Signer};
use crate::repository::key_change::KeyRole;
use crate::repository::{KeyChange, Repository, State};

/// Makes, lists and exchanges keys.
#[derive(Debug, Subcommand)]
pub(super) enum Key {
    /// Makes a key: NAME.pem with the secret, NAME.pub for everybody.
    New(New),
    /// Lists the keys of a folder.
    List(List),
    /// Puts a new key in the place of one that is still good.
    Rotate(Rotate),
    /// Takes away the task of a key that is lost or stolen.
    Revoke(Revoke),
    /// A change of keys that several people sign, one after another, on machines of their own.
    #[command(subcommand)]
    Ceremony(Ceremony),
}

#[derive(Debug, Subcommand)]
pub(super) enum Ceremony {
    /// Writes the file that travels; with no change of keys it renews root for another year.
    Start(Start),
    /// Shows what the file says, and signs it.
    Sign(Sign),
    /// Puts the change in place when everyone has signed.
    Finish(Apply),
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Role {
    Root,
    Targets,
    Online,
}

impl From<Role> for KeyRole {
    fn from(role: Role) -> Self {
        match role {
            Role::Root => KeyRole::Root,
            Role::Targets => KeyRole::Targets,
            Role::Online => KeyRole::Online,
        }
    }
}

impl Key {
    pub(super) fn run(self) -> anyhow::Result<()> {
        match self {
            Key::New(command) => command.run(),
            Key::List(command) => command.run(),
            Key::Rotate(command) => command.run(),
            Key::Revoke(command) => command.run(),
            Key::Ceremony(Ceremony::Start(command)) => command.run(),
            Key::Ceremony(Ceremony::Sign(command)) => command.run(),
            Key::Ceremony(Ceremony::Finish(command)) => command.run(),
        }
    }
}

#[derive(Debug, Args)]
pub(super) struct New {
    /// The key's name
    name: String,
    /// The folder of keys
    #[arg(long, value_name = "KEYDIR")]
    keys: PathBuf,
    /// The passphrase's file; else LINESIDE_OTA_PASSPHRASE, else you are asked
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

impl New {
    fn run(self) -> anyhow::Result<()> {
        let asker = crate::keys::passphrase::Asker::from_process(self.passphrase_file);
        let key = KeyFolder::new(&self.keys).create(&self.name, &asker, &mut UnwrapErr(SysRng))?;
        say!("{}: key {}", key.path().display(), key.public().id());
        Ok(())
    }
}

#[derive(Debug, Args)]
pub(super) struct List {
    /// The folder of keys
    #[arg(long, value_name = "KEYDIR")]
    keys: PathBuf,
}

impl List {
    fn run(self) -> anyhow::Result<()> {
        for key in KeyFolder::new(&self.keys).keys()? {
            let secret = if key.secret.is_some() { "" } else { "  (public half only)" };
            say!("{}  {}{secret}", key.public.id(), key.name);
        }
        Ok(())
    }
}

/// What each change of keys needs.
#[derive(Debug, Args)]
struct Common {
    /// The repository
    #[arg(long, value_name = "DIR")]
    repo: PathBuf,
    #[command(flatten)]
    signing: Signing,
    #[command(flatten)]
    terms: TermsArguments,
}

impl Common {
    /// Prepares the change and signs it here, or writes it down for others.
    fn run(&self, keys: &KeyChange, proposing: &Proposing) -> anyhow::Result<()> {
        let repository = Repository::at(&self.repo);
        let terms = self.terms.now();
        let mut change = repository.propose_keys(keys, &terms)?;
        self.signing.name_keys(&mut change)?;
        let lines = change.describe();
        let stolen: Vec<KeyId> = match keys.is_stolen {
            true => keys.remove.iter().map(|(_, id)| id.clone()).collect(),
            false => Vec::new(),
        };
        if conclude(&repository, change, &self.signing, proposing, &stolen, &terms)? {
            say!("{}", lines.join("\n"));
        }
        Ok(())
    }

    fn state(&self) -> anyhow::Result<State> {
        Ok(Repository::at(&self.repo).state()?)
    }
}

#[derive(Debug, Args)]
pub(super) struct Rotate {
    /// The key's task
    #[arg(long)]
    role: Role,
    /// The old key: its `.pub` file, or the beginning of its id
    #[arg(long, value_name = "KEYID")]
    old: String,
    /// The new key: its `.pub` file, or 64 hexadecimal digits
    #[arg(long, value_name = "PUB")]
    new: String,
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    proposing: Proposing,
}

impl Rotate {
    fn run(self) -> anyhow::Result<()> {
        let role = KeyRole::from(self.role);
        let keys = KeyChange {
            add: vec![(role, public_key(&self.new)?)],
            remove: vec![(role, find(&self.common.state()?, role, &self.old)?)],
            ..KeyChange::default()
        };
        self.common.run(&keys, &self.proposing)
    }
}

#[derive(Debug, Args)]
pub(super) struct Revoke {
    /// The key's task
    #[arg(long)]
    role: Role,
    /// The key: its `.pub` file, or the beginning of its id
    #[arg(long, value_name = "KEYID")]
    old: String,
    /// A new key in its place: its `.pub` file, or 64 hexadecimal digits
    #[arg(long, value_name = "PUB")]
    new: Option<String>,
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    proposing: Proposing,
}

impl Revoke {
    fn run(self) -> anyhow::Result<()> {
        let role = KeyRole::from(self.role);
        let new = self.new.as_deref().map(public_key).transpose()?;
        let keys = KeyChange {
            add: new.map(|key| (role, key)).into_iter().collect(),
            remove: vec![(role, find(&self.common.state()?, role, &self.old)?)],
            threshold: Vec::new(),
            is_stolen: true,
        };
        self.common.run(&keys, &self.proposing)
    }
}

#[derive(Debug, Args)]
pub(super) struct Start {
    /// The file that travels
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// A key that gets a task, such as `root=dora.pub`; may be given several times
    #[arg(long, value_name = "ROLE=PUB", value_parser = pair)]
    add: Vec<(Role, String)>,
    /// A key that loses its task, such as `root=9f86d081`; may be given several times
    #[arg(long, value_name = "ROLE=KEYID", value_parser = pair)]
    remove: Vec<(Role, String)>,
    /// How many keys of a task must sign from now on, such as `root=2`
    #[arg(long, value_name = "ROLE=N", value_parser = pair)]
    threshold: Vec<(Role, String)>,
    /// The removed keys are in wrong hands: they bridge nothing, and rollouts begin anew
    #[arg(long)]
    stolen: bool,
    #[command(flatten)]
    common: Common,
}

impl Start {
    fn run(self) -> anyhow::Result<()> {
        let state = self.common.state()?;
        let mut keys = KeyChange { is_stolen: self.stolen, ..KeyChange::default() };
        for (role, text) in &self.add {
            keys.add.push(((*role).into(), public_key(text)?));
        }
        for (role, text) in &self.remove {
            keys.remove.push(((*role).into(), find(&state, (*role).into(), text)?));
        }
        for (role, text) in &self.threshold {
            let number = text.parse().with_context(|| format!("--threshold: `{text}` is no number"))?;
            keys.threshold.push(((*role).into(), number));
        }
        self.common.run(&keys, &Proposing { propose: Some(self.file.clone()) })
    }
}

fn pair(text: &str) -> Result<(Role, String), String> {
    let (role, value) = text.split_once('=').ok_or("must be ROLE=VALUE, such as `root=dora.pub`")?;
    Ok((Role::from_str(role, false)?, value.to_owned()))
}

/// The id of the key of `role` that people mean by `text`.
fn find(state: &State, role: KeyRole, text: &str) -> anyhow::Result<KeyId> {
    let ids = state.root.signed.role(role.name()).keyids;
    if let Ok(pem) = std::fs::read_to_string(text) {
        return Ok(crate::keys::PublicKey::from_pem(&pem)?.id());
    }
    let mut found = ids.iter().filter(|id| id.starts_with(text));
    match (found.next(), found.next()) {
        (Some(id), None) => Ok(id.clone()),
        (Some(_), Some(_)) => anyhow::bail!("`{text}` begins more than one key id; give more digits"),
        (None, _) => {
            let there: Vec<&str> = ids.iter().map(KeyId::as_str).collect();
            anyhow::bail!("`{text}` is no key of this task; there are: {}", there.join(", "))
        }
    }
}
