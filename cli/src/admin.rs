//! `toneup admin`: operators' tokens, made and revoked.

use std::time::Duration;

use anyhow::{Context, ensure};
use clap::{Args, Subcommand};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use toneup_operate::revocations;
use toneup_operate::token::{LONGEST, is_name, sign};
use toneup_platform::config::{Section, Settings};
use toneup_platform::database::Database;

use crate::database;
use crate::draw;
use crate::exit::{self, Ending};
use crate::output::Output;
use crate::snapshot::Acting;

/// Issue and revoke tokens of operators
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub(crate) struct AdminArgs {
    #[command(subcommand)]
    command: AdminCommand,
}

#[derive(Debug, Subcommand)]
enum AdminCommand {
    Token(TokenArgs),
    Revoke(RevokeArgs),
}

/// Issue an operator's token for the dashboard and the `/admin` calls, signed with `OPERATOR_SECRET`
#[derive(Debug, Args)]
#[command(after_help = HELP)]
struct TokenArgs {
    /// Name of the operator, as recorded in the audit log
    #[arg(long)]
    name: String,
    /// Lifetime of the token, at most 24h
    #[arg(long, default_value = "1h", value_parser = humantime::parse_duration)]
    ttl: Duration,
}

/// Revoke all tokens that an operator holds
///
/// Every replica refuses them within seconds. Tokens made afterwards are good.
#[derive(Debug, Args)]
#[command(after_help = HELP)]
struct RevokeArgs {
    /// Name of the operator whose tokens are revoked
    #[arg(long)]
    name: String,
    #[command(flatten)]
    acting: Acting,
}

const HELP: &str = exit::help!(
    "OPERATOR_SECRET=… toneup admin token --name dana",
    "toneup admin token --name night-shift --ttl 8h",
    "toneup admin revoke --name night-shift --as dana",
);

const NAME: &str = "--name: expected up to 60 letters, digits and any of . _ -";

/// Signing key, from the environment.
#[derive(Debug, Deserialize)]
struct Key {
    /// Signs operators' access tokens, and nothing else; at least 32 bytes.
    operator_secret: SecretString,
}

impl Section for Key {
    const SECRETS: &'static [&'static str] = &["OPERATOR_SECRET"];
}

/// Runs `toneup admin` with these arguments.
pub(crate) async fn run(args: AdminArgs, output: &Output) -> anyhow::Result<Ending> {
    match args.command {
        AdminCommand::Token(args) => issue(args, output),
        AdminCommand::Revoke(args) => revoke(args, output).await,
    }
}

async fn revoke(
    RevokeArgs { name, acting }: RevokeArgs,
    output: &Output,
) -> anyhow::Result<Ending> {
    ensure!(is_name(&name), NAME);
    let pool = database::connect(Duration::ZERO, output).await?;
    let revoked = revocations::revoke(&Database::from(pool), acting.actor(), &name).await;
    revoked.map_err(database::explain)?;
    output.answer(&json!({ "revoked": name }), |_| format!("{name} holds no token any more"))?;
    Ok(Ending::Done)
}

fn issue(TokenArgs { name, ttl }: TokenArgs, output: &Output) -> anyhow::Result<Ending> {
    ensure!(is_name(&name), NAME);
    ensure!(ttl <= LONGEST && !ttl.is_zero(), "--ttl: expected at most 24h");
    let Key { operator_secret } = Settings::from_env().section()?;
    let length = operator_secret.expose_secret().len();
    ensure!(length >= 32, "OPERATOR_SECRET: expected at least 32 bytes");
    let now = OffsetDateTime::now_utc();
    let token = sign(&operator_secret, &name, ttl, now).context("signing the token")?;
    let until = now + ttl;
    output.note(&format!("{name} is an operator until {} UTC", draw::moment(until)));
    let expires_at = until.format(&Rfc3339).context("writing the time")?;
    let document = json!({ "token": token, "name": name, "expiresAt": expires_at });
    output.answer(&document, |_| token.clone())?;
    Ok(Ending::Done)
}
