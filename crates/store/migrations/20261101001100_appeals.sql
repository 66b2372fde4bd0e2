-- What residents say against the colour of their health code, and what disease control decides about it.
CREATE TABLE audit.appeal_act (
    seq       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    appeal_id uuid   NOT NULL,
    record_id uuid   NOT NULL,
    at_ms     bigint NOT NULL,
    handle    text   NOT NULL,
    verdict   text   NOT NULL CHECK (verdict IN ('MADE', 'UPHELD', 'REJECTED')),
    reason    text,
    words     text,
    events    uuid[] NOT NULL,
    CHECK ((verdict = 'MADE') = (reason IS NULL))
);
COMMENT ON TABLE audit.appeal_act IS 'An appeal, and the decision about it: one row each. Nothing is changed or deleted.';
COMMENT ON COLUMN audit.appeal_act.record_id IS 'A record of the resident: the appeal is of whose record it is.';
COMMENT ON COLUMN audit.appeal_act.handle IS 'Handle of who made it, or decided.';
COMMENT ON COLUMN audit.appeal_act.words IS 'The words of the resident, or a note of who decided. For those two only.';
COMMENT ON COLUMN audit.appeal_act.events IS 'The events that are contested; when it is upheld they colour the code no longer.';
CREATE UNIQUE INDEX appeal_made_once ON audit.appeal_act (appeal_id) WHERE verdict = 'MADE';
CREATE UNIQUE INDEX appeal_decided_once ON audit.appeal_act (appeal_id) WHERE verdict <> 'MADE';
CREATE INDEX appeal_act_by_record ON audit.appeal_act (record_id);
