-- Names behind handles of the access log: who asked, who agreed, and when it was shown, once.
CREATE TABLE audit.name_request (
    request_id  uuid   PRIMARY KEY,
    subject     text   NOT NULL,
    index       bigint NOT NULL CHECK (index >= 0),
    reason      text   NOT NULL,
    asked_by    text   NOT NULL,
    asked_ms    bigint NOT NULL,
    approved_by text,
    approved_ms bigint,
    shown_ms    bigint,
    CHECK ((approved_by IS NULL) = (approved_ms IS NULL)),
    CHECK (approved_by <> asked_by),
    CHECK (shown_ms IS NULL OR approved_ms IS NOT NULL)
);
COMMENT ON TABLE audit.name_request IS 'Requests for the name behind a handle of the access log. A name is shown once, to whoever asked, after somebody else agreed.';
COMMENT ON COLUMN audit.name_request.subject IS 'Handle of the person, hexadecimal.';
COMMENT ON COLUMN audit.name_request.index IS 'Entry of the access log that it is about.';
