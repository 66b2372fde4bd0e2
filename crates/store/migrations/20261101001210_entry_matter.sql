-- What an entry was about beside persons: the grant that was invoked, the decision that was made. The index is made anew.
TRUNCATE audit.entry;
ALTER TABLE audit.entry ADD COLUMN matter text, ADD COLUMN act text, ADD COLUMN count bigint NOT NULL;
COMMENT ON COLUMN audit.entry.matter IS 'Id of the thing of the hub that was acted on or under, hexadecimal.';
COMMENT ON COLUMN audit.entry.act IS 'What was done about it.';
COMMENT ON COLUMN audit.entry.count IS 'Records or persons in the answer.';
CREATE INDEX entry_by_matter ON audit.entry (matter, index) WHERE matter IS NOT NULL;
