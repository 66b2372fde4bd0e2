-- How far feeds have read the topics that they come from.
CREATE TABLE ingest.consumer (
    feed        text    NOT NULL,
    topic       text    NOT NULL,
    partition   integer NOT NULL,
    next_offset bigint  NOT NULL CHECK (next_offset >= 0),
    PRIMARY KEY (feed, topic, partition)
);
COMMENT ON TABLE ingest.consumer IS 'Positions of topics that feeds come from. They move in the transaction that puts the records on record as a batch.';
COMMENT ON COLUMN ingest.consumer.next_offset IS 'Offset of the next record to take; all before it are in batches.';
