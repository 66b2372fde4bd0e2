//! Bank statements and notifications: ISO 20022 camt.052, camt.053 and camt.054 of any version.
//!
//! The version is in the namespace, which is not looked at: elements are found by their local names, and where versions
//! differ (`Sts` or `Sts/Cd`, `Dbtr/Nm` or `Dbtr/Pty/Nm`) either is read. A row is an entry. The same entry comes in a report of the day,
//! in the statement and in a notification: its record is named by account, bank reference and amount. Banks book several
//! payments under one reference, and correct a booking by another one. Of equal ones in one statement the second is told
//! from the first by its order, because no bank lists an entry twice. What has no reference is named by its content. What is only expected has the lowest versions of the
//! record, whenever it comes: the booking outranks it.

mod naming;

use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::io::BufRead;

use connector::who::{Subjects, Who};
use connector::{
    BatchError, Draft, DraftRole, ElementCutter, Feed, Notice, Profile, RawRow, Reason, RowContext, RowError,
    RowReader, read_element,
};
use domain::{
    Day, Decimal, IdClaim, IdScheme, Op, PaymentChannel, PaymentMade, PersonName, PlaceKind, PlaceRef, Precision,
    Sensitive, Timestamp,
};

use crate::organisation::is_organisation;

/// Payments of one entry: a booking may stand for many.
const PAYMENTS_MAX: usize = 2_000;
const EARLIEST: Timestamp = Timestamp::from_millis(631_152_000_000);
const DAY_MS: i64 = 86_400_000;
/// Entries of a statement among which equal ones are looked for.
const EQUALS_MAX: usize = 1 << 20;
/// Versions of a payment before it is booked. Bookings have theirs by arrival, and those are higher.
const PENDING_VERSIONS: i64 = u32::MAX as i64;

/// What is cut out of a document; the last three are entries.
const PATHS: [&str; 10] = [
    "GrpHdr",
    "Stmt/Id",
    "Rpt/Id",
    "Ntfctn/Id",
    "Stmt/Acct",
    "Rpt/Acct",
    "Ntfctn/Acct",
    "Stmt/Ntry",
    "Rpt/Ntry",
    "Ntfctn/Ntry",
];

/// A feed of bank statements.
pub(crate) struct StatementFeed {
    profile: Profile,
}

impl StatementFeed {
    pub(crate) fn new(profile: Profile) -> Self {
        Self { profile }
    }
}

impl Feed for StatementFeed {
    fn profile(&self) -> &Profile {
        &self.profile
    }

    fn open<'a>(&'a self, input: Box<dyn BufRead + Send + 'a>) -> Result<Box<dyn RowReader + 'a>, BatchError> {
        let cutter = ElementCutter::open(input, self.profile.format.encoding, &PATHS)?;
        Ok(Box::new(EntryReader {
            cutter,
            context: Default::default(),
            equals: HashMap::new(),
            entries: None,
            empty: 0,
            number: 0,
            data_start: 0,
        }))
    }

    fn map(&self, row: &RawRow, context: &RowContext<'_>) -> Result<Vec<Draft>, RowError> {
        let text = self.profile.format.encoding.decode(row.bytes.expose())?;
        let entry = Entry::read(&text)?;
        entry.drafts(&self.profile, context)
    }
}

/// Reads entries; each row carries what its statement says of the account.
struct EntryReader<'a> {
    cutter: ElementCutter<'a>,
    /// Header of the message, id of the statement, its account.
    context: [Vec<u8>; 3],
    /// How many entries of the statement had the same reference, amount, direction and state.
    equals: HashMap<u64, u32>,
    /// Entries of the statement so far.
    entries: Option<u64>,
    /// Statements without any.
    empty: u64,
    number: u64,
    data_start: u64,
}

impl RowReader for EntryReader<'_> {
    fn next_row(&mut self) -> Result<Option<RawRow>, BatchError> {
        loop {
            let Some(element) = self.cutter.next_element()? else {
                if self.number == 0 && self.context[1].is_empty() && self.context[2].is_empty() {
                    let message = "the document holds no statement (Stmt), report (Rpt) or notification (Ntfctn): \
                                   this feed takes camt.052, camt.053 and camt.054";
                    return Err(BatchError::refused(Reason::MessageType, message));
                }
                self.empty += u64::from(self.entries.take() == Some(0));
                return Ok(None);
            };
            let kind = match element.path {
                _ if element.broken.is_some() => 3,
                0 => 0,
                1..=3 => 1,
                4..=6 => 2,
                _ => 3,
            };
            if kind < 3 {
                if kind == 1 {
                    self.equals.clear();
                    self.empty += u64::from(self.entries.replace(0) == Some(0));
                }
                self.context[kind] = element.bytes;
                continue;
            }
            let before = self.equals_before(&element.bytes);
            let order = if before == 0 { String::new() } else { format!("<Order>{}</Order>", before + 1) };
            self.number += 1;
            self.entries = self.entries.map(|entries| entries + 1);
            if self.number == 1 {
                self.data_start = element.offset;
            }
            let [header, id, account] = &self.context;
            let parts: [&[u8]; 7] = [b"<E>", header, id, account, order.as_bytes(), &element.bytes, b"</E>"];
            return Ok(Some(RawRow {
                number: self.number,
                line: element.line,
                offset: element.offset,
                length: element.length,
                bytes: Sensitive::new(parts.concat()),
                broken: element.broken,
            }));
        }
    }

    fn data_start(&self) -> u64 {
        self.data_start
    }

    fn notices(&self) -> Vec<Notice> {
        match self.empty {
            0 => Vec::new(),
            count => vec![Notice::new("statements-empty", format!("{count} statements have no entry"))],
        }
    }
}

impl EntryReader<'_> {
    /// How many entries like this one the statement had before it.
    fn equals_before(&mut self, entry: &[u8]) -> u32 {
        let head = &entry[..memchr::memmem::find(entry, b"NtryDtls").unwrap_or(entry.len())];
        let text = |name: &str| text_in(head, name).filter(|text| !text.is_empty());
        let named = |name| text(name).filter(|text| naming::names_entry(name, &String::from_utf8_lossy(text)));
        let whole: Vec<u8>;
        let reference = match ["AcctSvcrRef", "NtryRef"].into_iter().find_map(named) {
            Some(reference) => reference,
            // Without one it is told by all that it says.
            None => {
                whole = entry.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
                &whole
            }
        };
        let state = text("Sts").or_else(|| text("Cd"));
        let pending = state.is_some_and(|state| is_pending(&String::from_utf8_lossy(state)));
        // As they stand in the key: the same amount may be written in several ways.
        let reversal = text("RvslInd").is_some_and(|text| matches!(text, b"true" | b"1"));
        let amount = text("Amt").and_then(|text| hundredths(std::str::from_utf8(text).ok()?));
        let amount = amount.map(|(amount, exact)| amount_in_key(amount, exact, reversal));
        let direction = text("CdtDbtInd").map(|text| text[0]);
        let key = BuildHasherDefault::<DefaultHasher>::default().hash_one((reference, pending, amount, direction));
        if self.equals.len() >= EQUALS_MAX && !self.equals.contains_key(&key) {
            return 0;
        }
        let count = self.equals.entry(key).or_default();
        *count += 1;
        *count - 1
    }
}

/// The text of the first element of a name, whatever its prefix.
fn text_in<'b>(bytes: &'b [u8], name: &str) -> Option<&'b [u8]> {
    let tag = memchr::memmem::find_iter(bytes, name).find(|at| {
        let before = at.checked_sub(1).map(|before| bytes[before]);
        let after = bytes.get(at + name.len()).copied();
        matches!(before, Some(b'<' | b':')) && after.is_some_and(|byte| byte == b'>' || byte.is_ascii_whitespace())
    })?;
    let inner = &bytes[tag + memchr::memchr(b'>', &bytes[tag..])? + 1..];
    Some(inner[..memchr::memchr(b'<', inner)?].trim_ascii())
}

fn is_pending(status: &str) -> bool {
    matches!(status, "PDNG" | "FUTR" | "INFO")
}

/// In hundredths, exactly where that is rounded, and the currency.
type StatedAmount = (Decimal<2>, Option<Decimal<5>>, Option<String>);

/// Texts by their path.
type Texts = HashMap<String, String>;

/// An entry with its payments.
struct Entry {
    texts: Texts,
    payments: Vec<Texts>,
}

/// When an entry was booked.
struct Booked {
    time: Timestamp,
    precision: Precision,
    offset_min: i32,
    assumed: bool,
    flag: Option<&'static str>,
}

/// One of the sides of a payment.
#[derive(Default)]
struct Party {
    who: Who,
    organisation: bool,
}

impl Entry {
    fn read(text: &str) -> Result<Self, RowError> {
        let mut entry = Self { texts: Texts::new(), payments: Vec::new() };
        let mut payment = Texts::new();
        read_element(text, |path, value| match path.strip_prefix("Ntry/NtryDtls/TxDtls") {
            Some("") => entry.payments.push(std::mem::take(&mut payment)),
            Some(below) if !value.is_empty() => {
                payment.entry(below.trim_start_matches('/').to_owned()).or_insert_with(|| value.to_owned());
            }
            None if !value.is_empty() => {
                entry.texts.entry(path.to_owned()).or_insert_with(|| value.to_owned());
            }
            _ => {}
        })?;
        if entry.payments.len() > PAYMENTS_MAX {
            let message = format!("an entry has at most {PAYMENTS_MAX} payments");
            return Err(RowError::field("NtryDtls", Reason::RepetitionsTooMany, message));
        }
        if entry.payments.is_empty() {
            entry.payments.push(Texts::new());
        }
        Ok(entry)
    }

    fn drafts(&self, profile: &Profile, context: &RowContext<'_>) -> Result<Vec<Draft>, RowError> {
        let Booked { time, precision, offset_min, assumed, flag } = self.time(profile, context)?;
        let account = self.account();
        let named = |path: &&str| self.texts.get(*path).filter(|text| naming::names_entry(path, text));
        let reference = ["Ntry/AcctSvcrRef", "Ntry/NtryRef"].iter().find_map(named);
        let order = self.texts.get("Order").map_or_else(String::new, |order| format!("#{order}"));
        let mut named: HashMap<String, u32> = HashMap::new();
        let mut drafts = Vec::new();
        for (at, payment) in self.payments.iter().enumerate() {
            let mut flags = Vec::new();
            let (mut amount, exact, currency) = self.amount(payment)?;
            if exact.is_some() {
                flags.push("amount-rounded");
            }
            let reversal = self.texts.get("Ntry/RvslInd").is_some_and(|text| text == "true" || text == "1");
            let named_amount = amount_in_key(amount, exact, reversal);
            if reversal && amount.unscaled() > 0 {
                amount = Decimal::from_unscaled(-amount.unscaled());
            }
            let direction = payment.get("CdtDbtInd").or_else(|| self.texts.get("Ntry/CdtDbtInd"));
            if direction.is_some_and(|text| !matches!(text.as_str(), "CRDT" | "DBIT")) {
                let message = "CdtDbtInd is neither CRDT nor DBIT";
                return Err(RowError::field("CdtDbtInd", Reason::ValueUnknown, message));
            }
            let direction = direction.and_then(|text| text.get(..1)).unwrap_or_default();
            let mut of_bank = ["Refs/AcctSvcrRef", "Refs/UETR", "Refs/TxId"].iter();
            let of_bank = of_bank.find_map(|path| payment.get(*path).filter(|text| naming::is_given(text)));
            let mut key = match (reference, of_bank) {
                (Some(entry), Some(own)) if entry == own => {
                    format!("entry:{account}:{own}:{named_amount}{direction}{order}")
                }
                (_, Some(own)) => format!("entry:{account}:{own}:{named_amount}{direction}"),
                (Some(entry), None) if self.payments.len() == 1 => {
                    format!("entry:{account}:{entry}:{named_amount}{direction}{order}")
                }
                (Some(entry), None) => format!("entry:{account}:{entry}:{named_amount}{direction}{order}:{at}"),
                (None, None) => {
                    flags.push("entry-without-reference");
                    let content = naming::of_content(&self.texts, payment, at, context.key);
                    format!("entry:{account}:{content}:{named_amount}{direction}{order}")
                }
            };
            // Equal payments of one entry, under one reference.
            let equals = named.entry(key.clone()).or_default();
            *equals += 1;
            if *equals > 1 {
                key.push_str(&format!("/{equals}"));
            }
            if key.len() > 256 || key.chars().any(char::is_control) {
                return Err(RowError::field(
                    "AcctSvcrRef",
                    Reason::ValueTooLong,
                    "a reference has at most 200 characters",
                ));
            }
            let status =
                self.texts.get("Ntry/Sts").or_else(|| self.texts.get("Ntry/Sts/Cd")).map_or("", String::as_str);
            let pending = is_pending(status);
            match status {
                "PDNG" | "FUTR" => flags.push("payment-pending"),
                "INFO" => flags.push("payment-informational"),
                _ => {}
            }
            let payer = self.payer(payment)?;
            if payer.organisation {
                flags.push("organisation-holder");
            }
            let Subjects { claims, sighting } = if payer.organisation {
                Subjects { claims: Vec::new(), sighting: None }
            } else {
                payer.who.subjects(profile, context.key, time)?
            };
            drafts.extend(sighting);
            let terminal = ["CardTx/POI/Id/Id"].iter().find_map(|path| payment.get(*path));
            let terminal = terminal.or_else(|| self.texts.get("Ntry/CardTx/POI/Id/Id")).map(|id| short(id, 64));
            let source = profile.options.get("place_source").unwrap_or(&profile.source);
            let body = PaymentMade {
                subject: claims,
                amount: Some(amount),
                currency,
                channel: if terminal.is_some() { PaymentChannel::Card } else { PaymentChannel::Transfer },
                on_site: terminal.is_some() && !reversal,
                place: PlaceRef {
                    place_id: terminal.as_ref().map(|terminal| format!("{source}/{terminal}")),
                    kind: PlaceKind::Merchant,
                    ..PlaceRef::default()
                },
                terminal_id: terminal,
                reverses: reversal
                    .then(|| payment.get("Refs/EndToEndId").or(reference).map(|text| short(text, 64)))
                    .flatten(),
                pending,
            };
            if assumed {
                flags.push("offset-assumed");
            }
            flags.extend(flag);
            drafts.push(Draft {
                role: DraftRole::Record,
                source_record_id: key.into(),
                version: pending.then_some(0),
                version_room: if pending { PENDING_VERSIONS } else { 0 },
                op: Op::Upsert,
                event_time: time,
                precision,
                utc_offset_min: Some(offset_min),
                offset_assumed: assumed,
                created_time: None,
                quality_flags: flags,
                body: body.into(),
            });
        }
        Ok(drafts)
    }

    fn account(&self) -> &str {
        let paths = ["Acct/Id/IBAN", "Acct/Id/Othr/Id", "Acct/Id/PrtryAcct/Id"];
        paths.iter().find_map(|path| self.texts.get(*path)).map_or("", String::as_str)
    }

    /// When it was booked, else its value date, else when the message was made; as a day or an instant.
    fn time(&self, profile: &Profile, context: &RowContext<'_>) -> Result<Booked, RowError> {
        let paths = ["Ntry/BookgDt/DtTm", "Ntry/BookgDt/Dt", "Ntry/ValDt/DtTm", "Ntry/ValDt/Dt", "GrpHdr/CreDtTm"];
        let (path, text) = paths.iter().find_map(|path| Some((*path, self.texts.get(*path)?))).ok_or_else(|| {
            RowError::field("BookgDt", Reason::RequiredMissing, "the entry has neither BookgDt nor ValDt")
        })?;
        let wrong = || {
            let message = match is_written_as_day(text) {
                true => format!("{path} names a day or a time of day that there is not"),
                false => format!("{path} is not a date or time of ISO 8601"),
            };
            RowError::field(path, Reason::ValueTime, message)
        };
        let zone = &profile.time.zone;
        // The end of a day is the midnight of the next one.
        let (text, end_of_day) = match text.split_once("T24:00") {
            Some((day, behind)) => {
                let behind = behind.strip_prefix(":00").unwrap_or(behind);
                (&format!("{day}T00:00:00{}", behind.strip_prefix(".000").unwrap_or(behind)), true)
            }
            None => (text, false),
        };
        let read = if let Ok(at) = Timestamp::parse(text) {
            let offset = jiff::fmt::temporal::Pieces::parse(text).ok().and_then(|pieces| pieces.to_numeric_offset());
            (at, Precision::Second, offset.map_or(0, |offset| offset.seconds() / 60), false)
        } else if text.contains('T') {
            let (at, offset) = Timestamp::from_civil(text.parse().map_err(|_| wrong())?, zone).map_err(|_| wrong())?;
            (at, Precision::Second, offset, true)
        } else {
            let (day, behind) = text.split_at_checked(10).ok_or_else(wrong)?;
            let (year, month, day) = Day::parse(day).ok().and_then(Day::ymd).ok_or_else(wrong)?;
            let civil = jiff::civil::date(year, month, day).at(0, 0, 0, 0);
            if behind.is_empty() {
                let (at, offset) = Timestamp::from_civil(civil, zone).map_err(|_| wrong())?;
                (at, Precision::Day, offset, true)
            } else {
                let offset_min = offset_min(behind).ok_or_else(wrong)?;
                let at = Timestamp::from_civil_at_offset(civil, offset_min).map_err(|_| wrong())?;
                (at, Precision::Day, offset_min, false)
            }
        };
        let read = (read.0.plus_millis(if end_of_day { DAY_MS } else { 0 }), read.1, read.2, read.3);
        if read.0 < EARLIEST || read.0 > context.ingest_time.plus_millis(30 * DAY_MS) {
            let message = format!("{path} is before 1990 or later than it can be");
            return Err(RowError::field(path, Reason::TimeOutOfRange, message));
        }
        let (time, precision, offset_min, assumed) = read;
        let flag = (path == "GrpHdr/CreDtTm").then_some("time-of-message");
        Ok(Booked { time, precision, offset_min, assumed, flag })
    }

    /// Amount of a payment and its currency; those of the entry where it states none.
    fn amount(&self, payment: &Texts) -> Result<StatedAmount, RowError> {
        let own = ["Amt", "AmtDtls/TxAmt/Amt"].iter().find_map(|path| Some((*path, payment.get(*path)?)));
        // Some banks write a zero where the entry has the amount.
        let own = own.filter(|(_, text)| self.payments.len() > 1 || text.parse() != Ok(0.0));
        let (text, currency) = match own {
            Some((path, text)) => (text.as_str(), payment.get(&format!("{path}/@Ccy"))),
            None => (self.texts.get("Ntry/Amt").map_or("", String::as_str), self.texts.get("Ntry/Amt/@Ccy")),
        };
        let wrong = |message: &str| RowError::field("Amt", Reason::ValueNumber, message);
        let (amount, exact) = hundredths(text)
            .ok_or_else(|| wrong("Amt is not a number of at most 18 digits, 5 of them after the point"))?;
        if amount.unscaled() < 0 || exact.is_some_and(|exact| exact.unscaled() < 0) {
            return Err(wrong("Amt is negative; CdtDbtInd says which way the money went"));
        }
        Ok((amount, exact, currency.cloned().filter(|currency| currency.len() == 3)))
    }

    /// Who paid: the debtor, or whom a company paid for; of a debit without a debtor, the owner of the account.
    fn payer(&self, payment: &Texts) -> Result<Party, RowError> {
        let debit = payment.get("CdtDbtInd").or_else(|| self.texts.get("Ntry/CdtDbtInd")).is_some_and(|i| i == "DBIT");
        let mut party = party(payment, "RltdPties/Dbtr", "RltdPties/DbtrAcct")?;
        if party.organisation {
            // The account is the company's.
            let behind = self::party(payment, "RltdPties/UltmtDbtr", "")?;
            if !behind.organisation && !behind.who.statement.person.names.is_empty() {
                party = behind;
            }
        }
        if debit && !party.organisation && party.who.statement.person.names.is_empty() {
            let owner = owner(&self.texts)?;
            party.organisation = owner.organisation;
            if party.who.statement.person.claims.is_empty() {
                party.who = owner.who;
            }
        }
        Ok(party)
    }
}

/// Whether a text has the form of a day, whatever the calendar says of it.
fn is_written_as_day(text: &str) -> bool {
    let form = b"0000-00-00";
    let fits = |(byte, form): (u8, &u8)| if *form == b'0' { byte.is_ascii_digit() } else { byte == *form };
    text.len() >= form.len() && text.bytes().zip(form).all(fits)
}

/// The minutes of `Z`, `+08:00`.
fn offset_min(text: &str) -> Option<i32> {
    if text == "Z" {
        return Some(0);
    }
    let (sign, rest) =
        text.strip_prefix('+').map(|rest| (1, rest)).or(text.strip_prefix('-').map(|rest| (-1, rest)))?;
    let (hours, minutes) = rest.split_once(':')?;
    let part = |text: &str, most: i32| text.parse::<i32>().ok().filter(|n| text.len() == 2 && (0..=most).contains(n));
    Some(sign * (part(hours, 14)? * 60 + part(minutes, 59)?))
}

/// An amount of up to five digits after the point, as the standard has them, in hundredths; where it was rounded, also
/// exactly: some currencies have thousandths.
fn hundredths(text: &str) -> Option<(Decimal<2>, Option<Decimal<5>>)> {
    if let Some(amount) = Decimal::parse(text) {
        return Some((amount, None));
    }
    let exact = Decimal::<5>::parse(text)?;
    let unscaled = exact.unscaled();
    Some((Decimal::from_unscaled((unscaled + 500 * unscaled.signum()) / 1_000), Some(exact)))
}

/// An amount as keys have it: exact, because two that differ may be rounded alike.
fn amount_in_key(amount: Decimal<2>, exact: Option<Decimal<5>>, reversal: bool) -> String {
    let text = exact.map_or_else(|| amount.to_string(), |exact| exact.to_string().trim_end_matches('0').to_owned());
    if reversal && (amount.unscaled() > 0 || exact.is_some()) { format!("-{text}") } else { text }
}

/// A party of a payment, with the account it pays from.
fn party(texts: &Texts, party: &str, account: &str) -> Result<Party, RowError> {
    // From version 8 on, a party is a person or an agent, one level deeper.
    let deeper = format!("{party}/Pty");
    let at = if texts.keys().any(|path| path.starts_with(&deeper)) { deeper } else { party.to_owned() };
    read_party(texts, &at, account)
}

fn owner(texts: &Texts) -> Result<Party, RowError> {
    read_party(texts, "Acct/Ownr", "Acct")
}

fn read_party(texts: &Texts, at: &str, account: &str) -> Result<Party, RowError> {
    let text = |below: &str| texts.get(&format!("{at}/{below}")).map(String::as_str);
    // A party that is only named may be either; one with numbers of a person is one.
    let names_firm = || text("Nm").is_some_and(is_organisation);
    let has_id = |kind: &str| texts.keys().any(|path| path.starts_with(&format!("{at}/Id/{kind}")));
    let organisation = has_id("OrgId") || (!has_id("PrvtId") && names_firm());
    let mut who = Who::default();
    if organisation {
        return Ok(Party { who, organisation });
    }
    if let Some(name) = text("Nm") {
        if name.chars().count() > 140 {
            return Err(RowError::field("Nm", Reason::ValueTooLong, "a name has at most 140 characters"));
        }
        who.statement.person.names.extend(PersonName::whole(name));
    }
    if let Some(number) = text("Id/PrvtId/Othr/Id") {
        let kind = text("Id/PrvtId/Othr/SchmeNm/Cd").unwrap_or("");
        let (scheme, issuer) = match kind {
            "NIDN" => (IdScheme::CnId, None),
            "CCPT" => (IdScheme::Passport, text("Id/PrvtId/Othr/Issr")),
            other => (IdScheme::Other, Some(other)),
        };
        match IdClaim::parse(scheme, number, issuer) {
            Ok(claim) => who.statement.person.claims.push(claim),
            // A national number of another country.
            Err(_) if scheme == IdScheme::CnId => {
                who.statement.person.claims.extend(IdClaim::parse(IdScheme::Other, number, Some("NIDN")));
            }
            Err(_) => who.flags.push("identifier-unreadable"),
        }
    }
    if let Some(day) = text("Id/PrvtId/DtAndPlcOfBirth/BirthDt") {
        let day = Day::parse(day).map_err(|error| RowError::field("BirthDt", Reason::ValueDay, error.to_string()))?;
        who.statement.person.birth_date = Some(day);
    }
    if let Some(iban) = texts.get(&format!("{account}/Id/IBAN")) {
        who.statement.person.claims.extend(IdClaim::parse(IdScheme::Other, iban, Some("IBAN")));
    }
    Ok(Party { who, organisation })
}

fn short(text: &str, chars_max: usize) -> String {
    text.chars().filter(|c| !c.is_control()).take(chars_max).collect()
}

#[cfg(test)]
mod tests;
