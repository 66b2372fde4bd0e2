//! The proposal as TOML, for a person to mend.

use std::fmt::Write as _;

use domain::EventType;

use crate::columns::Field;
use crate::infer::table::Table;
use crate::infer::{Form, Proposal, Shape, Traits, WHO, words};
use crate::map;
use crate::profile::{Encoding, FormatKind};

/// What stands for a text that only a person can give.
const FILL_IN: &str = "FILL IN";

/// A profile of messages: what is in them is known.
pub(super) fn of_messages(name: &str, form: &Form) -> Proposal {
    let mut left = Vec::new();
    let (connector, emit) = match form.kind {
        FormatKind::Hl7v2 | FormatKind::Fhir => ("hospital", EventType::EncounterChanged),
        FormatKind::Edifact => ("transport", EventType::TripSegment),
        _ => ("payment", EventType::PaymentMade),
    };
    let mut toml = String::new();
    head(&mut toml, name, connector, emit, &mut left);
    let known = form.known.as_deref().map_or(String::new(), |known| format!(" ({known})"));
    let _ = writeln!(
        toml,
        "\n# The form is {}{known}: what is in its rows is known and needs no mapping.",
        form.kind.name()
    );
    format(&mut toml, form);
    let _ = writeln!(toml, "\n[time]\n# Of times that state no offset.\nzone = \"Asia/Shanghai\"");
    if form.kind == FormatKind::Hl7v2 {
        let _ = writeln!(toml, "# Systems that are set up send the dates of their manual.\nearliest = \"1987-01-01\"");
    }
    if matches!(form.kind, FormatKind::Iso8583 | FormatKind::Iso20022) {
        let _ = writeln!(toml, "\n[identity]\n# A payment that names nobody is one all the same.\noptional = true");
    }
    left.push("time.zone: the zone of times that state none".to_owned());
    if form.kind == FormatKind::Iso8583 {
        left.push("options: how the partner writes digits, bitmap and lengths (docs/PROFILES.md, iso8583)".to_owned());
    }
    finish(toml, left)
}

/// A profile of rows with columns.
pub(super) fn of_table(
    name: &str,
    form: &Form,
    table: &Table,
    columns: &[Traits],
    (emit, mapping): (EventType, &[Option<Field>]),
    member: Option<&str>,
) -> Proposal {
    let mut left = Vec::new();
    let mut toml = String::new();
    let connector = match emit {
        EventType::IdentityObserved | EventType::PresenceInterval | EventType::PlaceRegistered => "telecom",
        EventType::TripSegment => "transport",
        EventType::PaymentMade => "payment",
        EventType::TestResult | EventType::EncounterChanged => "hospital",
        _ => "community",
    };
    head(&mut toml, name, connector, emit, &mut left);
    let place_of = |field: Field| mapping.iter().position(|mapped| *mapped == Some(field));
    let missing: Vec<Field> = map::needed(emit).iter().copied().filter(|field| place_of(*field).is_none()).collect();
    let required: Vec<String> = map::needed(emit)
        .iter()
        .filter(|field| place_of(**field).is_some())
        .map(|field| quoted(field.code()))
        .collect();
    let _ = writeln!(toml, "required = [{}]", required.join(", "));
    let masked = columns
        .iter()
        .zip(mapping)
        .any(|(traits, field)| traits.shape() == Shape::MaskedNumber && *field == Some(Field::IdNumber));
    if masked {
        let _ = writeln!(toml, "# Characters of the numbers are hidden by *.\nmasked = [\"id_number\"]");
    }
    let _ = writeln!(toml, "\n# {} rows were looked at.", table.rows.len());
    format(&mut toml, form);
    if let Some(member) = member {
        let _ = writeln!(toml, "# The archive holds several files.\nmember = {}", quoted(member));
    }
    if table.placed {
        layout(&mut toml, form, table);
    }
    times(&mut toml, columns, mapping, &mut left);
    let _ = writeln!(toml, "\n[columns]");
    for (place, (traits, field)) in columns.iter().zip(mapping).enumerate() {
        column_line(&mut toml, table, place, traits, *field, &mut left);
    }
    constants(&mut toml, emit, &missing, &mut left);
    record(&mut toml, table, columns, mapping, &mut left);
    if !WHO.iter().any(|field| place_of(*field).is_some()) && needs_somebody(emit) {
        let _ = writeln!(
            toml,
            "\n[identity]\n# No column names anybody. With this line such rows are facts without a person; without it they are quarantined.\noptional = true"
        );
        left.push("who it is: no column has a name, a document, a phone or a number of a person".to_owned());
    }
    for (traits, field) in columns.iter().zip(mapping) {
        if let Some(field) = field.filter(|field| words::is_coded(*field)) {
            values(&mut toml, field, &traits.words, &mut left);
        }
    }
    finish(toml, left)
}

/// Whether facts of this type are about a person.
const fn needs_somebody(emit: EventType) -> bool {
    !matches!(emit, EventType::IdentityObserved | EventType::MeterReading | EventType::PlaceRegistered)
}

fn head(toml: &mut String, name: &str, connector: &str, emit: EventType, left: &mut Vec<String>) {
    let _ = write!(
        toml,
        "feed = {}\ntitle = {FILL:?}\nversion = 1\n# A guess from what the rows are about.\nconnector = {connector:?}\nsource = {}\nsource_kind = {connector:?}\n\
         owner = {FILL:?}\nlegal_basis = {FILL:?}\n# How long pushed files are kept: as short as the purpose allows.\nretention_days = 30\n\
         # A guess from the columns; docs/PROFILES.md lists the event types.\nemit = {:?}\n",
        quoted(name),
        quoted(name),
        emit.name(),
        FILL = FILL_IN,
    );
    left.push("title: what people call the feed".to_owned());
    left.push("owner: the department that answers for it".to_owned());
    left.push("legal_basis: on what ground the data may be processed".to_owned());
}

fn format(toml: &mut String, form: &Form) {
    let encoding = match form.encoding {
        Encoding::Utf8 => "utf-8",
        Encoding::Utf16 => "utf-16",
        Encoding::Gb18030 => "gb18030",
        Encoding::Big5 => "big5",
        Encoding::Windows1252 => "windows-1252",
    };
    let _ = writeln!(
        toml,
        "[format]\nkind = {:?}\n# Encoding: {}.\nencoding = {encoding:?}",
        form.kind.name(),
        form.encoding_is
    );
    if let Some(rows) = form.rows.as_deref().filter(|_| matches!(form.kind, FormatKind::Json | FormatKind::Xml)) {
        let _ = writeln!(toml, "rows = {}", quoted(rows));
    }
}

fn layout(toml: &mut String, form: &Form, table: &Table) {
    if form.kind == FormatKind::Delimited {
        let _ = writeln!(toml, "separator = {}", quoted(&table.separator.to_string()));
        if table.quoted {
            let _ = writeln!(toml, "quote = '\"'");
        }
    }
    if table.two_lines {
        let _ = writeln!(toml, "# The header has two lines, so columns are counted, from 1.");
    }
    let is_named = table.names.is_some() && !table.two_lines;
    let _ = writeln!(toml, "header = {is_named}");
    if table.preamble > 0 {
        let _ = writeln!(toml, "preamble_lines = {}", table.preamble);
    }
    if !table.trailers.is_empty() {
        let trailers: Vec<String> = table.trailers.iter().map(|trailer| quoted(trailer)).collect();
        let _ = writeln!(toml, "trailer_prefixes = [{}]", trailers.join(", "));
    }
    if !is_named {
        let _ = writeln!(toml, "width = {}", table.width());
    }
}

fn times(toml: &mut String, columns: &[Traits], mapping: &[Option<Field>], left: &mut Vec<String>) {
    let mut forms: Vec<&str> = Vec::new();
    for (traits, field) in columns.iter().zip(mapping) {
        if let (Shape::Time(form), Some(field)) = (traits.shape(), field)
            && field.is_time()
            && !forms.contains(&form)
        {
            forms.push(form);
        }
    }
    let quoted: Vec<String> = forms.iter().map(|form| format!("{form:?}")).collect();
    let _ = writeln!(
        toml,
        "\n[time]\n# Of times without offset.\nzone = \"Asia/Shanghai\"\nformats = [{}]",
        quoted.join(", ")
    );
    left.push("time.zone: the zone of the source's clocks".to_owned());
    if forms.iter().any(|form| form.starts_with("%m/") || form.starts_with("%d/")) {
        left.push("time.formats: whether day or month stands first".to_owned());
    }
}

fn column_line(
    toml: &mut String,
    table: &Table,
    place: usize,
    traits: &Traits,
    field: Option<Field>,
    left: &mut Vec<String>,
) {
    let stated = table.names.as_ref().map(|names| names.get(place).map_or("", String::as_str));
    let name = match stated.filter(|_| !table.two_lines) {
        Some(name) => quoted(name),
        None => (place + 1).to_string(),
    };
    let called =
        stated.filter(|_| table.two_lines).map_or(String::new(), |name| format!("{}; ", name.replace('\n', " ")));
    let unique = if traits.unique { ", each once" } else { "" };
    let about = format!("{called}{}; {} % filled{unique}", traits.shape().words(), traits.filled_percent);
    let _ = match field {
        Some(field) => writeln!(toml, "{} = {name} # {about}", field.code()),
        None => writeln!(toml, "# ? = {name} # {about}"),
    };
    if traits.scientific {
        let _ =
            writeln!(toml, "# ^ A spreadsheet turned long numbers into scientific notation: their digits are lost.");
        left.push(format!("column {name}: have it exported as text, its long numbers have lost digits"));
    }
}

/// Fields that the type needs and no column carries.
fn constants(toml: &mut String, emit: EventType, missing: &[Field], left: &mut Vec<String>) {
    let code_system = (emit == EventType::TestResult).then_some("code_system = \"L\"");
    if missing.is_empty() && code_system.is_none() {
        return;
    }
    let _ = writeln!(toml, "\n[constants]");
    if let Some(line) = code_system {
        let _ = writeln!(toml, "{line}");
    }
    for field in missing {
        let _ = writeln!(
            toml,
            "# {} is needed and no column was found for it: map one above, or give a constant here.\n# {} = {FILL_IN:?}",
            field.code(),
            field.code()
        );
        left.push(format!("{}: {} needs it, and no column was found for it", field.code(), emit.name()));
    }
}

fn record(toml: &mut String, table: &Table, columns: &[Traits], mapping: &[Option<Field>], left: &mut Vec<String>) {
    let mapped = |wanted: Field| mapping.contains(&Some(wanted));
    let ids = [Field::RecordId, Field::Encounter, Field::OrderNumber, Field::TicketNumber, Field::Specimen];
    let unique = columns.iter().zip(mapping).filter(|(traits, field)| traits.unique && field.is_some());
    let unique: Vec<Field> = unique.filter_map(|(_, field)| *field).collect();
    let key: Vec<Field> = match ids.iter().find(|field| unique.contains(field)).or_else(|| unique.first()) {
        Some(one) => vec![*one],
        None => smallest_key(table, mapping),
    };
    let is_told = !key.is_empty();
    let key: Vec<Field> = if is_told { key } else { mapping.iter().copied().flatten().take(8).collect() };
    let parts: Vec<String> = key.iter().map(|field| quoted(field.code())).collect();
    let _ = writeln!(toml, "\n[record]\n# What names a record of the source.\nkey = [{}]", parts.join(", "));
    if unique.is_empty() && !is_told {
        left.push(
            "record.key: the fields that tell records apart; no few columns do so, rows that agree in these are one"
                .to_owned(),
        );
    } else if unique.is_empty() || !ids.contains(&key[0]) {
        left.push("record.key: whether these fields name a record for ever, also after a correction".to_owned());
    }
    if mapped(Field::UpdatedTime) {
        let _ = writeln!(toml, "version = \"updated_time\"");
    }
}

/// Up to three mapped columns that together tell all rows apart.
fn smallest_key(table: &Table, mapping: &[Option<Field>]) -> Vec<Field> {
    let places: Vec<(usize, Field)> =
        mapping.iter().enumerate().filter_map(|(place, field)| Some((place, (*field)?))).take(14).collect();
    let tells = |chosen: &[(usize, Field)]| {
        let mut seen = std::collections::HashSet::new();
        table.rows.iter().all(|row| {
            let filled = row.get(chosen[0].0).is_some_and(|value| !value.trim().is_empty());
            let key: Vec<&str> = chosen.iter().map(|(place, _)| row.get(*place).map_or("", String::as_str)).collect();
            filled && seen.insert(key)
        })
    };
    for (at, a) in places.iter().enumerate() {
        for (next, b) in places.iter().enumerate().skip(at + 1) {
            if tells(&[*a, *b]) {
                return vec![a.1, b.1];
            }
            if let Some(c) = places.iter().skip(next + 1).find(|c| tells(&[*a, *b, **c])) {
                return vec![a.1, b.1, c.1];
            }
        }
    }
    Vec::new()
}

fn values(toml: &mut String, field: Field, words: &[String], left: &mut Vec<String>) {
    if words.is_empty() {
        return;
    }
    let _ = writeln!(toml, "\n[values.{}]", field.code());
    for word in words {
        let _ = match words::code(field, word) {
            Some(code) => writeln!(toml, "{} = {code:?}", quoted(word)),
            None => {
                left.push(format!("values.{}: a code for one more word", field.code()));
                writeln!(toml, "# {} = {FILL_IN:?}", quoted(word))
            }
        };
    }
    left.dedup();
}

/// A text as TOML writes it.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

fn finish(body: String, left: Vec<String>) -> Proposal {
    let mut toml = String::from("# A proposal, made from a file. Left to fill in, or to look at:\n");
    for line in &left {
        let _ = writeln!(toml, "# - {line}");
    }
    toml.push('\n');
    toml.push_str(&body);
    Proposal { toml, left }
}
