-- What residents say against a value or a record of their own file, and what a data steward decides about it.
CREATE TABLE audit.contest_act (
    seq        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    contest_id uuid   NOT NULL,
    record_id  uuid   NOT NULL,
    at_ms      bigint NOT NULL,
    handle     text   NOT NULL,
    verdict    text   NOT NULL CHECK (verdict IN ('MADE', 'UPHELD', 'REJECTED')),
    reason     text,
    words      text,
    contested  uuid   NOT NULL,
    field      text,
    event_id   uuid,
    CHECK ((verdict = 'MADE') = (reason IS NULL))
);
COMMENT ON TABLE audit.contest_act IS 'A contest, and the decision about it: one row each. Nothing is changed or deleted.';
COMMENT ON COLUMN audit.contest_act.record_id IS 'A record of the resident: the contest is of whose record it is. Not the one that is said to be of somebody else.';
COMMENT ON COLUMN audit.contest_act.handle IS 'Handle of who made it, or decided.';
COMMENT ON COLUMN audit.contest_act.words IS 'The words of the resident, or a note of who decided. For those two only.';
COMMENT ON COLUMN audit.contest_act.contested IS 'The record that states the value, or that is said to be of somebody else.';
COMMENT ON COLUMN audit.contest_act.field IS 'The value that is contested; null: that the record is the resident''s.';
COMMENT ON COLUMN audit.contest_act.event_id IS 'What the record stated when it was contested.';
CREATE UNIQUE INDEX contest_made_once ON audit.contest_act (contest_id) WHERE verdict = 'MADE';
CREATE UNIQUE INDEX contest_decided_once ON audit.contest_act (contest_id) WHERE verdict <> 'MADE';
CREATE INDEX contest_act_by_record ON audit.contest_act (record_id);
CREATE INDEX contest_act_by_contested ON audit.contest_act (contested);
