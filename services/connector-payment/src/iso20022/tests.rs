use connector::{Mapped, preview};
use domain::Body;
use test_support::build::token_key;

use super::*;

fn read(body: &str) -> Vec<Mapped> {
    read_bytes(body.as_bytes())
}

fn read_bytes(body: &[u8]) -> Vec<Mapped> {
    let mut feeds = crate::feeds(None).expect("sound profiles").into_iter();
    let feed = feeds.find(|feed| feed.id().as_str() == "bank-statements").expect("a built-in feed");
    let now = Timestamp::parse("2022-03-20T00:00:00Z").expect("an instant");
    let rows = preview(&*feed, body, &token_key(), now).expect("a body that fits");
    rows.into_iter().map(|(_, result)| result).collect()
}

fn paid(mapped: &Mapped) -> (&Draft, &PaymentMade) {
    let draft = mapped.as_ref().expect("an entry").last().expect("a payment");
    match &draft.body {
        Body::PaymentMade(payment) => (draft, payment),
        other => panic!("unexpected {other:?}"),
    }
}

fn document(version: &str, statement: &str, entries: &str) -> String {
    format!(
        "<?xml version='1.0' encoding='UTF-8'?><c:Document xmlns:c='urn:iso:std:iso:20022:tech:xsd:{version}'><c:M>\
         <GrpHdr><MsgId>m</MsgId><CreDtTm>2022-03-02T18:00:00+08:00</CreDtTm></GrpHdr>\
         <{statement}><Id>s1</Id><Acct><Id><IBAN>NL26VAYB8060476890</IBAN></Id><Ownr><Nm>王小明</Nm></Ownr></Acct>\
         {entries}</{statement}></c:M></c:Document>"
    )
}

const OLD: &str = "<Ntry><Amt Ccy='CNY'>8.85</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts>\
    <BookgDt><Dt>2022-03-01</Dt></BookgDt><AcctSvcrRef>R1</AcctSvcrRef><NtryDtls><TxDtls><RltdPties>\
    <Dbtr><Nm>李雷</Nm><Id><PrvtId><Othr><Id>11010519491231002X</Id><SchmeNm><Cd>NIDN</Cd></SchmeNm></Othr></PrvtId></Id></Dbtr>\
    <DbtrAcct><Id><IBAN>NL56AGDH9619008421</IBAN></Id></DbtrAcct></RltdPties></TxDtls></NtryDtls></Ntry>";

#[test]
fn an_entry_is_the_same_in_every_version_and_kind_of_message() {
    let new = OLD
        .replace("<Sts>BOOK</Sts>", "<Sts><Cd>BOOK</Cd></Sts>")
        .replace("<Dbtr>", "<Dbtr><Pty>")
        .replace("</Dbtr>", "</Pty></Dbtr>");
    let first = read(&document("camt.053.001.02", "Stmt", OLD));
    let (draft, payment) = paid(&first[0]);
    assert_eq!(draft.source_record_id.expose(), "entry:NL26VAYB8060476890:R1:8.85C");
    assert_eq!((draft.precision, draft.event_time.to_string().as_str()), (Precision::Day, "2022-02-28T16:00:00Z"));
    assert_eq!((payment.amount, payment.currency.as_deref()), (Decimal::parse("8.85"), Some("CNY")));
    let schemes: Vec<_> = payment.subject.iter().map(|claim| claim.scheme).collect();
    assert_eq!(schemes, [IdScheme::Record, IdScheme::CnId, IdScheme::Other]);
    for (version, statement) in [("camt.052.001.08", "Rpt"), ("camt.054.001.14", "Ntfctn")] {
        let again = read(&document(version, statement, &new));
        let (other, same) = paid(&again[0]);
        assert_eq!((other.source_record_id.expose(), same), (draft.source_record_id.expose(), payment), "{version}");
    }
}

#[test]
fn a_debit_is_paid_by_the_owner_and_an_organisation_is_nobody() {
    let debit = "<Ntry><Amt Ccy='CNY'>5</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts>PDNG</Sts><NtryRef>D7</NtryRef></Ntry>";
    let rows = read(&document("camt.054.001.08", "Ntfctn", debit));
    let (draft, payment) = paid(&rows[0]);
    assert_eq!(payment.subject.len(), 2);
    // It has no date of its own; the message has.
    assert_eq!((draft.event_time.to_string().as_str(), draft.utc_offset_min), ("2022-03-02T10:00:00Z", Some(480)));
    assert_eq!(draft.quality_flags, ["payment-pending", "time-of-message"]);
    let firm = OLD.replace("PrvtId", "OrgId");
    let rows = read(&document("camt.053.001.04", "Stmt", &firm));
    let (draft, payment) = paid(&rows[0]);
    assert_eq!((payment.subject.len(), draft.quality_flags[0]), (0, "organisation-holder"));
}

#[test]
fn one_entry_may_stand_for_many_payments_and_a_bad_one_spoils_itself() {
    let tx = |reference: &str, amount: &str| {
        format!(
            "<TxDtls><Refs><AcctSvcrRef>{reference}</AcctSvcrRef></Refs><Amt Ccy='CNY'>{amount}</Amt><RltdPties><Dbtr><Nm>韩梅</Nm></Dbtr></RltdPties></TxDtls>"
        )
    };
    let many = format!(
        "<Ntry><Amt Ccy='CNY'>3</Amt><CdtDbtInd>CRDT</CdtDbtInd><BookgDt><DtTm>2022-03-01T10:00:00</DtTm></BookgDt><NtryDtls>{}{}</NtryDtls></Ntry>",
        tx("a", "1"),
        tx("b", "2")
    );
    let entries = format!(
        "{many}<Ntry><Amt Ccy='CNY'>x</Amt><BookgDt><Dt>2022-03-01</Dt></BookgDt></Ntry>{}",
        OLD.replace("<Sts>", "<Sts")
    );
    let rows = read(&document("camt.053.001.04", "Stmt", &entries));
    let payments: Vec<_> = rows[0]
        .as_ref()
        .expect("an entry")
        .iter()
        .filter_map(|draft| match &draft.body {
            Body::PaymentMade(payment) => payment.amount,
            _ => None,
        })
        .collect();
    assert_eq!(payments, [Decimal::from_unscaled(100), Decimal::from_unscaled(200)]);
    assert_eq!(rows[1].as_ref().expect_err("no amount").reason, Reason::ValueNumber);
    let negative = read(&document("camt.053.001.04", "Stmt", &OLD.replace("8.85", "-8.85")));
    assert_eq!(negative[0].as_ref().expect_err("a direction twice").reason, Reason::ValueNumber);
    assert_eq!(rows[2].as_ref().expect_err("no XML").reason, Reason::RowXml);
}

#[test]
fn a_reversal_takes_back() {
    let back = OLD.replace("<Sts>", "<RvslInd>true</RvslInd><Sts>");
    let rows = read(&document("camt.053.001.04", "Stmt", &back));
    let (_, payment) = paid(&rows[0]);
    assert_eq!((payment.amount, payment.reverses.as_deref()), (Decimal::parse("-8.85"), Some("R1")));
}

/// The key, version and whether it is pending, of each payment.
fn payments(rows: &[Mapped]) -> Vec<(String, Option<i64>, bool)> {
    let payment = |draft: &Draft| match &draft.body {
        Body::PaymentMade(payment) => Some((draft.source_record_id.expose().clone(), draft.version, payment.pending)),
        _ => None,
    };
    rows.iter().flat_map(|row| row.as_ref().expect("an entry")).filter_map(payment).collect()
}

#[test]
fn entries_that_share_a_reference_are_told_apart_by_amount_and_direction() {
    let other = OLD.replace("8.85", "99.99");
    let back = OLD.replace("CRDT", "DBIT");
    let reversed = OLD.replace("<Sts>", "<RvslInd>true</RvslInd><Sts>");
    let rows = read(&document("camt.053.001.02", "Stmt", &[OLD, &other, &back, &reversed].concat()));
    let keys: Vec<String> = payments(&rows).into_iter().map(|(key, ..)| key).collect();
    let expected = ["8.85C", "99.99C", "8.85D", "-8.85C"].map(|end| format!("entry:NL26VAYB8060476890:R1:{end}"));
    assert_eq!(keys, expected);
}

#[test]
fn equal_payments_under_one_reference_are_as_many_as_the_statement_lists() {
    let keys = |rows: &[Mapped]| payments(rows).into_iter().map(|(key, ..)| key).collect::<Vec<_>>();
    let numbered = |number: u8| OLD.replace("<AcctSvcrRef>", &format!("<NtryRef>{number}</NtryRef><AcctSvcrRef>"));
    let first = "entry:NL26VAYB8060476890:R1:8.85C".to_owned();
    for (one, two) in [(OLD.to_owned(), OLD.to_owned()), (numbered(1), numbered(2))] {
        let rows = read(&document("camt.053.001.02", "Stmt", &[one.as_str(), &two].concat()));
        assert_eq!(keys(&rows), [first.clone(), format!("{first}#2")]);
        // The booking of each is the record that it was while it was pending.
        let pending = [one.replace("BOOK", "PDNG"), two.replace("BOOK", "PDNG")].concat();
        let both = read(&document("camt.052.001.02", "Rpt", &[pending.as_str(), &one, &two].concat()));
        assert_eq!(keys(&both)[..2], keys(&both)[2..]);
    }
    // What another statement lists is the same payment.
    let twice = document("camt.053.001.02", "Stmt", &format!("{OLD}</Stmt><Stmt><Id>s2</Id>{OLD}"));
    let twice = twice.replace(
        "</Stmt><Stmt><Id>s2</Id>",
        "</Stmt><Stmt><Id>s2</Id><Acct><Id><IBAN>NL26VAYB8060476890</IBAN></Id></Acct>",
    );
    assert_eq!(keys(&read(&twice)), [first.clone(), first]);
    let tx = "<TxDtls><Refs><AcctSvcrRef>a</AcctSvcrRef></Refs><Amt Ccy='CNY'>1</Amt></TxDtls>";
    let entry = format!(
        "<Ntry><Amt Ccy='CNY'>2</Amt><CdtDbtInd>CRDT</CdtDbtInd><BookgDt><Dt>2022-03-01</Dt></BookgDt>\
         <NtryDtls>{tx}{tx}</NtryDtls></Ntry>"
    );
    let rows = read(&document("camt.054.001.04", "Ntfctn", &entry));
    assert_eq!(keys(&rows), ["entry:NL26VAYB8060476890:a:1.00C", "entry:NL26VAYB8060476890:a:1.00C/2"]);
}

/// A notification under an id of its own, and the keys of its payments and whether all are flagged.
fn notified(id: &str, entries: &str) -> (Vec<String>, bool) {
    let body = document("camt.054.001.08", "Ntfctn", entries)
        .replace("<Id>s1</Id>", &format!("<Id>{id}</Id>"))
        .replace("<MsgId>m<", &format!("<MsgId>of {id}<"));
    let rows = read(&body);
    let flagged = rows.iter().all(|row| paid(row).0.quality_flags.contains(&"entry-without-reference"));
    (payments(&rows).into_iter().map(|(key, ..)| key).collect(), flagged)
}

#[test]
fn a_payment_without_a_reference_is_one_in_two_files_where_its_content_tells_and_two_are_two() {
    let none = OLD.replace("<AcctSvcrRef>R1</AcctSvcrRef>", "");
    let dated = |time: &str| none.replace("<Dt>2022-03-01</Dt>", &format!("<DtTm>{time}</DtTm>"));
    let named = |id: &str| {
        let refs = format!("<TxDtls><Refs><EndToEndId>{id}</EndToEndId></Refs>");
        none.replace("<TxDtls>", &refs)
    };
    let other = |entry: &str| entry.replace("NL56AGDH9619008421", "NL02ABNA0123456789");
    let in_two = |one: &str, two: &str| {
        let ((first, one_flagged), (second, two_flagged)) = (notified("n1", one), notified("n2", two));
        assert!(one_flagged && two_flagged, "{one}");
        first == second
    };
    // Who paid, and when to the second, or under which id of theirs.
    let (at, later) = (dated("2022-03-01T10:11:12+08:00"), dated("2022-03-01T10:11:13+08:00"));
    assert!(in_two(&at, &at) && !in_two(&at, &later) && !in_two(&at, &other(&at)));
    let order = named("ORDER-7");
    assert!(in_two(&order, &order) && !in_two(&order, &named("ORDER-8")) && !in_two(&order, &other(&order)));
    // A day alone tells nothing, nor a word for no id; nor does a time at which anybody may have paid.
    let midnight = dated("2022-03-01T00:00:00+08:00");
    let unnamed = at.replace("Dbtr", "Cdtr");
    for entry in [none.clone(), named("NOTPROVIDED"), named("0"), midnight, unnamed] {
        assert!(!in_two(&entry, &entry), "{entry}");
        // The same statement once more says nothing new, and two equal ones in it are two.
        let twice = notified("n1", &entry.repeat(2)).0;
        assert_eq!((&twice[..1], twice[0] == twice[1]), (&notified("n1", &entry).0[..], false), "{entry}");
    }
    let twice = notified("n1", &at.repeat(2)).0;
    assert_ne!(twice[0], twice[1]);
}

#[test]
fn what_counts_entries_or_stands_for_no_reference_names_none() {
    for reference in ["<NtryRef>1</NtryRef>", "<AcctSvcrRef>NONREF</AcctSvcrRef>", "<AcctSvcrRef>0000</AcctSvcrRef>"] {
        let entry = OLD.replace("<AcctSvcrRef>R1</AcctSvcrRef>", reference);
        let (keys, flagged) = notified("n1", &entry);
        assert!(flagged && keys != notified("n2", &entry).0, "{reference}");
        // Without an id the statement is that of its message.
        let body = document("camt.054.001.08", "Ntfctn", &entry).replace("<Id>s1</Id>", "");
        let other = body.replace("<MsgId>m<", "<MsgId>n<");
        assert_ne!(payments(&read(&body))[0].0, payments(&read(&other))[0].0, "{reference}");
    }
    let long = OLD.replace("<AcctSvcrRef>R1</AcctSvcrRef>", "<NtryRef>20220301000017</NtryRef>");
    assert_eq!(notified("n1", &long), notified("n2", &long));
    assert!(!notified("n1", &long).1);
}

#[test]
fn amounts_of_currencies_with_thousandths_are_rounded_and_say_so() {
    for (text, hundredths, rounded) in
        [("12.345", 1235, true), ("8.85000", 885, false), ("0.00499", 0, true), ("1200", 120_000, false)]
    {
        let rows = read(&document("camt.053.001.02", "Stmt", &OLD.replace("8.85", text)));
        let (draft, payment) = paid(&rows[0]);
        assert_eq!(payment.amount, Some(Decimal::from_unscaled(hundredths)), "{text}");
        assert_eq!(draft.quality_flags.contains(&"amount-rounded"), rounded, "{text}");
    }
    for text in ["1,234.56", "1E3", "0.000001", "99999999999999999.99"] {
        let rows = read(&document("camt.053.001.02", "Stmt", &OLD.replace("8.85", text)));
        assert_eq!(rows[0].as_ref().expect_err("no amount").reason, Reason::ValueNumber, "{text}");
    }
}

#[test]
fn payments_of_one_reference_that_round_alike_stay_apart_and_one_amount_written_in_two_ways_is_one() {
    let keys = |entries: &[String]| {
        let rows = read(&document("camt.053.001.02", "Stmt", &entries.concat()));
        payments(&rows).into_iter().map(|(key, ..)| key).collect::<Vec<_>>()
    };
    let of = |amount: &str| OLD.replace("8.85", amount);
    let named = |ends: [&str; 2]| ends.map(|end| format!("entry:NL26VAYB8060476890:R1:{end}"));
    assert_eq!(keys(&[of("12.345"), of("12.346")]), named(["12.345C", "12.346C"]));
    // Alone, as a notification has it, it is the same payment.
    assert_eq!(keys(&[of("12.34600")]), named(["12.346C", ""])[..1]);
    assert_eq!(keys(&[of("8.85"), of("8.850")]), named(["8.85C", "8.85C#2"]));
    let stated = OLD.replace("<Sts>", "<RvslInd>false</RvslInd><Sts>");
    assert_eq!(keys(&[OLD.to_owned(), stated]), named(["8.85C", "8.85C#2"]));
    let back = OLD.replace("<Sts>", "<RvslInd>true</RvslInd><Sts>").replace("8.85", "0.001");
    assert_eq!(keys(&[of("0.001"), back]), named(["0.001C", "-0.001C"]));
    let negative = read(&document("camt.053.001.04", "Stmt", &of("-0.001")));
    assert_eq!(negative[0].as_ref().expect_err("a direction twice").reason, Reason::ValueNumber);
}

#[test]
fn an_empty_reference_of_the_bank_is_none() {
    for empty in ["<AcctSvcrRef></AcctSvcrRef>", "<AcctSvcrRef> </AcctSvcrRef>", "<AcctSvcrRef />"] {
        let entry = |reference: &str| {
            let references = format!("<NtryRef>{reference}</NtryRef>{empty}");
            OLD.replace("<AcctSvcrRef>R1</AcctSvcrRef>", &references)
        };
        let rows = read(&document("camt.053.001.02", "Stmt", &[entry("A"), entry("B")].concat()));
        let keys: Vec<String> = payments(&rows).into_iter().map(|(key, ..)| key).collect();
        let expected = ["A", "B"].map(|reference| format!("entry:NL26VAYB8060476890:{reference}:8.85C"));
        assert_eq!(keys, expected, "{empty}");
    }
}

#[test]
fn a_statement_is_read_in_the_encoding_that_it_declares() {
    let body = document("camt.053.001.02", "Stmt", OLD).replace("UTF-8", "GB18030");
    let (bytes, ..) = encoding_rs::GB18030.encode(&body);
    let rows = read_bytes(&bytes);
    let Body::IdentityObserved(payer) = &rows[0].as_ref().expect("an entry")[0].body else { panic!("a payer") };
    assert_eq!(payer.person.names[0].text.expose(), "李雷");
}

#[test]
fn what_is_not_booked_yet_is_the_same_record_with_a_version_below_the_booking() {
    let pending = OLD.replace("BOOK", "PDNG");
    let rows = read(&document("camt.052.001.08", "Rpt", &[&pending, OLD].concat()));
    let payments = payments(&rows);
    assert_eq!(payments[0].0, payments[1].0);
    assert_eq!((payments[0].1, payments[0].2), (Some(0), true));
    assert_eq!((payments[1].1, payments[1].2), (None, false), "by arrival, which is higher than any of those");
}

#[test]
fn a_firm_that_is_only_named_is_an_organisation() {
    let named = |name: &str| {
        let entry = "<Ntry><Amt Ccy='EUR'>5</Amt><CdtDbtInd>CRDT</CdtDbtInd><BookgDt><Dt>2022-03-01</Dt></BookgDt>\
                     <AcctSvcrRef>R2</AcctSvcrRef><NtryDtls><TxDtls><RltdPties><Dbtr><Nm>NAME</Nm></Dbtr></RltdPties>\
                     </TxDtls></NtryDtls></Ntry>";
        let rows = read(&document("camt.054.001.04", "Ntfctn", &entry.replace("NAME", name)));
        let (draft, payment) = paid(&rows[0]);
        (payment.subject.len(), draft.quality_flags.contains(&"organisation-holder"))
    };
    assert_eq!(named("Beispiel GmbH"), (0, true));
    assert_eq!(named("苏州某某贸易有限公司"), (0, true));
    assert!(!named("李雷").1);
    // Who has a person's number is a person, whatever the name.
    let person = OLD.replace("李雷", "Li Ltd");
    let rows = read(&document("camt.053.001.04", "Stmt", &person));
    assert!(!paid(&rows[0]).1.subject.is_empty());
}

#[test]
fn a_direction_that_there_is_not_is_named() {
    let rows = read(&document("camt.053.001.08", "Stmt", &OLD.replace("CRDT", "XXXX")));
    let error = rows[0].as_ref().expect_err("no direction");
    assert_eq!((error.reason, error.field.as_deref()), (Reason::ValueUnknown, Some("CdtDbtInd")));
}

#[test]
fn days_have_their_zone_and_end_at_midnight() {
    let at = |day: &str| {
        let rows = read(&document("camt.053.001.08", "Stmt", &OLD.replace("<Dt>2022-03-01</Dt>", day)));
        let told = |_: &Vec<Draft>| {
            let draft = paid(&rows[0]).0;
            (draft.event_time.to_string(), draft.offset_assumed)
        };
        rows[0].as_ref().map(told).map_err(|error| error.message.clone())
    };
    assert_eq!(at("<DtTm>2022-03-01T24:00:00</DtTm>"), Ok(("2022-03-01T16:00:00Z".to_owned(), true)));
    assert_eq!(at("<DtTm>2022-03-01T24:00:00+01:00</DtTm>"), Ok(("2022-03-01T23:00:00Z".to_owned(), false)));
    assert_eq!(at("<Dt>2022-03-01+01:00</Dt>"), Ok(("2022-02-28T23:00:00Z".to_owned(), false)));
    assert_eq!(at("<Dt>2022-03-01Z</Dt>"), Ok(("2022-03-01T00:00:00Z".to_owned(), false)));
    assert!(at("<Dt>2022-02-29</Dt>").expect_err("no leap year").contains("that there is not"));
    assert!(at("<Dt>1 March</Dt>").expect_err("no form").contains("ISO 8601"));
}

#[test]
fn whom_a_company_pays_for_is_the_payer() {
    let wallet = OLD
        .replace("<Dbtr><Nm>李雷</Nm>", "<Dbtr><Nm>支付宝网络技术有限公司</Nm>")
        .replace("PrvtId", "OrgId")
        .replace("<DbtrAcct>", "<UltmtDbtr><Pty><Nm>王五</Nm></Pty></UltmtDbtr><DbtrAcct>");
    let rows = read(&document("camt.054.001.08", "Ntfctn", &wallet));
    let Body::IdentityObserved(who) = &rows[0].as_ref().expect("an entry")[0].body else { panic!("a statement") };
    assert_eq!((who.person.names[0].text.expose().as_str(), who.person.claims.len()), ("王五", 0));
}

#[test]
fn a_statement_without_entries_is_told() {
    let mut feeds = crate::feeds(None).expect("sound profiles").into_iter();
    let feed = feeds.find(|feed| feed.id().as_str() == "bank-statements").expect("a built-in feed");
    let told = |body: &str| {
        let mut reader = feed.open(Box::new(body.as_bytes())).expect("a body that fits");
        while reader.next_row().expect("readable").is_some() {}
        reader.notices().into_iter().map(|notice| notice.code).collect::<Vec<_>>()
    };
    assert_eq!(told(&document("camt.053.001.08", "Stmt", "")), ["statements-empty"]);
    assert_eq!(told(&document("camt.053.001.08", "Stmt", OLD)), Vec::<String>::new());
}
