-- The views: everything the hub derives from the event log. Applied to a schema through the search path.
-- Only the projector writes here, and every change moves the checkpoint in the same transaction.

CREATE TABLE projection (
    singleton     boolean     PRIMARY KEY DEFAULT true CHECK (singleton),
    generation    uuid        NOT NULL DEFAULT gen_random_uuid(),
    positions     jsonb       NOT NULL DEFAULT '{}',
    model_version text,
    advanced_at   timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE projection IS 'The checkpoint: how far the log is in these views. One row.';
COMMENT ON COLUMN projection.generation IS 'Identity of this set of views; a rebuild brings a new one.';
COMMENT ON COLUMN projection.positions IS 'Next offset to read, per topic and partition.';
COMMENT ON COLUMN projection.model_version IS 'Linkage model that decided the persons; null before the first event.';
INSERT INTO projection DEFAULT VALUES;

CREATE TABLE source_record (
    record_id        uuid PRIMARY KEY,
    source           text NOT NULL,
    source_kind      text NOT NULL,
    version          bigint,
    reading          integer,
    event_id         uuid,
    statement        jsonb,
    first_time       timestamptz,
    last_time        timestamptz,
    retract_version  bigint,
    retract_reading  integer,
    retract_event_id uuid,
    retract_reason   text,
    survivor         uuid,
    withdrawn_version bigint,
    withdrawn_reading integer,
    retracted        boolean NOT NULL GENERATED ALWAYS AS
                     (retract_version IS NOT NULL
                      AND (version IS NULL OR (retract_version, retract_reading) >= (version, reading))) STORED,
    person_id        uuid,
    batch_id         uuid NOT NULL,
    batch_row        bigint NOT NULL,
    parts            jsonb,
    CHECK ((version IS NULL) = (event_id IS NULL) AND (version IS NULL) = (first_time IS NULL)
           AND (version IS NULL) = (last_time IS NULL)),
    CHECK ((retract_version IS NULL) = (retract_event_id IS NULL)),
    CHECK ((version IS NULL) = (reading IS NULL) AND (retract_version IS NULL) = (retract_reading IS NULL)),
    CHECK (version IS NOT NULL OR retract_version IS NOT NULL),
    CHECK ((statement IS NOT NULL)
           = (version IS NOT NULL AND (retract_version IS NULL OR (retract_version, retract_reading) < (version, reading)))),
    CHECK (parts IS NULL OR statement IS NOT NULL OR survivor IS NOT NULL),
    CHECK ((withdrawn_version IS NULL) = (withdrawn_reading IS NULL))
);
COMMENT ON TABLE source_record IS
    'What each source states about a person: the statement of the highest version, and what it leaves as it was.';
COMMENT ON COLUMN source_record.version IS 'Highest version stated; null when only a retraction was seen.';
COMMENT ON COLUMN source_record.reading IS 'How often the hub read the version anew with another result.';
COMMENT ON COLUMN source_record.statement IS 'domain::IdentityObserved; null once retracted.';
COMMENT ON COLUMN source_record.parts IS
    'Statements that the record itself made, the newest first, where they are not just the statement: sources that tell only part, and records that were merged into another, which states for them what it does not state itself.';
COMMENT ON COLUMN source_record.first_time IS 'Earliest event time over all versions.';
COMMENT ON COLUMN source_record.last_time IS 'Latest event time over all versions.';
COMMENT ON COLUMN source_record.retracted IS 'A retraction beats statements of its own and lower versions.';
COMMENT ON COLUMN source_record.survivor IS 'Record that took over when the source merged two.';
COMMENT ON COLUMN source_record.withdrawn_version IS
    'Highest version taken back without a survivor; what was stated up to it is kept nowhere.';
COMMENT ON COLUMN source_record.person_id IS
    'Current person; for a record that was merged away, the person of its survivor. Null when there is none.';
COMMENT ON COLUMN source_record.batch_row IS 'Row of the batch that brought the statement, from 1.';
CREATE INDEX source_record_by_person ON source_record (person_id);

CREATE TABLE claim (
    token      uuid     NOT NULL,
    record_id  uuid     NOT NULL,
    role       smallint NOT NULL CHECK (role IN (0, 1, 2)),
    scheme     text     NOT NULL,
    valid_from timestamptz,
    valid_to   timestamptz,
    PRIMARY KEY (token, record_id, role)
);
COMMENT ON TABLE claim IS
    'The claim map: which records claim a token. A record also claims itself (token = record_id), which is not stored.';
COMMENT ON COLUMN claim.role IS '2 holder, 1 contact, 0 search key of a name (never attributes a fact).';
COMMENT ON COLUMN claim.valid_from IS 'From when the claim holds; null: from ever.';
COMMENT ON COLUMN claim.valid_to IS 'Until when it holds, exclusive; null: for ever.';
CREATE INDEX claim_by_record ON claim (record_id);

CREATE TABLE person (
    person_id    uuid PRIMARY KEY,
    golden       jsonb       NOT NULL,
    units        text[]      NOT NULL,
    record_count integer     NOT NULL CHECK (record_count > 0),
    first_time   timestamptz NOT NULL,
    digest       uuid        NOT NULL,
    home         text        COLLATE "C" GENERATED ALWAYS AS
                 (coalesce(golden->'community_unit'->>'value', golden->'division_code'->>'value')) STORED
);
COMMENT ON TABLE person IS 'One row per person; the id is that of the oldest source record.';
COMMENT ON COLUMN person.golden IS 'domain::GoldenRecord: the chosen value per field, with source, time, rule and runner-up.';
COMMENT ON COLUMN person.units IS 'Community units and division codes of the person, sorted.';
COMMENT ON COLUMN person.home IS 'The one unit that the person counts in: the community unit, or the division while that is not known.';
COMMENT ON COLUMN person.digest IS 'Hash of records and golden values without their times: another one is a change of the person.';

CREATE INDEX person_by_home ON person (home);

CREATE TABLE link (
    person_id     uuid  NOT NULL,
    record_a      uuid  NOT NULL,
    record_b      uuid  NOT NULL,
    weight        double precision NOT NULL,
    parts         jsonb NOT NULL,
    model_version text  NOT NULL,
    PRIMARY KEY (person_id, record_a, record_b),
    CHECK (record_a < record_b)
);
COMMENT ON TABLE link IS 'Why records are one person: pairs above the link threshold inside a cluster.';
COMMENT ON COLUMN link.weight IS 'Match weight, log2.';

CREATE TABLE review (
    record_a      uuid  NOT NULL,
    record_b      uuid  NOT NULL,
    weight        double precision NOT NULL,
    parts         jsonb NOT NULL,
    model_version text  NOT NULL,
    task_id       uuid  NOT NULL UNIQUE,
    kind          text  NOT NULL CHECK (kind IN ('band', 'held-apart', 'runner-up', 'loose-member',
                                                 'orders-contradict', 'order-joins-numbers')),
    since         timestamptz NOT NULL,
    against       uuid[] NOT NULL,
    PRIMARY KEY (record_a, record_b),
    CHECK (record_a < record_b)
);
COMMENT ON TABLE review IS 'Pairs that a reviewer is asked about; none on which there is an order, unless the order is the question.';
COMMENT ON COLUMN review.task_id IS 'Id of a decision on the pair (standing_order.decision_id), whether there is one or not.';
COMMENT ON COLUMN review.since IS 'Since when both records are known, and the order that the task is about.';
COMMENT ON COLUMN review.against IS 'Decisions that the one on this pair contradicts.';
CREATE INDEX review_by_b ON review (record_b);
CREATE INDEX review_by_rank ON review ((floor(weight * 1000)::bigint) DESC, task_id);

CREATE TABLE standing_order (
    decision_id uuid   NOT NULL,
    record_a    uuid   NOT NULL,
    record_b    uuid   NOT NULL,
    version     bigint NOT NULL,
    event_id    uuid   NOT NULL,
    verdict     text   NOT NULL CHECK (verdict IN ('SAME', 'DIFFERENT')),
    reason      text   NOT NULL,
    note        text,
    reviewer    text   NOT NULL,
    decided     timestamptz NOT NULL,
    standing    text   NOT NULL CHECK (standing IN ('in-force', 'resting', 'set-aside', 'replaced', 'ended')),
    against     uuid[] NOT NULL,
    PRIMARY KEY (decision_id, version),
    UNIQUE (record_a, record_b, version),
    CHECK (record_a < record_b),
    CHECK ((standing = 'set-aside') = (cardinality(against) > 0))
);
COMMENT ON TABLE standing_order IS
    'Every decision on a pair of records, by version. Of those that were not taken back the highest version counts; one that was taken back stays as a row, so that the decision itself, should it come later, does not bring it back.';
COMMENT ON COLUMN standing_order.reviewer IS 'Handle, as it stands in the ledger.';
COMMENT ON COLUMN standing_order.standing IS
    'in-force: obeyed; resting: one of the records states nothing now; set-aside: newer orders say otherwise; replaced: a later decision on the pair counts; ended: taken back.';
COMMENT ON COLUMN standing_order.against IS 'Decisions that it contradicts.';
CREATE INDEX standing_order_by_time ON standing_order (decided DESC, decision_id, version);
CREATE INDEX standing_order_by_b ON standing_order (record_b);

CREATE TABLE fact (
    record_id  uuid        NOT NULL,
    kind       smallint    NOT NULL,
    retracted  boolean     NOT NULL,
    version    bigint      NOT NULL,
    reading    integer     NOT NULL,
    event_id   uuid        NOT NULL,
    source     text        NOT NULL,
    subject    uuid,
    started_at timestamptz NOT NULL,
    ended_at   timestamptz,
    place_id   text,
    detail     jsonb,
    known_at   timestamptz NOT NULL,
    PRIMARY KEY (record_id, kind),
    CHECK (NOT retracted OR (subject IS NULL AND detail IS NULL))
);
COMMENT ON TABLE fact IS
    'What happened, by claim token, never by person. A retracted fact stays as a row without content, so that a late lower version does not bring it back.';
COMMENT ON COLUMN fact.kind IS 'Event type: 3 PresenceInterval, 4 TripSegment, 5 PaymentMade, 6 EncounterChanged, 7 TestResult, 8 GatePass, 9 HouseholdMembership, 10 MeterReading, 14 CaseStatus.';
COMMENT ON COLUMN fact.subject IS 'Token of the most specific claim; null where no person is concerned.';
COMMENT ON COLUMN fact.ended_at IS 'End; null for a moment or an open interval.';
COMMENT ON COLUMN fact.detail IS 'Body of the event without its subject and without absent fields.';
COMMENT ON COLUMN fact.known_at IS 'When the hub read it, the first time.';
CREATE INDEX fact_by_subject ON fact (subject, started_at) WHERE subject IS NOT NULL;
CREATE INDEX fact_of_cases ON fact (record_id) WHERE kind = 14 AND NOT retracted;
CREATE INDEX fact_by_case_number ON fact ((detail->>'case_id')) WHERE kind = 14 AND NOT retracted;
CREATE INDEX fact_positive ON fact (started_at) WHERE kind = 7 AND detail->>'result' = 'POSITIVE' AND NOT retracted;
CREATE INDEX fact_by_household ON fact ((detail->>'household_id')) WHERE kind = 9 AND NOT retracted;
CREATE INDEX fact_by_account ON fact ((detail->>'account_id'), started_at) WHERE kind = 10 AND NOT retracted;
CREATE INDEX fact_of_tests ON fact (started_at) WHERE kind = 7 AND NOT retracted;

CREATE TABLE fact_before (LIKE fact, PRIMARY KEY (record_id, kind, version, reading, retracted, event_id));
COMMENT ON TABLE fact_before IS
    'Statements about facts that are not the last word: with fact, what was known at an instant.';
CREATE INDEX fact_before_by_subject ON fact_before (subject, started_at) WHERE subject IS NOT NULL;

-- Facts as they were known at an instant: of each, what has the last word among what had been read by then.
CREATE FUNCTION fact_known(at timestamptz) RETURNS SETOF fact LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT * FROM fact WHERE known_at <= at
    UNION ALL
    SELECT * FROM fact_before b WHERE known_at <= at
        AND NOT EXISTS (SELECT FROM fact f
                        WHERE f.record_id = b.record_id AND f.kind = b.kind AND f.known_at <= at)
        AND NOT EXISTS (SELECT FROM fact_before l
                        WHERE l.record_id = b.record_id AND l.kind = b.kind AND l.known_at <= at
                          AND (l.version, l.reading, l.retracted, l.event_id)
                              > (b.version, b.reading, b.retracted, b.event_id))
$$;

CREATE TABLE touched (
    seq     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    subject uuid
);
COMMENT ON TABLE touched IS
    'Subjects whose whereabouts, or whose owner, may be others than before, in the order of commits: what keeps a follower that holds them in memory current. Old rows are removed; who missed some reads everything.';
COMMENT ON COLUMN touched.subject IS 'Null: a place changed, which may concern anybody.';

CREATE TABLE place (
    record_id       uuid    PRIMARY KEY,
    place_id        text    NOT NULL,
    retracted       boolean NOT NULL,
    version         bigint  NOT NULL,
    reading         integer NOT NULL,
    event_id        uuid    NOT NULL,
    source          text    NOT NULL,
    parent_place_id text,
    valid_from      timestamptz,
    valid_to        timestamptz,
    detail          jsonb,
    CHECK (NOT retracted OR detail IS NULL)
);
COMMENT ON TABLE place IS 'Registered places. A place has several rows when it changed over time.';
COMMENT ON COLUMN place.detail IS 'domain::PlaceRef without absent fields.';
CREATE INDEX place_by_id ON place (place_id);

CREATE TABLE follow_up (
    follow_up_id uuid        NOT NULL,
    version      bigint      NOT NULL CHECK (version > 0),
    event_id     uuid        NOT NULL,
    at           timestamptz NOT NULL,
    detail       jsonb       NOT NULL,
    case_id      uuid        NOT NULL GENERATED ALWAYS AS ((detail->>'case')::uuid) STORED,
    record_id    uuid        NOT NULL GENERATED ALWAYS AS ((detail->>'record')::uuid) STORED,
    unit         text        COLLATE "C" GENERATED ALWAYS AS (detail->>'unit') STORED,
    offered_to   text        COLLATE "C" GENERATED ALWAYS AS (detail->>'offered_to') STORED,
    PRIMARY KEY (follow_up_id, version)
);
COMMENT ON TABLE follow_up IS
    'Every step in the follow-up of people who met a case. The highest version is the follow-up as it is; the others are its history.';
COMMENT ON COLUMN follow_up.at IS 'When it was done.';
COMMENT ON COLUMN follow_up.detail IS 'domain::FollowUpChanged: what was done, and what holds after it.';
COMMENT ON COLUMN follow_up.case_id IS 'The record of the case; whether there still is a case is for who reads to look up.';
COMMENT ON COLUMN follow_up.record_id IS 'A record of the person: the person is whose record it is.';
CREATE INDEX follow_up_by_unit ON follow_up (unit);
CREATE INDEX follow_up_by_offer ON follow_up (offered_to) WHERE offered_to IS NOT NULL;
CREATE INDEX follow_up_by_case ON follow_up (case_id);
CREATE INDEX follow_up_by_record ON follow_up (record_id);

CREATE TABLE linkage_model (
    singleton       boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    model_version   text             NOT NULL,
    prior           double precision NOT NULL,
    link_threshold  double precision NOT NULL,
    review_threshold double precision NOT NULL,
    document        text             NOT NULL,
    survivorship_version text        NOT NULL
);
COMMENT ON TABLE linkage_model IS 'The linkage model and the rules of survivorship that decided the persons. At most one row.';
COMMENT ON COLUMN linkage_model.prior IS 'Log2 of the odds that any two records are of one person; thresholds are in the same measure.';
COMMENT ON COLUMN linkage_model.document IS 'The model as TOML.';

CREATE TABLE model_activation (
    version       bigint      NOT NULL,
    event_id      uuid        NOT NULL,
    activated_at  timestamptz NOT NULL,
    rolled_back   boolean     NOT NULL,
    model_version text        NOT NULL,
    document      text        NOT NULL,
    operator      text        NOT NULL,
    reason        text        NOT NULL,
    PRIMARY KEY (version, event_id)
);
COMMENT ON TABLE model_activation IS
    'Models that operators activated, in the order of versions. The last decides; without any, the configured one.';
COMMENT ON COLUMN model_activation.operator IS 'Handle, as it stands in the ledger.';
COMMENT ON COLUMN model_activation.rolled_back IS 'It decided before, and an operator went back to it.';

CREATE TABLE hot_value (
    handle    uuid   PRIMARY KEY,
    what      text   NOT NULL CHECK (what IN ('value', 'block')),
    kind      text   NOT NULL,
    records   bigint NOT NULL,
    bearers   bigint,
    record_id uuid,
    CHECK ((what = 'value') = (bearers IS NOT NULL AND record_id IS NOT NULL))
);
COMMENT ON TABLE hot_value IS 'What so many records share that linkage leaves it out: values that count for nothing, and blocking keys that propose no pairs.';
COMMENT ON COLUMN hot_value.handle IS 'Keyed hash; the value itself is not here.';
COMMENT ON COLUMN hot_value.kind IS 'Field of a value, rule of a block.';
COMMENT ON COLUMN hot_value.bearers IS 'Different names on the value; of a name, different birth dates.';
COMMENT ON COLUMN hot_value.record_id IS 'One of the records that state the value.';

CREATE TABLE projector_quarantine (
    topic         text        NOT NULL,
    partition     integer     NOT NULL,
    record_offset bigint      NOT NULL,
    reason        text        NOT NULL,
    noted_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (topic, partition, record_offset)
);
COMMENT ON TABLE projector_quarantine IS 'Records of the log that could not be read as events; the checkpoint went past them.';
