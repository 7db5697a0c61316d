//! `lineside-ota rollout`.

mod create;
mod show;

use clap::{Args, Subcommand};
use serde_json::json;

use super::client::{Client, ServerArgs};
use super::screen;
use crate::rollouts::view::Summary;

/// The arguments of `rollout`.
#[derive(Args, Clone, Debug)]
pub struct Rollout {
    #[command(flatten)]
    server: ServerArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Clone, Debug)]
enum Command {
    /// Begin a rollout; it takes the place of the group's rollout of the same model
    Create(Box<create::CreateArgs>),
    /// All rollouts, newest first
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// A rollout and how its devices stand
    Show {
        /// The rollout
        id: String,
        /// The tag by whose values devices are counted
        #[arg(long, value_name = "TAG")]
        by: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Stop it for now: no device that has not begun begins, and none activates
    Pause(ActArgs),
    /// Go on after a pause; errors of before are not counted again
    Resume(ActArgs),
    /// Stop it for good
    Abort(ActArgs),
}

#[derive(Args, Clone, Debug)]
struct ActArgs {
    /// The rollout
    id: String,
    /// Why, for `show` and the audit log
    #[arg(long, default_value = "")]
    reason: String,
}

impl Rollout {
    pub(super) fn run(self) -> anyhow::Result<()> {
        run(&self)
    }
}

fn run(args: &Rollout) -> anyhow::Result<()> {
    let client = args.server.client()?;
    match &args.command {
        Command::Create(order) => {
            let made = client.post("/v1/rollouts", &serde_json::to_value(order.order()?)?)?;
            screen::line(made["id"].as_str().unwrap_or_default());
        }
        Command::List { json: true } => screen::json(&client.get("/v1/rollouts")?),
        Command::List { json: false } => list(&client)?,
        Command::Show { id, by, json } => {
            let query = by.as_ref().map(|tag| format!("?by={tag}")).unwrap_or_default();
            let shown = client.get(&format!("/v1/rollouts/{id}{query}"))?;
            if *json {
                screen::json(&shown);
            } else {
                show::print(&serde_json::from_value(shown)?);
            }
        }
        Command::Pause(act) => turn(&client, act, "pause")?,
        Command::Resume(act) => turn(&client, act, "resume")?,
        Command::Abort(act) => turn(&client, act, "abort")?,
    }
    Ok(())
}

fn turn(client: &Client, act: &ActArgs, action: &str) -> anyhow::Result<()> {
    client.post(&format!("/v1/rollouts/{}/{action}", act.id), &json!({"reason": act.reason}))?;
    Ok(())
}

fn list(client: &Client) -> anyhow::Result<()> {
    let rollouts: Vec<Summary> = serde_json::from_value(client.get("/v1/rollouts")?)?;
    let mut rows = vec![["ID", "GROUP", "MODEL", "RELEASE", "STATE", "REASON"].map(str::to_owned)];
    for rollout in rollouts {
        let state = if rollout.live { show::state(&rollout) } else { "replaced".to_owned() };
        rows.push([
            rollout.id,
            rollout.group,
            rollout.model,
            rollout.release.to_string(),
            state,
            rollout.reason,
        ]);
    }
    screen::table(&rows);
    Ok(())
}
