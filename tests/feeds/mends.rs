//! Mended rows of a form that has no room for a mark.

use reqwest::Client;

use crate::site::Site;

/// A list of travellers; the document of the second cannot be one.
fn list(interchange: u32, document: &str) -> String {
    let traveller = |name: &str, document: &str| {
        format!(
            "NAD+FL+++{name}'\nDTM+329:800102'\nLOC+178+PEK'\nLOC+179+ICN'\nDOC+P:110:111+{document}'\nLOC+91+IRL'\n"
        )
    };
    format!(
        "UNA:+.? 'UNB+UNOA:4+XX+YY+220301:0545+{interchange}++YY'\nUNH+1+PAXLST:D:05B:UN:IATA'\nBGM+745'\nTDT+20+XX877+++XX'\n\
         LOC+92+PEK'\nDTM+189:2203011500:201'\nLOC+92+ICN'\nDTM+232:2203011855:201'\n{}{}CNT+42:2'\nUNT+20+1'\nUNZ+1+{interchange}'\n",
        traveller("OBRIEN:PAT", "PA1234567"),
        traveller("MURPHY:ANNA", document),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn travellers_of_a_list_are_mended_by_the_list_without_marks() {
    let site = Site::start("", &[]).await;
    let token = site.feed_token("air-passengers");
    let (status, failed) = site.push("air-passengers", "", &token, list(7, "!!!")).await;
    assert_eq!((status, &failed["accepted"], &failed["quarantined"]), (201, &1.into(), &1.into()), "{failed}");
    let link = failed["links"]["quarantined_file"].as_str().expect("a link");
    let file = Client::new().get(format!("{}{link}", site.base)).bearer_auth(&token).send().await.expect("an answer");
    let file = file.text().await.expect("text");
    assert!(file.contains("PAT") && file.contains("!!!"), "both travellers share the message: {file}");

    let mends = format!("?mends={}", failed["batch_id"].as_str().expect("an id"));
    let (status, mended) = site.push("air-passengers", &mends, &token, file.replace("!!!", "PB7654321")).await;
    assert_eq!((status, &mended["rows"], &mended["quarantined"]), (201, &2.into(), &0.into()), "{mended}");
    let rows = failed["links"]["rows"].as_str().expect("a link");
    let (_, row) = site.get(&format!("{rows}/2"), &token).await;
    assert_eq!(row["failure"]["state"], "mended", "{row}");
    assert_eq!(row["failure"]["mended_by"]["batch_id"], mended["batch_id"]);
}
