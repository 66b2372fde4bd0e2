-- What senders are told by webhook: written with the receipt, gone when it is told.
CREATE TABLE ingest.webhook_message (
    ordinal    bigint      PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    feed       text        NOT NULL,
    batch_id   uuid        NOT NULL REFERENCES ingest.batch ON DELETE CASCADE,
    created_at timestamptz NOT NULL,
    attempts   integer     NOT NULL DEFAULT 0,
    due_at     timestamptz NOT NULL
);
CREATE INDEX webhook_message_due ON ingest.webhook_message (feed, due_at);
COMMENT ON TABLE ingest.webhook_message IS 'Receipts of which their senders are still to be told; what is said is read from the batch when it is said.';
COMMENT ON COLUMN ingest.webhook_message.attempts IS 'How often it was tried, counted before each attempt.';
