-- What residents and auditors say of a look: one case file for each entry of the access log that somebody doubts.
CREATE TABLE audit.suspicion_act (
    seq     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    index   bigint NOT NULL CHECK (index >= 0),
    at_ms   bigint NOT NULL,
    handle  text   NOT NULL,
    verdict text   NOT NULL CHECK (verdict IN ('CONTESTED', 'OPENED', 'JUSTIFIED', 'MISUSE', 'UNCLEAR')),
    reason  text   NOT NULL
);
COMMENT ON TABLE audit.suspicion_act IS 'What was said of an entry of the access log, one row an act; the last one counts. Nothing is changed or deleted.';
COMMENT ON COLUMN audit.suspicion_act.index IS 'Index of the entry in the access log.';
COMMENT ON COLUMN audit.suspicion_act.handle IS 'Handle of the one who said it.';
CREATE INDEX suspicion_act_by_index ON audit.suspicion_act (index, seq);
