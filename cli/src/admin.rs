//! `toneup admin`: commands that need the server's signing key.

use anyhow::{Context, ensure};
use clap::{Args, Subcommand};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use toneup_operate::token::{LONGEST, is_name, sign};
use toneup_platform::config::{Section, Settings};

use crate::draw;
use crate::exit::{self, Ending};
use crate::output::Output;

/// Issue tokens for operators
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub(crate) struct AdminArgs {
    #[command(subcommand)]
    command: AdminCommand,
}

#[derive(Debug, Subcommand)]
enum AdminCommand {
    Token(TokenArgs),
}

/// Issue an operator's token for the dashboard and the `/admin` calls, signed with `JWT_SECRET`
///
/// It cannot be revoked before it expires, except by changing `JWT_SECRET`: keep its lifetime short.
#[derive(Debug, Args)]
#[command(after_help = HELP)]
struct TokenArgs {
    /// Name of the operator, as recorded in the audit log
    #[arg(long)]
    name: String,
    /// Lifetime of the token, at most 24h
    #[arg(long, default_value = "1h", value_parser = humantime::parse_duration)]
    ttl: std::time::Duration,
}

const HELP: &str = exit::help!(
    "JWT_SECRET=… toneup admin token --name dana",
    "toneup admin token --name night-shift --ttl 8h",
);

/// Signing key, from the environment.
#[derive(Debug, Deserialize)]
struct Key {
    /// Signs operators' access tokens.
    jwt_secret: SecretString,
}

impl Section for Key {
    const SECRETS: &'static [&'static str] = &["JWT_SECRET"];
}

/// Runs `toneup admin` with these arguments.
pub(crate) fn run(args: AdminArgs, output: &Output) -> anyhow::Result<Ending> {
    let AdminCommand::Token(TokenArgs { name, ttl }) = args.command;
    ensure!(is_name(&name), "--name: expected up to 60 letters, digits and any of . _ -");
    ensure!(ttl <= LONGEST && !ttl.is_zero(), "--ttl: expected at most 24h");
    let Key { jwt_secret } = Settings::from_env().section()?;
    ensure!(jwt_secret.expose_secret().len() >= 32, "JWT_SECRET: expected at least 32 bytes");
    let now = OffsetDateTime::now_utc();
    let token = sign(&jwt_secret, &name, ttl, now).context("signing the token")?;
    let until = now + ttl;
    output.note(&format!("{name} is an operator until {} UTC", draw::moment(until)));
    let expires_at = until.format(&Rfc3339).context("writing the time")?;
    let document = json!({ "token": token, "name": name, "expiresAt": expires_at });
    output.answer(&document, |_| token.clone())?;
    Ok(Ending::Done)
}
