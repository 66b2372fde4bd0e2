//! `isthmus feed check`.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use connector::{Feed, Profile, Trial, TrialLimits, try_out, unpacked};

use crate::feed::CheckArgs;
use crate::feed::show::{failures, samples};
use crate::hub::{ALL_SERVICES, declared, feeds, now};

/// The profile, or the file as a whole, cannot be used.
const UNUSABLE: u8 = 2;

pub(super) async fn run(args: &CheckArgs) -> anyhow::Result<ExitCode> {
    match checked(args).await {
        Ok(code) => Ok(code),
        Err(error) => {
            if args.json {
                println!("{}", serde_json::json!({ "sound": false, "error": format!("{error:#}") }));
            } else {
                eprintln!("isthmus: {error:#}");
            }
            Ok(ExitCode::from(UNUSABLE))
        }
    }
}

async fn checked(args: &CheckArgs) -> anyhow::Result<ExitCode> {
    let shown = args.profile.display().to_string();
    let feed = feed_of(args, &shown)?;
    let profile = feed.profile();
    let version = profile.version_name();
    let Some(file) = &args.file else {
        if args.json {
            println!("{}", serde_json::json!({ "feed": profile.feed, "version": version, "sound": true }));
        } else {
            println!("{shown}: the profile of feed {} is sound (version {version}).", profile.feed);
        }
        return Ok(ExitCode::SUCCESS);
    };
    let scratch = tempfile::tempdir().context("there is no room for a temporary file")?;
    let stored = unpacked(profile, file, scratch.path()).await.with_context(|| format!("{}", file.display()))?;
    let limits = TrialLimits { samples: args.rows, complaints: args.complaints };
    let trial = try_out(&*feed, &stored.path, now(), limits).with_context(|| format!("{}", file.display()))?;
    if args.json {
        let document = serde_json::json!({ "feed": profile.feed, "version": version, "sound": true, "trial": trial });
        println!("{}", serde_json::to_string_pretty(&document)?);
    } else {
        print(&trial, &format!("{} (version {version})", profile.feed));
    }
    Ok(if trial.quarantined == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The feed of a profile's file, or the built-in feed of this name.
fn feed_of(args: &CheckArgs, shown: &str) -> anyhow::Result<Arc<dyn Feed>> {
    if !args.profile.exists() {
        let built_in = feeds(&ALL_SERVICES, None)?.into_iter().find(|feed| feed.id().as_str() == shown);
        return built_in.with_context(|| format!("there is no file {shown}, and no built-in feed of this name"));
    }
    let text = std::fs::read_to_string(&args.profile).with_context(|| format!("the profile {shown} cannot be read"))?;
    declared(Profile::parse(shown, &text)?)
}

fn print(trial: &Trial, feed: &str) {
    print!("{}", samples(&trial.samples));
    print!("{}", failures(trial));
    for notice in &trial.notices {
        println!("notice {}: {}", notice.code, notice.message);
    }
    let events: Vec<String> = trial.events.iter().map(|(name, count)| format!("{count} {name}")).collect();
    println!(
        "{feed}: {} rows = {} usable + {} to quarantine; events: {}.",
        trial.rows,
        trial.usable,
        trial.quarantined,
        if events.is_empty() { "none".to_owned() } else { events.join(", ") }
    );
}
