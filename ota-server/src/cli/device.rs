//! `lineside-ota device`.

use clap::{Args, Subcommand};
use serde_json::json;

use super::client::ServerArgs;
use super::screen;
use crate::db::devices;

/// The arguments of `device`.
#[derive(Args, Clone, Debug)]
pub struct Device {
    #[command(flatten)]
    server: ServerArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Clone, Debug)]
enum Command {
    /// Enrolment tokens
    #[command(subcommand)]
    Token(TokenCommand),
    /// The enrolled devices
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Take a device's enrolment away: its reports are no longer taken
    Remove {
        /// The device, such as `site/gateway`
        device: String,
    },
}

#[derive(Subcommand, Clone, Debug)]
enum TokenCommand {
    /// Make a one-time token and print it; it is shown only here
    New {
        /// The one device that it is for; such a token may replace that device's key
        #[arg(long)]
        device: Option<String>,
        /// What it is for, for the audit log
        #[arg(long, default_value = "")]
        note: String,
        /// Hours in which it works
        #[arg(long, default_value_t = 24)]
        valid_hours: u32,
    },
}

impl Device {
    pub(super) fn run(self) -> anyhow::Result<()> {
        run(&self)
    }
}

fn run(args: &Device) -> anyhow::Result<()> {
    let client = args.server.client()?;
    match &args.command {
        Command::Token(TokenCommand::New { device, note, valid_hours }) => {
            let wanted =
                json!({"device": device.as_deref().unwrap_or(""), "note": note, "valid_hours": valid_hours});
            let made = client.post("/v1/tokens", &wanted)?;
            screen::line(made["token"].as_str().unwrap_or_default());
        }
        Command::List { json: true } => screen::json(&client.get("/v1/devices")?),
        Command::List { json: false } => {
            let devices: Vec<devices::Device> = serde_json::from_value(client.get("/v1/devices")?)?;
            let mut rows =
                vec![["DEVICE", "GROUP", "AGENT", "ARCH", "LAST REPORT", "TAGS"].map(str::to_owned)];
            rows.extend(devices.iter().map(row));
            screen::table(&rows);
        }
        Command::Remove { device } => {
            client.delete(&format!("/v1/devices/{device}"))?;
        }
    }
    Ok(())
}

fn row(device: &devices::Device) -> [String; 6] {
    let tags: Vec<String> = device.tags.iter().map(|(tag, value)| format!("{tag}={value}")).collect();
    let reported = match jiff::Timestamp::from_millisecond(device.reported) {
        Ok(at) if device.reported > 0 => at.to_string(),
        _ => "never".to_owned(),
    };
    [
        device.device.clone(),
        device.group.clone(),
        device.agent.clone(),
        device.arch.clone(),
        reported,
        tags.join(" "),
    ]
}
