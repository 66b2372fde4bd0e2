-- The search index of the access log. It can be made anew from the log at any time, and proves nothing by itself.
CREATE SCHEMA audit;
CREATE TABLE audit.entry (
    index    bigint PRIMARY KEY CHECK (index >= 0),
    leaf     text   NOT NULL,
    at_ms    bigint NOT NULL,
    actor    text   NOT NULL,
    unit     text   NOT NULL,
    role     text   NOT NULL,
    action   text   NOT NULL,
    purpose  text,
    case_token text,
    refused  text,
    subjects text[] NOT NULL
);
COMMENT ON TABLE audit.entry IS 'Entries of the access log as an auditor looks for them. Every answer is made from the log itself, and every row is compared with its leaf again and again.';
COMMENT ON COLUMN audit.entry.leaf IS 'Hash of the entry as a leaf of the log, base 64.';
COMMENT ON COLUMN audit.entry.at_ms IS 'When, in milliseconds since 1970, as the entry states it.';
COMMENT ON COLUMN audit.entry.refused IS 'Why nothing was shown; NULL when something was.';
COMMENT ON COLUMN audit.entry.subjects IS 'Handles of the persons concerned, hexadecimal.';
CREATE INDEX entry_by_actor ON audit.entry (actor, index);
CREATE INDEX entry_by_time ON audit.entry (at_ms);
CREATE INDEX entry_by_case ON audit.entry (case_token, index) WHERE case_token IS NOT NULL;
CREATE INDEX entry_by_subject ON audit.entry USING gin (subjects);
-- Which ids a person was known under before: those of persons that were merged into it.
CREATE INDEX person_change_merged_into ON lineage.person_change USING gin (into_persons) WHERE kind = 'merged';
