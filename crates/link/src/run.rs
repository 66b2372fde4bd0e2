//! One run: read, link, write.

use std::path::{Path, PathBuf};
use std::time::Instant;

use linkage::table::{Column, LinkOptions, RawColumn, Stage, Summary, Table, TableModel, TextPool, link_table};
use rayon::prelude::*;

use crate::LinkError;
use crate::cells::File;
use crate::report::LeftOut;
use crate::{csv, decode, explain, output, parquet, report, write};

/// What to link, and how.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The files. Records are linked within and across them.
    pub inputs: Vec<PathBuf>,
    /// The file of `record_id,cluster_id` to write.
    pub output: PathBuf,
    /// A model to use instead of training one.
    pub model: Option<PathBuf>,
    /// Where to write the model that was used.
    pub save_model: Option<PathBuf>,
    /// Probability from which on pairs are linked; without one the model chooses.
    pub threshold: Option<f64>,
    /// Two record ids whose pair is to be explained.
    pub explain: Option<(String, String)>,
    /// Where to write the explanation as a picture (SVG).
    pub svg: Option<PathBuf>,
    /// Where to write the weighed pairs.
    pub pairs: Option<PathBuf>,
    /// Leave out rows that cannot be used, instead of stopping.
    pub skip_bad_rows: bool,
    /// Seed of the samples that training draws.
    pub seed: u64,
}

/// What a run did.
#[derive(Debug)]
pub struct Outcome {
    /// What linkage did.
    pub summary: Summary,
    /// Rows left out.
    pub skipped_rows: u64,
    /// Seconds by stage, in order.
    pub seconds: Vec<(&'static str, f64)>,
    /// The summary as text.
    pub text: String,
}

/// The ids of the records in order, and where each stood.
pub(crate) struct Ids {
    pub(crate) pool: TextPool,
    /// Numbers in the pool, in order of the ids.
    pub(crate) order: Vec<u32>,
}

/// Links files. `progress` is told what is being done.
///
/// # Errors
/// When a file cannot be read or written, or what it holds cannot be used.
pub fn run(options: &Options, mut progress: impl FnMut(&str)) -> Result<Outcome, LinkError> {
    if options.inputs.len() > usize::from(u8::MAX) {
        return Err(LinkError::TooManyInputs(options.inputs.len()));
    }
    output::check(options)?;
    let mut clock = Clock::new();
    let mut files = Vec::new();
    clock.enter("read");
    for path in &options.inputs {
        progress(&format!("reading {}", path.display()));
        files.push(read_file(path)?);
    }
    progress("preparing the records");
    clock.enter("prepare");
    let formats = report::inputs(options, &files);
    let mut left_out = check_rows(options, &files)?;
    let (ids, inputs, columns) = merge(options, files, &mut left_out)?;
    let asked = options.explain.as_ref().map(|(a, b)| explain::find(&ids, (a, b))).transpose()?;
    let model = options.model.as_deref().map(read_model).transpose()?;
    let mut table = Table::new(columns, ids.order.len(), &inputs);
    let choices = LinkOptions { model: model.as_ref(), threshold: options.threshold, seed: options.seed };
    let linked = link_table(&mut table, choices, |stage| {
        let (name, words) = match stage {
            Stage::Rules => ("choose rules", "choosing blocking rules"),
            Stage::Blocks => ("block", "putting records into blocks"),
            Stage::Train => ("train", "estimating the model"),
            Stage::Weigh => ("weigh", "weighing pairs"),
            Stage::Cluster => ("cluster", "making clusters"),
        };
        clock.enter(name);
        progress(words);
    });
    clock.enter("write");
    progress("writing clusters");
    write::clusters(&options.output, &ids, &linked.clusters)?;
    if let Some(path) = &options.save_model {
        let text = linked.model.to_toml().map_err(|reason| LinkError::Model { path: path.clone(), reason })?;
        output::write(path, text.as_bytes())?;
    }
    if let Some(path) = &options.pairs {
        write::pairs(path, &ids, &table, &linked)?;
    }
    let explanation = match &asked {
        Some(asked) => {
            let pair = explain::pair(asked, &table, &linked);
            if let Some(path) = &options.svg {
                output::write(path, pair.svg().as_bytes())?;
            }
            pair.text()
        }
        None => String::new(),
    };
    let seconds = clock.finish();
    let text = report::text(&formats, &linked.summary, &left_out, &seconds) + &explanation;
    Ok(Outcome { summary: linked.summary, skipped_rows: left_out.rows, seconds, text })
}

fn read_model(path: &Path) -> Result<TableModel, LinkError> {
    let text = std::fs::read_to_string(path).map_err(|reason| LinkError::File { path: path.to_owned(), reason })?;
    TableModel::parse(&text).map_err(|reason| LinkError::Model { path: path.to_owned(), reason })
}

/// Reads one file, whatever its format.
fn read_file(path: &Path) -> Result<File, LinkError> {
    let bytes = decode::read(path)?;
    if bytes.starts_with(b"PAR1") {
        return parquet::parse(path, bytes);
    }
    csv::parse(path, &decode::decode(bytes))
}

/// The first bad row is an error unless such rows are to be left out; gives those.
fn check_rows(options: &Options, files: &[File]) -> Result<LeftOut, LinkError> {
    let mut left_out = LeftOut::default();
    for (path, file) in options.inputs.iter().zip(files) {
        for (line, reason) in file.parts.iter().flat_map(|part| &part.bad) {
            if !options.skip_bad_rows {
                return Err(LinkError::BadRow { path: path.clone(), line: *line, reason: reason.clone() });
            }
            left_out.add(path, *line, reason);
        }
    }
    Ok(left_out)
}

type Merged = (Ids, Vec<u8>, Vec<RawColumn>);

/// Puts the parts of the files together, the records in order of their ids.
fn merge(options: &Options, files: Vec<File>, left_out: &mut LeftOut) -> Result<Merged, LinkError> {
    let mut pool = TextPool::new();
    // By record: the file and the line; and whether it is the second of its id.
    let mut places: Vec<(u8, u32)> = Vec::new();
    let mut kept: Vec<bool> = Vec::new();
    for (input, file) in files.iter().enumerate() {
        for part in &file.parts {
            let mut start = 0;
            for (end, line) in part.id_ends.iter().zip(&part.lines) {
                let id = &part.ids[start as usize..*end as usize];
                start = *end;
                let known = pool.len() as u32;
                let number = pool.intern(id);
                let new = number > known;
                if new {
                    places.push((input as u8, *line));
                } else {
                    let path = &options.inputs[input];
                    let (other, before) = places[number as usize - 1];
                    let other = &options.inputs[usize::from(other)];
                    if !options.skip_bad_rows {
                        return Err(LinkError::DuplicateId {
                            path: path.clone(),
                            line: u64::from(*line),
                            id: id.to_owned(),
                            other: other.clone(),
                            before: u64::from(before),
                        });
                    }
                    let reason = format_args!("its record id stands in line {before} of {} already", other.display());
                    left_out.add(path, u64::from(*line), reason);
                }
                kept.push(new);
            }
        }
    }
    pool.seal();
    let order = sorted(&pool);
    let inputs: Vec<u8> = order.iter().map(|number| places[*number as usize - 1].0).collect();
    let mut wanted: Vec<Column> = files.iter().flat_map(|file| file.columns.iter().copied()).collect();
    wanted.sort_unstable();
    wanted.dedup();
    let columns = wanted.into_par_iter().map(|column| gather(column, &files, &kept, &order)).collect();
    Ok((Ids { pool, order }, inputs, columns))
}

/// The texts of a pool in order: by their first bytes, and in full only where these are the same.
fn sorted(pool: &TextPool) -> Vec<u32> {
    let first = |number: u32| {
        let bytes = pool.text(number).as_bytes();
        let mut start = [0; 8];
        let length = bytes.len().min(8);
        start[..length].copy_from_slice(&bytes[..length]);
        (u64::from_be_bytes(start), number)
    };
    let mut order: Vec<(u64, u32)> = (1..pool.len() as u32 + 1).map(first).collect();
    order.par_sort_unstable_by(|x, y| x.0.cmp(&y.0).then_with(|| pool.text(x.1).cmp(pool.text(y.1))));
    order.into_iter().map(|(_, number)| number).collect()
}

/// One column of all files, in the order of the records.
fn gather(column: Column, files: &[File], kept: &[bool], order: &[u32]) -> RawColumn {
    let mut texts = TextPool::new();
    let mut read: Vec<u32> = Vec::with_capacity(order.len());
    let mut kept = kept.iter();
    for file in files {
        let place = file.columns.iter().position(|other| *other == column);
        for part in &file.parts {
            match place {
                Some(place) => {
                    let (pool, cells) = &part.columns[place];
                    let map: Vec<u32> = (0..=pool.len() as u32).map(|number| texts.intern(pool.text(number))).collect();
                    let cells = cells.iter().zip(kept.by_ref()).filter(|(_, kept)| **kept);
                    read.extend(cells.map(|(cell, _)| map[*cell as usize]));
                }
                None => {
                    let count = kept.by_ref().take(part.id_ends.len()).filter(|kept| **kept).count();
                    read.extend(std::iter::repeat_n(0, count));
                }
            }
        }
    }
    texts.seal();
    let cells = order.iter().map(|number| read[*number as usize - 1]).collect();
    RawColumn { column, texts, cells }
}

/// Seconds by stage; a stage that is entered again goes on.
struct Clock {
    stages: Vec<(&'static str, f64)>,
    current: Option<(usize, Instant)>,
}

impl Clock {
    fn new() -> Self {
        Self { stages: Vec::new(), current: None }
    }

    fn enter(&mut self, stage: &'static str) {
        self.leave();
        let place = self.stages.iter().position(|(name, _)| *name == stage).unwrap_or_else(|| {
            self.stages.push((stage, 0.0));
            self.stages.len() - 1
        });
        self.current = Some((place, Instant::now()));
    }

    fn leave(&mut self) {
        if let Some((place, since)) = self.current.take() {
            self.stages[place].1 += since.elapsed().as_secs_f64();
        }
    }

    fn finish(mut self) -> Vec<(&'static str, f64)> {
        self.leave();
        self.stages
    }
}
