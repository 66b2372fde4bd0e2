-- Which failed row a pushed row mends, where the sender said it of the body and not in the row.
CREATE TABLE ingest.mending (
    batch_id  uuid   NOT NULL REFERENCES ingest.batch ON DELETE CASCADE,
    row       bigint NOT NULL,
    mends     uuid   NOT NULL REFERENCES ingest.batch ON DELETE CASCADE,
    mends_row bigint NOT NULL,
    PRIMARY KEY (batch_id, row)
);
COMMENT ON TABLE ingest.mending IS 'Rows of a body that was pushed as the mended rows of another batch. Decided when the body came, so that a crash and a later reading see the same.';
