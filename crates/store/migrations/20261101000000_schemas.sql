-- The schemas of what is not a view. Views are created apart (src/views/schema.sql), because a rebuild makes a
-- second set of them beside the first and then exchanges the two.
CREATE SCHEMA ingest;
COMMENT ON SCHEMA ingest IS 'What was pushed: batches, receipts, quarantine, rows already seen.';

CREATE SCHEMA access;
COMMENT ON SCHEMA access IS 'Who may call: callers and their tokens (hashed).';
