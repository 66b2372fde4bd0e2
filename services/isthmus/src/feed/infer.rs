//! `isthmus feed infer`.

use std::io::Read;
use std::process::ExitCode;

use anyhow::{Context, ensure};
use connector::INFER_BYTES_MAX;
use domain::FeedId;

use crate::feed::InferArgs;

/// A workbook is read whole.
const WORKBOOK_BYTES_MAX: usize = 64 << 20;

pub(super) async fn run(args: &InferArgs) -> anyhow::Result<ExitCode> {
    let name = match &args.name {
        Some(name) => name.clone(),
        None => name_of(&args.file.file_name().unwrap_or_default().to_string_lossy()),
    };
    ensure!(FeedId::parse(&name).is_some(), "--name {name}: a feed's name has 2 to 64 characters of a-z, 0-9 and -");
    let shown = args.file.display();
    let mut file = std::fs::File::open(&args.file).with_context(|| format!("{shown} cannot be read"))?;
    let mut bytes = Vec::new();
    file.by_ref().take(WORKBOOK_BYTES_MAX as u64).read_to_end(&mut bytes)?;
    let (plain, member) = connector::unpacked_head(bytes).with_context(|| format!("{shown}"))?;
    let whole = plain.len() <= INFER_BYTES_MAX;
    let is_workbook = plain.starts_with(b"PK") || plain.starts_with(&[0xD0, 0xCF, 0x11, 0xE0]);
    let looked_at = if whole || is_workbook { &plain[..] } else { &plain[..INFER_BYTES_MAX] };
    let proposal = connector::infer(&name, looked_at, whole, member.as_deref()).with_context(|| format!("{shown}"))?;
    print!("{}", proposal.toml);
    eprintln!(
        "{} things are left to fill in or to look at; they stand at the head of the proposal.",
        proposal.left.len()
    );
    Ok(ExitCode::SUCCESS)
}

/// A feed's name made of a file's: what fits of it.
fn name_of(file: &str) -> String {
    let stem = file.split('.').next().unwrap_or_default().to_lowercase();
    let words: Vec<&str> = stem.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
    // Numbers in a file's name are days and counters, and may be somebody's.
    let words: Vec<&str> = words.into_iter().filter(|word| !word.starts_with(|c: char| c.is_ascii_digit())).collect();
    let name = words.join("-");
    if FeedId::parse(&name).is_some() { name } else { "new-feed".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_made_of_the_words_of_a_files_name_and_never_of_its_numbers() {
        assert_eq!(name_of("North_gates 20220301.csv.gz"), "north-gates");
        assert_eq!(name_of("11010519491231002X.csv"), "new-feed");
        assert_eq!(name_of("张伟.csv"), "new-feed");
    }
}
