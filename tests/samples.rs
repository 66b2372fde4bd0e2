//! Files as senders really send them, from a folder beside the repository: what each becomes. Where there is no such
//! folder, the test says so and passes.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use connector::{Feed, preview};
use domain::Timestamp;
use test_support::build::token_key;

/// File, feed, rows, rows in quarantine, records that the others state: two rows that state one record would be one row
/// fewer than the sender sent.
const EXPECTED: &[(&str, &str, usize, usize, usize)] = &[
    ("hl7v2/adt/ADT-A01-01.hl7", "hospital-hl7", 1, 0, 2),
    ("hl7v2/adt/ADT-A01-02.hl7", "hospital-hl7", 1, 0, 2),
    ("hl7v2/adt/ADT-A02-01.hl7", "hospital-hl7", 1, 0, 2),
    ("hl7v2/adt/ADT-A03-01.hl7", "hospital-hl7", 1, 0, 2),
    ("hl7v2/adt/ADT-A04-02.hl7", "hospital-hl7", 1, 0, 2),
    ("hl7v2/adt/ADT-A08-02.hl7", "hospital-hl7", 1, 0, 2),
    ("hl7v2/adt/ADT-A11-01.hl7", "hospital-hl7", 1, 0, 2),
    ("hl7v2/adt/ADT-A28-02.hl7", "hospital-hl7", 1, 0, 1),
    ("hl7v2/adt/ADT-A31-01.hl7", "hospital-hl7", 1, 0, 1),
    ("hl7v2/adt/ADT-A40-01.hl7", "hospital-hl7", 1, 0, 2),
    ("hl7v2/adt/ADT01-23.hl7", "hospital-hl7", 1, 0, 2),
    ("hl7v2/adt/ADT04-251.hl7", "hospital-hl7", 1, 0, 2),
    ("hl7v2/oru/CE-20200415-0001.hl7", "hospital-hl7", 1, 0, 2),
    ("hl7v2/oru/EHT-20210316-0001.hl7", "hospital-hl7", 1, 0, 2),
    ("hl7v2/oru/LAB-ORU-1.hl7", "hospital-hl7", 1, 0, 11),
    ("hl7v2/oru/ORU-R01-RMGEAD.hl7", "hospital-hl7", 1, 0, 2),
    ("fhir/bundles/sample_SR_1_20230302-0001.hl7", "hospital-hl7", 1, 0, 4),
    ("lab-csv/sample-single-pdi-20210608-0002.hl7", "hospital-hl7", 1, 0, 2),
    ("fhir/bundles/sample_SR_1_20230302-0001.fhir", "hospital-fhir", 8, 0, 8),
    ("fhir/bulk-10-patients/Condition.000.ndjson", "hospital-fhir", 555, 0, 555),
    ("fhir/bulk-10-patients/Encounter.000.ndjson", "hospital-fhir", 1215, 0, 1215),
    ("fhir/bulk-10-patients/Immunization.000.ndjson", "hospital-fhir", 161, 0, 161),
    ("fhir/bulk-10-patients/Location.000.ndjson", "hospital-fhir", 44, 0, 44),
    ("fhir/bulk-10-patients/Organization.000.ndjson", "hospital-fhir", 43, 0, 43),
    ("fhir/bulk-10-patients/Patient.000.ndjson", "hospital-fhir", 13, 0, 13),
    ("fhir/bulk-10-patients/log.ndjson", "hospital-fhir", 4, 4, 0),
    ("edifact/paxlst/Test1.txt", "air-passengers", 8, 0, 16),
    ("edifact/paxlst/apisMessage.txt", "air-passengers", 2, 0, 5),
    ("edifact/paxlst/multiple_flight_leg_apis.txt", "air-passengers", 2, 0, 8),
    ("edifact/paxlst/typeb_wrapped_A.txt", "air-passengers", 1, 0, 2),
    ("edifact/pnrgov/2_pnrs_basic.edi", "air-passengers", 2, 0, 12),
    ("edifact/pnrgov/codeshare.edi", "air-passengers", 2, 0, 4),
    ("edifact/pnrgov/infant.edi", "air-passengers", 1, 0, 4),
    ("edifact/pnrgov/no_pnr_history.edi", "air-passengers", 3, 0, 9),
    ("edifact/pnrgov/pnrMessage.txt", "air-passengers", 1, 0, 6),
    ("edifact/pnrgov/pnrMessagePg75.txt", "air-passengers", 2, 0, 4),
    ("edifact/pnrgov/pnrMessagePg77.txt", "air-passengers", 1, 0, 3),
    ("edifact/pnrgov/pnrNoOrgMsg.txt", "air-passengers", 1, 0, 2),
    ("iso20022/camt053.v2.minimal.xml", "bank-statements", 1, 0, 2),
    ("iso20022/camt053.v4.xml", "bank-statements", 1, 0, 2),
    ("iso20022/camt053.v8.xml", "bank-statements", 1, 0, 2),
    ("iso20022/camt054.v4.xml", "bank-statements", 1, 0, 3),
    ("iso20022/camt054.v8-with-UETR.xml", "bank-statements", 1, 0, 1),
    ("iso8583/financial_transaction_message.dat", "card-messages", 1, 0, 1),
    ("iso8583/iso_reversal_message.dat", "card-messages", 1, 1, 0),
    ("lab-csv/sample-single-pdi-20210608-0002.csv", "lab-results-pdi", 1, 0, 2),
];

fn feeds() -> Vec<Arc<dyn Feed>> {
    let services = [connector_hospital::feeds(None), connector_payment::feeds(None), connector_transport::feeds(None)];
    services.into_iter().flat_map(|feeds| feeds.expect("sound profiles")).collect()
}

#[test]
fn each_file_of_the_samples_becomes_what_its_sender_meant() {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/samples"));
    if !folder.is_dir() {
        eprintln!("skipped: there is no folder of samples beside the repository");
        return;
    }
    let now = Timestamp::parse("2026-11-01T00:00:00Z").expect("an instant");
    let feeds = feeds();
    let mut differing = Vec::new();
    for &(file, feed, rows, quarantined, records) in EXPECTED {
        let body = std::fs::read(folder.join(file)).expect(file);
        let feed = feeds.iter().find(|known| known.id().as_str() == feed).expect(feed);
        let read = preview(&**feed, &body, &token_key(), now).expect(file);
        let failed = read.iter().filter(|(_, result)| result.is_err()).count();
        let drafts = read.iter().filter_map(|(_, result)| result.as_ref().ok()).flatten();
        let keys: BTreeSet<_> =
            drafts.map(|draft| (draft.body.event_type().topic(), draft.source_record_id.expose().clone())).collect();
        if (read.len(), failed, keys.len()) != (rows, quarantined, records) {
            differing.push((file, read.len(), failed, keys.len()));
        }
    }
    assert!(differing.is_empty(), "file, rows, in quarantine, records: {differing:#?}");
}
