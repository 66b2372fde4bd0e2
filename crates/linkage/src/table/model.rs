//! A model as a file: what training found, so that other records are linked in the same way.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::block::Rule;
use super::field::{FIELDS, TableField};
use super::hot::HotValue;
use super::levels::{LEVELS, MISSING};
use super::store::Table;
use super::weigh::{Parameters, STATES, Shares, Weigher};

/// A trained model of tables.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableModel {
    /// Beginning of a fingerprint of all the rest; that of a file that somebody has changed is not believed.
    #[serde(default, skip_serializing)]
    version: String,
    /// Version of the form.
    format: u32,
    /// Weight in bits from which on pairs are linked.
    pub(crate) threshold: f64,
    /// Share of pairs of one person, within an input and across inputs.
    matches: [f64; 2],
    /// Share of pairs of relatives.
    relatives: f64,
    /// Persons that values were counted over.
    population: f64,
    /// Records of one person that share a value, on average.
    repeats: f64,
    /// Blocking rules.
    pub(crate) rules: Vec<Rule>,
    /// Most records of a block that is not split. Were it chosen by the records that are linked, unrelated ones would
    /// change clusters.
    #[serde(rename = "block_records_max")]
    pub(crate) block_max: usize,
    /// Shares by field.
    fields: Vec<FieldModel>,
    /// Values that tell nothing.
    #[serde(default)]
    pub(crate) hot: Vec<HotValue>,
    /// How many persons have a value, of those that several have.
    frequencies: BTreeMap<TableField, BTreeMap<String, u32>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FieldModel {
    field: TableField,
    /// By state of the parent: independent, same, near, loose, part, different, swapped.
    one_person: [[f64; LEVELS]; STATES],
    relatives: [[f64; LEVELS]; STATES],
    /// Among strangers; the first is not used.
    strangers: [[f64; LEVELS]; STATES],
}

/// Why a file is no model.
#[derive(Debug, thiserror::Error)]
pub enum TableModelError {
    /// It is no TOML, or lacks something.
    #[error("the model cannot be read: {0}")]
    Syntax(#[from] toml::de::Error),
    /// It cannot be written.
    #[error("the model cannot be written: {0}")]
    Write(#[from] toml::ser::Error),
    /// It is of another version.
    #[error("the model has format {0}, this program reads format {FORMAT}")]
    Format(u32),
    /// A number is not what it must be.
    #[error("the model's {0} is no share")]
    Share(String),
    /// Blocks would have no pairs.
    #[error("the model's block_records_max is {0}, and a block has at least two records")]
    Block(usize),
}

fn fingerprint(text: &str) -> String {
    hex::encode(&Sha256::digest(text)[..6])
}

const FORMAT: u32 = 1;
/// A value that fewer persons have is taken to be that of one.
const COUNT_MIN: u32 = 3;

impl TableModel {
    pub(crate) fn new(
        table: &Table,
        weigher: &Weigher,
        rules: Vec<Rule>,
        block_max: usize,
        hot: Vec<HotValue>,
        threshold: f64,
    ) -> Self {
        let parameters = &weigher.parameters;
        let fields = TableField::ALL
            .into_iter()
            .filter(|field| table.stated(*field) > 0)
            .map(|field| FieldModel {
                field,
                one_person: parameters.shares[0][field as usize],
                relatives: parameters.shares[1][field as usize],
                strangers: parameters.chance[field as usize],
            })
            .collect();
        let mut frequencies: BTreeMap<TableField, BTreeMap<String, u32>> = BTreeMap::new();
        for field in TableField::ALL {
            let counts = weigher.counts[field as usize].iter().enumerate().skip(1);
            let frequent: BTreeMap<String, u32> = counts
                .filter(|(_, count)| **count >= COUNT_MIN)
                .map(|(number, count)| (table.text(field, number as u32).to_owned(), *count))
                .collect();
            if !frequent.is_empty() {
                frequencies.insert(field, frequent);
            }
        }
        Self {
            version: String::new(),
            format: FORMAT,
            threshold,
            matches: parameters.matches,
            relatives: parameters.relatives,
            population: parameters.population,
            repeats: parameters.repeats,
            rules,
            block_max,
            fields,
            hot,
            frequencies,
        }
    }

    /// Reads a model file.
    ///
    /// # Errors
    /// When the text is no model, of another format, or has shares that are none.
    pub fn parse(text: &str) -> Result<Self, TableModelError> {
        let model = Self { version: String::new(), ..toml::from_str(text)? };
        if model.format != FORMAT {
            return Err(TableModelError::Format(model.format));
        }
        let is_share = |share: &f64| share.is_finite() && (0.0..=1.0).contains(share);
        for field in &model.fields {
            let shares = [&field.one_person, &field.relatives, &field.strangers];
            if !shares.into_iter().flatten().flatten().all(is_share) {
                return Err(TableModelError::Share(field.field.name().to_owned()));
            }
        }
        if !model.matches.iter().chain([&model.relatives]).all(is_share)
            || model.population.is_nan()
            || model.population < 1.0
        {
            return Err(TableModelError::Share("prior".to_owned()));
        }
        if model.block_max < 2 {
            return Err(TableModelError::Block(model.block_max));
        }
        Ok(model)
    }

    /// The model as a file.
    ///
    /// # Errors
    /// When it cannot be written as TOML.
    pub fn to_toml(&self) -> Result<String, TableModelError> {
        let text = toml::to_string(self)?;
        Ok(format!("version = \"{}\"\n{text}", fingerprint(&text)))
    }

    /// What tells the model from others: the beginning of a fingerprint of all that it says.
    pub fn version(&self) -> String {
        fingerprint(&toml::to_string(self).unwrap_or_default())
    }

    /// Weighs the records of a table with this model.
    pub(crate) fn weigher(&self, table: &Table) -> Weigher {
        // A field that the model does not know says nothing: every level is as likely for all kinds of pairs.
        let mut chance: Shares = [[[1.0; LEVELS]; STATES]; FIELDS];
        let mut shares = [[[[0.0; LEVELS]; STATES]; FIELDS]; 2];
        for field in shares.iter_mut().flatten().flatten() {
            field[MISSING as usize] = 1.0;
        }
        for field in &self.fields {
            let place = field.field as usize;
            chance[place] = field.strangers.map(|levels| levels.map(|share| share.max(1e-12)));
            shares[0][place] = field.one_person;
            shares[1][place] = field.relatives;
        }
        let parameters = Parameters {
            matches: self.matches,
            relatives: self.relatives,
            shares,
            chance,
            repeats: self.repeats,
            population: self.population,
        };
        let nothing = BTreeMap::new();
        let counts = TableField::ALL
            .into_iter()
            .map(|field| {
                let known = self.frequencies.get(&field).unwrap_or(&nothing);
                let count = |number: u32| {
                    if number == 0 { 0 } else { known.get(table.text(field, number)).copied().unwrap_or(1) }
                };
                (0..table.counts[field as usize].len() as u32).map(count).collect()
            })
            .collect();
        Weigher::new(parameters, counts)
    }
}
