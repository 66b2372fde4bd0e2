-- What the rules of suspicion make of each look, and the persons whose looks are told especially.
CREATE TABLE audit.weighed (
    index        bigint  PRIMARY KEY CHECK (index >= 0),
    at_ms        bigint  NOT NULL,
    score        integer NOT NULL,
    alert        boolean NOT NULL,
    strength     smallint NOT NULL CHECK (strength BETWEEN 0 AND 3),
    explanations text[]  NOT NULL,
    parts        jsonb   NOT NULL,
    rules        text    NOT NULL
);
COMMENT ON TABLE audit.weighed IS 'What the rules of suspicion made of an entry of the access log; it can be made anew at any time.';
COMMENT ON COLUMN audit.weighed.strength IS 'How well it is explained: 0 not at all, 1 by a claim, 2 by a relation to many, 3 by duty towards the person.';
COMMENT ON COLUMN audit.weighed.rules IS 'Version of the rules.';
CREATE INDEX weighed_by_rank ON audit.weighed (strength, score DESC, index DESC);
CREATE TABLE audit.marked_person (
    person_id uuid   NOT NULL,
    mark      text   NOT NULL CHECK (mark IN ('CANARY', 'PROMINENT')),
    at_ms     bigint NOT NULL,
    handle    text   NOT NULL,
    PRIMARY KEY (person_id, mark)
);
COMMENT ON TABLE audit.marked_person IS 'Invented persons, at whom nobody has a reason to look, and persons known to many.';
COMMENT ON COLUMN audit.marked_person.handle IS 'Handle of the one who said so.';
