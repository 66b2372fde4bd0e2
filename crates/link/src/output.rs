//! The files that a run writes: each apart from all others, and each whole or not at all.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::{LinkError, Options};

/// Refuses a run that would write over what it reads, or over what it wrote, or that could not write in the end.
pub(crate) fn check(options: &Options) -> Result<(), LinkError> {
    let mut known: Vec<(PathBuf, &'static str)> = Vec::new();
    known.extend(options.inputs.iter().map(|path| (real(path), "--input")));
    known.extend(options.model.iter().map(|path| (real(path), "--model")));
    let output = Some(&options.output);
    let others = [
        (options.save_model.as_ref(), "--save-model"),
        (options.pairs.as_ref(), "--pairs"),
        (options.svg.as_ref(), "--svg"),
    ];
    for (path, second) in [(output, "--output")].into_iter().chain(others) {
        let Some(path) = path else { continue };
        let real = real(path);
        if is_device(&real) {
            continue;
        }
        if let Some((_, first)) = known.iter().find(|(other, _)| *other == real) {
            return Err(LinkError::SameFile { path: path.clone(), first, second });
        }
        try_beside(&real).map_err(|reason| LinkError::File { path: path.clone(), reason })?;
        known.push((real, second));
    }
    Ok(())
}

/// Writes a file beside the one that is meant and puts it in its place when it is whole.
pub(crate) fn write(path: &Path, content: &[u8]) -> Result<(), LinkError> {
    place(&real(path), content).map_err(|reason| LinkError::File { path: path.to_owned(), reason })
}

/// Where a file is written before it takes its place.
fn beside(target: &Path) -> PathBuf {
    let mut name = target.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.part", std::process::id()));
    target.with_file_name(name)
}

/// Whether a file can be written there at all: a long run must not find out at its end.
fn try_beside(target: &Path) -> io::Result<()> {
    let beside = beside(target);
    fs::File::create(&beside)?;
    fs::remove_file(&beside)
}

fn place(target: &Path, content: &[u8]) -> io::Result<()> {
    if is_device(target) {
        return fs::write(target, content);
    }
    let beside = beside(target);
    let written = fill(&beside, target, content).and_then(|()| fs::rename(&beside, target));
    if written.is_err() {
        // Why it was not written says more than why it cannot be removed.
        let _ = fs::remove_file(&beside);
    }
    written
}

fn fill(beside: &Path, target: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = fs::File::create(beside)?;
    // Who may read the old file may read the new one, and nobody else.
    if let Ok(before) = fs::metadata(target) {
        file.set_permissions(before.permissions())?;
    }
    file.write_all(content)?;
    file.sync_all()
}

/// A terminal, a pipe or the like is written to, not replaced; a folder refuses.
fn is_device(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| !found.is_file())
}

/// The path without links and dots, also of a file that is not there yet.
fn real(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let of_folder = || Some(absolute.parent()?.canonicalize().ok()?.join(absolute.file_name()?));
    absolute.canonicalize().ok().or_else(of_folder).unwrap_or(absolute)
}
