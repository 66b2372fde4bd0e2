-- Emergency grants: what was asked for, and what was done about it. Rows are only added.
CREATE TABLE access.grant_request (
    grant_id     uuid    PRIMARY KEY,
    area         text    NOT NULL,
    purpose      text    NOT NULL,
    roles        text[]  NOT NULL,
    groups       text[]  NOT NULL,
    reason       text    NOT NULL CHECK (reason IN ('OUTBREAK', 'DISASTER', 'SEARCH', 'OTHER')),
    minutes      integer NOT NULL CHECK (minutes BETWEEN 1 AND 1440),
    requester    text    NOT NULL,
    unit         text    NOT NULL,
    requested_ms bigint  NOT NULL,
    nonce        uuid    NOT NULL
);
COMMENT ON TABLE access.grant_request IS 'Emergency grants as they were asked for. The id is a hash of the row, and the access log says who approved which id.';
COMMENT ON COLUMN access.grant_request.unit IS 'Organisation and unit of the requester, as the access log has them.';
CREATE TABLE access.grant_act (
    seq          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    grant_id     uuid   NOT NULL REFERENCES access.grant_request,
    act          text   NOT NULL CHECK (act IN ('APPROVED', 'STOPPED', 'REVIEWED')),
    handle       text   NOT NULL,
    unit         text   NOT NULL,
    at_ms        bigint NOT NULL,
    reason       text,
    ledger_index bigint NOT NULL CHECK (ledger_index >= 0)
);
COMMENT ON TABLE access.grant_act IS 'What was done about a grant. An approval counts when the entry of the access log that it names says the same.';
COMMENT ON COLUMN access.grant_act.reason IS 'Why it was stopped, or what a review came to.';
CREATE INDEX grant_act_by_grant ON access.grant_act (grant_id, seq);
CREATE TABLE access.heartbeat (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    latest_ms bigint  NOT NULL
);
COMMENT ON TABLE access.heartbeat IS 'The latest instant that a process saw while a grant was active: a clock that is behind it was set back.';
INSERT INTO access.heartbeat (latest_ms) VALUES (0);
