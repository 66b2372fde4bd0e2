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
        let text = linked.model(&table).to_toml().map_err(|reason| LinkError::Model { path: path.clone(), reason })?;
        output::write(path, text.as_bytes())?;
    }
    if let Some(path) = &options.pairs {
        write::pairs(path, &ids, &table, &linked)?;
    }
    let explanation = match &asked {
        Some(asked) => {
            let version = linked.model(&table).version();
            let model = match &options.model {
                Some(path) => format!("model {version}, {}", path.display()),
                None => format!("model {version}, trained on this input"),
            };
            let pair = explain::pair(asked, &table, &linked, model);
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
        let unit = file.unit;
        for (line, reason) in file.parts.iter().flat_map(|part| &part.bad) {
            if !options.skip_bad_rows {
                return Err(LinkError::BadRow { path: path.clone(), unit, line: *line, reason: reason.clone() });
            }
            left_out.add(path, unit, *line, reason);
        }
    }
    Ok(left_out)
}

type Merged = (Ids, Vec<u8>, Vec<RawColumn>);

/// Puts the parts of the files together, the records in order of their ids.
fn merge(options: &Options, files: Vec<File>, left_out: &mut LeftOut) -> Result<Merged, LinkError> {
    let mut wanted: Vec<Column> = files.iter().flat_map(|file| file.columns.iter().copied()).collect();
    wanted.sort_unstable();
    wanted.dedup();
    let gather_all = || wanted.into_par_iter().with_max_len(1).map(|column| gather(column, &files)).collect();
    let (sorted, mut columns): (_, Vec<RawColumn>) = rayon::join(|| sort(&files), gather_all);
    let (ids, again) = sorted;
    for (second, first) in again {
        let id = ids.pool.text(second);
        let ((input, line), (other, before)) = (place(&files, second), place(&files, first));
        let (unit, other_unit) = (files[input].unit, files[other].unit);
        let (path, other) = (&options.inputs[input], &options.inputs[other]);
        if !options.skip_bad_rows {
            let (path, id, other) = (path.clone(), id.to_owned(), other.clone());
            return Err(LinkError::DuplicateId { path, unit, line, id, other, other_unit, before });
        }
        let reason = format_args!("its record id stands in {other_unit} {before} of {} already", other.display());
        left_out.add(path, unit, line, reason);
    }
    let inputs: Vec<u8> = files
        .iter()
        .enumerate()
        .flat_map(|(input, file)| {
            std::iter::repeat_n(input as u8, file.parts.iter().map(|part| part.id_ends.len()).sum())
        })
        .collect();
    drop(files);
    columns.par_iter_mut().for_each(|raw| raw.cells = in_order(&raw.cells, &ids.order));
    let inputs = in_order(&inputs, &ids.order);
    Ok((ids, inputs, columns))
}

/// What was read, in the order of the ids.
fn in_order<T: Copy>(read: &[T], order: &[u32]) -> Vec<T> {
    order.iter().map(|number| read[*number as usize - 1]).collect()
}

/// The file and the line of a record, by the number of its id.
fn place(files: &[File], number: u32) -> (usize, u64) {
    let mut left = number as usize - 1;
    for (input, file) in files.iter().enumerate() {
        for part in &file.parts {
            if let Some(line) = part.lines.get(left) {
                return (input, u64::from(*line));
            }
            left -= part.lines.len();
        }
    }
    (0, 0)
}

/// The ids in order, and those that stand there again: the number of each and of the first that is the same, in the
/// order of the files.
fn sort(files: &[File]) -> (Ids, Vec<(u32, u32)>) {
    let mut pool = TextPool::new();
    for part in files.iter().flat_map(|file| &file.parts) {
        let mut start = 0;
        for end in &part.id_ends {
            pool.push(&part.ids[start as usize..*end as usize]);
            start = *end;
        }
    }
    // By their first bytes, and in full only where these are the same.
    let first = |number: u32| {
        let mut start = [0; 8];
        start.iter_mut().zip(pool.text(number).bytes()).for_each(|(start, byte)| *start = byte);
        (u64::from_be_bytes(start), number)
    };
    let mut order: Vec<(u64, u32)> = (1..pool.len() as u32 + 1).map(first).collect();
    order.par_sort_unstable_by(|x, y| {
        x.0.cmp(&y.0).then_with(|| pool.text(x.1).cmp(pool.text(y.1))).then(x.1.cmp(&y.1))
    });
    let mut again = Vec::new();
    let mut kept: Option<(u64, u32)> = None;
    order.retain(|next| {
        let same = kept.filter(|kept| kept.0 == next.0 && pool.text(kept.1) == pool.text(next.1));
        again.extend(same.map(|kept| (next.1, kept.1)));
        kept = same.or(Some(*next));
        same.is_none()
    });
    again.sort_unstable();
    let order = order.into_iter().map(|(_, number)| number).collect();
    (Ids { pool, order }, again)
}

/// One column of all files, in the order of the files.
fn gather(column: Column, files: &[File]) -> RawColumn {
    let mut texts = TextPool::new();
    let mut cells: Vec<u32> = Vec::new();
    for file in files {
        let place = file.columns.iter().position(|other| *other == column);
        for part in &file.parts {
            match place {
                Some(place) => {
                    let (pool, read) = &part.columns[place];
                    let map: Vec<u32> = (0..=pool.len() as u32).map(|number| texts.intern(pool.text(number))).collect();
                    cells.extend(read.iter().map(|cell| map[*cell as usize]));
                }
                None => cells.extend(std::iter::repeat_n(0, part.id_ends.len())),
            }
        }
    }
    texts.seal();
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
