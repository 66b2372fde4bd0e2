//! Requests in the roles of the town, and responses whole.

use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode, header};
use serde_json::Value;

/// The number of an open case of the town, which no unit has for itself and whose person nobody knows.
pub(crate) const CASE: &str = "2022-0008";

/// A response, whole.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Vec<u8>,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).expect("json")
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    pub(crate) fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or("").to_owned()
    }

    pub(crate) fn receipt(&self) -> Option<&str> {
        self.headers.get(query_api::RECEIPT_HEADER)?.to_str().ok()
    }
}

/// A request in the making.
pub(crate) struct Ask {
    pub(crate) method: &'static str,
    pub(crate) path: String,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Option<Vec<u8>>,
}

pub(crate) fn get(path: impl Into<String>) -> Ask {
    Ask { method: "GET", path: path.into(), headers: Vec::new(), body: None }
}

pub(crate) fn find(body: &str) -> Ask {
    let ask = Ask { method: "POST", path: "/v1/persons/find".to_owned(), headers: Vec::new(), body: None };
    ask.header("content-type", "application/json").body(body)
}

pub(crate) fn post(path: &str, body: &str) -> Ask {
    get(path).post().header("content-type", "application/json").body(body)
}

pub(crate) fn delete(path: &str, body: &str) -> Ask {
    Ask { method: "DELETE", ..get(path) }.header("content-type", "application/json").body(body)
}

impl Ask {
    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    pub(crate) fn body(mut self, body: impl AsRef<[u8]>) -> Self {
        self.body = Some(body.as_ref().to_vec());
        self
    }

    pub(crate) fn post(mut self) -> Self {
        self.method = "POST";
        self
    }

    pub(crate) fn by(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    pub(crate) fn purpose(self, purpose: &str) -> Self {
        self.header("isthmus-purpose", purpose)
    }

    pub(crate) fn case(self, case: &str) -> Self {
        self.header("isthmus-case", case)
    }

    /// Stating a case that everybody of disease control may work on.
    pub(crate) fn for_a_case(self) -> Self {
        self.case(CASE)
    }

    pub(crate) fn request(self) -> Request<Body> {
        let mut request = Request::builder().method(self.method).uri(&self.path);
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        if let Some(body) = &self.body {
            request = request.header(header::CONTENT_LENGTH, body.len());
        }
        request.body(Body::from(self.body.unwrap_or_default())).expect("a request")
    }

    /// As a tracer who works on a case.
    pub(crate) fn tracing(self) -> Self {
        self.by("tracer").purpose("PUBHLTH").for_a_case()
    }

    /// As a data steward.
    pub(crate) fn reviewing(self) -> Self {
        self.by("steward").purpose("HOPERAT")
    }

    /// As an operator.
    pub(crate) fn operating(self) -> Self {
        self.by("operator").purpose("HOPERAT")
    }

    /// As an auditor.
    pub(crate) fn auditing(self) -> Self {
        self.by("auditor").purpose("HOPERAT")
    }

    pub(crate) fn looking_after(self, token: &str) -> Self {
        self.by(token).purpose("PUBHLTH")
    }

    pub(crate) fn own(self, token: &str) -> Self {
        self.by(token).purpose("PATRQT")
    }
}
