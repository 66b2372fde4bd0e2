-- What departments pushed, and what became of every row.
CREATE TABLE ingest.feed_token (
    token_sha256 bytea       PRIMARY KEY CHECK (octet_length(token_sha256) = 32),
    feed         text        NOT NULL CHECK (feed <> ''),
    label        text        NOT NULL CHECK (label <> ''),
    created_at   timestamptz NOT NULL DEFAULT now(),
    revoked_at   timestamptz
);
COMMENT ON TABLE ingest.feed_token IS 'Bearer tokens of senders; a token opens its feed only.';
COMMENT ON COLUMN ingest.feed_token.token_sha256 IS 'SHA-256 of the token; the token itself is kept nowhere.';
COMMENT ON COLUMN ingest.feed_token.label IS 'Who holds it, in the operator''s words.';

CREATE TABLE ingest.batch (
    batch_id        uuid        PRIMARY KEY,
    arrival         bigint      NOT NULL GENERATED ALWAYS AS IDENTITY,
    feed            text        NOT NULL,
    sha256          bytea       NOT NULL CHECK (octet_length(sha256) = 32),
    framing         text        NOT NULL CHECK (framing IN ('file', 'messages')),
    bytes           bigint      NOT NULL,
    state           text        NOT NULL CHECK (state IN ('processing', 'done', 'refused')),
    received_at     timestamptz NOT NULL,
    profile_version text        NOT NULL,
    finished_at     timestamptz,
    data_start      bigint      NOT NULL DEFAULT 0,
    next_row        bigint      NOT NULL DEFAULT 1,
    accepted        bigint      NOT NULL DEFAULT 0,
    duplicate       bigint      NOT NULL DEFAULT 0,
    superseded      bigint      NOT NULL DEFAULT 0,
    quarantined     bigint      NOT NULL DEFAULT 0,
    events          bigint      NOT NULL DEFAULT 0,
    notices         jsonb       NOT NULL DEFAULT '[]',
    refusal_code    text,
    refusal_message text,
    -- No row without an outcome: the law is a constraint, too.
    CHECK (next_row - 1 = accepted + duplicate + superseded + quarantined),
    CHECK ((state = 'processing') = (finished_at IS NULL)),
    CHECK ((state = 'refused') = (refusal_code IS NOT NULL))
);
CREATE UNIQUE INDEX batch_by_feed ON ingest.batch (feed, arrival);
CREATE INDEX batch_unfinished ON ingest.batch (feed, arrival) WHERE state = 'processing';
COMMENT ON TABLE ingest.batch IS 'One pushed body (or one group of messages), how far it is read, and its receipt.';
COMMENT ON COLUMN ingest.batch.arrival IS 'Order in which bodies came: unfinished ones are read in it.';
COMMENT ON COLUMN ingest.batch.sha256 IS 'SHA-256 of the stored body, by which the raw store names it.';
COMMENT ON COLUMN ingest.batch.framing IS 'How the stored body is cut: a file by its feed''s profile, or messages in MLLP blocks.';
COMMENT ON COLUMN ingest.batch.data_start IS 'Bytes before the first row: mark, preamble and header.';
COMMENT ON COLUMN ingest.batch.next_row IS 'First row without an outcome; a crash goes on here.';
COMMENT ON COLUMN ingest.batch.profile_version IS 'The version of the profile that read it (last, if it changed meanwhile).';
COMMENT ON COLUMN ingest.batch.notices IS 'What is worth telling the sender about the file as a whole: code, message, columns.';
COMMENT ON COLUMN ingest.batch.events IS 'Events appended to the log for the rows.';

CREATE TABLE ingest.profile (
    feed       text        NOT NULL,
    version    text        NOT NULL,
    text       text        NOT NULL,
    first_seen timestamptz NOT NULL,
    PRIMARY KEY (feed, version)
);
COMMENT ON TABLE ingest.profile IS 'Every version of a profile that ever read a row, as its file stood.';
COMMENT ON COLUMN ingest.profile.version IS 'The owner''s number and the begin of the fingerprint, as receipts name it.';

CREATE TABLE ingest.profile_change (
    batch_id uuid   NOT NULL REFERENCES ingest.batch ON DELETE CASCADE,
    row_from bigint NOT NULL,
    version  text   NOT NULL,
    PRIMARY KEY (batch_id, row_from)
);
COMMENT ON TABLE ingest.profile_change IS 'Batches that a crash cut in two and another version of the profile read on: which version read the rows from row_from on (0: from the first).';

CREATE TABLE ingest.quality_day (
    feed         text        NOT NULL,
    day          date        NOT NULL,
    batches      bigint      NOT NULL,
    rows         bigint      NOT NULL,
    quarantined  bigint      NOT NULL,
    late         bigint      NOT NULL,
    reused       bigint      NOT NULL,
    looked       bigint      NOT NULL,
    empty        jsonb       NOT NULL,
    codes        jsonb       NOT NULL,
    refusals     jsonb       NOT NULL,
    columns      text[]      NOT NULL,
    last_arrival timestamptz NOT NULL,
    PRIMARY KEY (feed, day)
);
COMMENT ON TABLE ingest.quality_day IS 'What each feed was like on each day of arrival: counters, names of columns, nothing of any row.';
COMMENT ON COLUMN ingest.quality_day.late IS 'Rows about what happened long before they came; what was gathered before a crash is not counted, as in reused, looked and empty.';
COMMENT ON COLUMN ingest.quality_day.reused IS 'Rows whose identity number came with another name before.';
COMMENT ON COLUMN ingest.quality_day.looked IS 'Rows of which the fields were looked at: a sample.';
COMMENT ON COLUMN ingest.quality_day.empty IS 'Fields that were empty in them, and in how many.';
COMMENT ON COLUMN ingest.quality_day.codes IS 'Quarantined rows by reason code.';
COMMENT ON COLUMN ingest.quality_day.refusals IS 'Bodies that were refused as a whole, by reason code.';
COMMENT ON COLUMN ingest.quality_day.columns IS 'Columns of the day''s files that the profile does not know, or misses.';

CREATE TABLE ingest.run (
    batch_id uuid   NOT NULL REFERENCES ingest.batch ON DELETE CASCADE,
    row_from bigint NOT NULL,
    row_to   bigint NOT NULL CHECK (row_to >= row_from),
    outcome  text   NOT NULL CHECK (outcome IN ('accepted', 'duplicate', 'superseded', 'quarantined')),
    of_arrival bigint,
    of_row     bigint,
    PRIMARY KEY (batch_id, row_from),
    CHECK ((of_arrival IS NULL) = (of_row IS NULL))
);
COMMENT ON TABLE ingest.run IS 'Receipts of rows: stretches of neighbouring rows with one outcome.';
COMMENT ON COLUMN ingest.run.of_arrival IS 'Batch of the row that the first row repeats or that overtook it, by its arrival.';
COMMENT ON COLUMN ingest.run.of_row IS 'That row; each further row of the stretch has the next one.';

CREATE TABLE ingest.quarantined_row (
    batch_id    uuid   NOT NULL REFERENCES ingest.batch ON DELETE CASCADE,
    feed        text   NOT NULL,
    row         bigint NOT NULL,
    line        bigint NOT NULL,
    byte_offset bigint NOT NULL,
    byte_length bigint NOT NULL,
    field       text,
    code        text   NOT NULL,
    message     text   NOT NULL,
    at_arrival  bigint NOT NULL,
    at_row      bigint NOT NULL,
    record_id   uuid,
    settled_from bigint,
    state       text   NOT NULL DEFAULT 'open'
        CHECK (state IN ('open', 'resent', 'mended', 'replayed', 'discarded')),
    by_arrival  bigint,
    by_row      bigint,
    resolved_at timestamptz,
    reason      text,
    PRIMARY KEY (batch_id, row),
    CHECK ((record_id IS NULL) = (settled_from IS NULL)),
    CHECK ((state IN ('open', 'resent')) = (resolved_at IS NULL)),
    CHECK ((state IN ('resent', 'mended')) = (by_arrival IS NOT NULL AND by_row IS NOT NULL)),
    CHECK (state IN ('open', 'resent', 'mended') OR reason IS NOT NULL)
);
CREATE INDEX quarantined_row_open ON ingest.quarantined_row (batch_id, row) WHERE state = 'open';
CREATE INDEX quarantined_row_record ON ingest.quarantined_row (feed, record_id)
    WHERE state IN ('open', 'resent') AND record_id IS NOT NULL;
CREATE INDEX quarantined_row_place ON ingest.quarantined_row (feed, at_arrival, at_row)
    WHERE state IN ('open', 'resent');
COMMENT ON TABLE ingest.quarantined_row IS 'Rows that could not be used and why. The bytes stay in the raw store, at byte_offset of the body.';
COMMENT ON COLUMN ingest.quarantined_row.at_arrival IS 'With at_row the place in the order of arrival that the row has: its own, or that of the row it mends.';
COMMENT ON COLUMN ingest.quarantined_row.record_id IS 'The record (or message) that the row is about, where that could be read.';
COMMENT ON COLUMN ingest.quarantined_row.settled_from IS 'A later row that states this version of the record, or a higher one, mends the row.';
COMMENT ON COLUMN ingest.quarantined_row.state IS 'open; resent: it came again, and the row that came fails, too; mended by the sender with another row; replayed or discarded by an operator.';
COMMENT ON COLUMN ingest.quarantined_row.by_arrival IS 'With by_row the row that mends it, or that came in its place.';
COMMENT ON COLUMN ingest.quarantined_row.reason IS 'Why an operator replayed or discarded it.';

CREATE TABLE ingest.seen (
    record_id uuid   NOT NULL,
    version   bigint NOT NULL,
    content   uuid   NOT NULL,
    reading   integer NOT NULL DEFAULT 0,
    sole      boolean NOT NULL,
    arrival   bigint NOT NULL,
    row       bigint NOT NULL,
    until     bigint NOT NULL,
    PRIMARY KEY (record_id, version),
    CHECK (until >= version)
);
CREATE INDEX seen_by_row ON ingest.seen USING brin (arrival, row) WITH (pages_per_range = 32);
COMMENT ON TABLE ingest.seen IS 'Which version of which source record was published, and a keyed hash of its content.';
COMMENT ON COLUMN ingest.seen.reading IS 'How often the version was read anew with another result.';
COMMENT ON COLUMN ingest.seen.sole IS 'The row that brought it states nothing else.';
COMMENT ON COLUMN ingest.seen.arrival IS 'With row the row that brought it: the batch by its arrival.';
COMMENT ON COLUMN ingest.seen.until IS 'Where the source states no versions: up to which place in the order of arrival the content was repeated.';

CREATE TABLE ingest.seen_feed (
    source text   NOT NULL,
    feed   text   NOT NULL,
    keys   bigint NOT NULL,
    PRIMARY KEY (source, feed)
);
COMMENT ON TABLE ingest.seen_feed IS 'How many keys of records each feed of a source wrote to seen_keys.';

CREATE TABLE ingest.seen_keys (
    source text   NOT NULL,
    feed   text   NOT NULL,
    first  bigint NOT NULL,
    keys   bytea  NOT NULL,
    PRIMARY KEY (source, feed, first)
);
ALTER TABLE ingest.seen_keys ALTER COLUMN keys SET STORAGE EXTERNAL;
COMMENT ON TABLE ingest.seen_keys IS 'Keys of the records in seen, four bytes each, in the order in which a feed wrote them: what a filter is made of that tells unknown records without a look into seen.';
COMMENT ON COLUMN ingest.seen_keys.first IS 'How many keys the feed had written before these.';

CREATE TABLE ingest.device (
    feed    text   NOT NULL,
    device  text   NOT NULL,
    number  bigint NOT NULL,
    time_ms bigint NOT NULL,
    PRIMARY KEY (feed, device)
);
COMMENT ON TABLE ingest.device IS 'The last pass of each device that counts its passes: a later one whose number and time contradict it is flagged.';
COMMENT ON COLUMN ingest.device.time_ms IS 'By the clock of the device, in milliseconds since 1970.';
