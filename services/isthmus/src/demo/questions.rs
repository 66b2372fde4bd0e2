//! Sample questions, asked over HTTP in several roles as their programs would, each with the receipt of its answer.

use anyhow::{Context, bail, ensure};
use serde_json::{Value, json};
use uuid::Uuid;

/// A grid that nobody lives in.
pub(crate) const NO_GRID: &str = "000000000000G00";

/// A caller with a token and a reason.
#[derive(Clone, Copy)]
pub(crate) struct Asker<'a> {
    /// The HTTP client.
    pub(crate) client: &'a reqwest::Client,
    /// Address of the query API.
    pub(crate) base: &'a str,
    /// Role, for the reader.
    pub(crate) role: &'static str,
    /// The token.
    pub(crate) token: &'a str,
    /// Purpose that is stated.
    pub(crate) purpose: &'static str,
    /// Case that is stated, if any.
    pub(crate) case: Option<&'a str>,
}

/// An answer as the demo shows it.
pub(crate) struct Answer {
    /// HTTP status.
    pub(crate) status: u16,
    /// The body.
    pub(crate) body: Value,
    /// Receipt id of the ledger.
    pub(crate) receipt: String,
}

impl Answer {
    /// An answer of another kind than the demo is about to show is a defect.
    fn must_be(&self, status: u16) -> anyhow::Result<()> {
        ensure!(
            self.status == status,
            "a sample question was answered {}, not {status}: {}",
            self.status,
            self.body["code"]
        );
        Ok(())
    }
}

impl Asker<'_> {
    /// Asks with GET.
    pub(crate) async fn get(&self, path: &str) -> anyhow::Result<Answer> {
        self.send(self.client.get(format!("{}{path}", self.base))).await
    }

    /// Asks with POST.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Answer> {
        self.send(self.client.post(format!("{}{path}", self.base)).json(body)).await
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> anyhow::Result<Answer> {
        let mut request = request.bearer_auth(self.token).header("Isthmus-Purpose", self.purpose);
        if let Some(case) = self.case {
            request = request.header("Isthmus-Case", case);
        }
        let response = request.send().await.context("the query API does not answer")?;
        let status = response.status().as_u16();
        let receipt = response.headers().get("Isthmus-Receipt").and_then(|value| value.to_str().ok());
        let receipt = receipt.unwrap_or("none").to_owned();
        let body = response.json().await.context("the answer is not JSON")?;
        Ok(Answer { status, body, receipt })
    }

    /// One line for the reader: who asked what, what came, and the receipt.
    fn tell(&self, question: &str, answer: &Answer, found: &str) {
        println!("  {:<17} {question}", self.role);
        println!("  {:<17} → {} {found}; ledger receipt {}", "", answer.status, answer.receipt);
    }
}

/// The person that the questions are about: where the tracer begins, and who answers for the person.
pub(crate) struct Sample {
    /// A phone of the person, as a register states it.
    pub(crate) phone: String,
}

/// Asks as a tracer who begins with a phone number. Gives the person and the community unit that looks after them.
pub(crate) async fn trace(tracer: &Asker<'_>, sample: &Sample, from: &str, to: &str) -> anyhow::Result<(Uuid, String)> {
    let question = json!({ "identifiers": [{ "scheme": "MSISDN", "value": sample.phone }] });
    let found = tracer.post("/v1/persons/find", &question).await?;
    // A phone may lead to several persons, such as a family; the one who lives in a known grid is the story's.
    let unit_of = |card: &Value| card["residence"]["community_unit"].as_str().unwrap_or_default().to_owned();
    let persons = found.body["persons"].as_array().cloned().unwrap_or_default();
    let card = persons.iter().find(|card| !unit_of(card).is_empty()).or(persons.first()).cloned().unwrap_or_default();
    let Some(person) = card["person_id"].as_str().and_then(|id| Uuid::parse_str(id).ok()) else {
        bail!("the sample person was not found: {}", found.body["code"]);
    };
    found.must_be(200)?;
    tracer.tell("whose phone is this?", &found, &format!("person {person}"));
    let unit = match unit_of(&card) {
        unit if unit.is_empty() => NO_GRID.to_owned(),
        unit => unit,
    };
    let timeline = tracer.get(&format!("/v1/persons/{person}/timeline?from={from}&to={to}")).await?;
    timeline.must_be(200)?;
    let facts = timeline.body["facts"].as_array().map_or(0, Vec::len);
    tracer.tell("where were they in these days?", &timeline, &format!("{facts} facts"));
    Ok((person, unit))
}

/// Asks for the person's file and shows which groups were given and withheld.
pub(crate) async fn read(asker: &Asker<'_>, question: &str, person: Uuid, status: u16) -> anyhow::Result<()> {
    let answer = asker.get(&format!("/v1/persons/{person}")).await?;
    answer.must_be(status)?;
    let found = if answer.status == 200 {
        let withheld = answer.body["withheld"].as_array().map_or(0, Vec::len);
        let sources = answer.body["records"].as_u64().unwrap_or(0);
        format!("a file from {sources} source records, {withheld} field groups withheld")
    } else {
        answer.body["title"].as_str().unwrap_or("refused").to_owned()
    };
    asker.tell(question, &answer, &found);
    Ok(())
}

/// Asks as an auditor for the access log.
pub(crate) async fn audit(auditor: &Asker<'_>) -> anyhow::Result<()> {
    let answer = auditor.get("/v1/ledger/entries?limit=100").await?;
    answer.must_be(200)?;
    let entries = answer.body["entries"].as_array().map_or(0, Vec::len);
    auditor.tell("who looked at whom?", &answer, &format!("{entries} entries"));
    Ok(())
}
