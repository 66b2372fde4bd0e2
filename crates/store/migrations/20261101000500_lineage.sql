-- What became of persons, and what the hub answered when. It is no view: a rebuild makes the views anew from the log and
-- cannot know when the hub knew what, so this outlives it.
CREATE SCHEMA lineage;
COMMENT ON SCHEMA lineage IS 'What became of persons, and what the hub answered when. It outlives rebuilds.';

CREATE TABLE lineage.person_change (
    seq           bigint      PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    at            timestamptz NOT NULL,
    person_id     uuid        NOT NULL,
    kind          text        NOT NULL CHECK (kind IN ('created', 'restored', 'changed', 'joined', 'split',
                                                       'merged', 'forked', 'ended')),
    members       uuid[]      NOT NULL,
    from_persons  uuid[]      NOT NULL,
    into_persons  uuid[]      NOT NULL,
    golden_before jsonb,
    cause         text        NOT NULL CHECK (cause IN ('event', 'decision', 'model', 'rules', 'rebuild')),
    cause_event   uuid,
    cause_batch   uuid,
    cause_decision uuid,
    model_version text        NOT NULL
);
COMMENT ON TABLE lineage.person_change IS
    'Append only: each time that a person had other records or other golden values than before.';
COMMENT ON COLUMN lineage.person_change.seq IS
    'Cursor. Rows are written under one lock until commit, so a lower number never appears after a higher one.';
COMMENT ON COLUMN lineage.person_change.at IS 'When the hub knew it; never before that of a lower seq.';
COMMENT ON COLUMN lineage.person_change.kind IS
    'The id is a person: created, restored (was one before), joined (took records of others in), split (gave records away), changed. It is none any more: merged (into one), forked (into several), ended.';
COMMENT ON COLUMN lineage.person_change.members IS
    'Source records, oldest first; of an id that is no person any more the last it had.';
COMMENT ON COLUMN lineage.person_change.from_persons IS 'Persons that records came from.';
COMMENT ON COLUMN lineage.person_change.into_persons IS 'Persons that records went to.';
COMMENT ON COLUMN lineage.person_change.golden_before IS
    'domain::GoldenRecord until this change, where it was another; what came after stands in the next row that has one, or in the view.';
COMMENT ON COLUMN lineage.person_change.cause IS
    'event: a source stated something; decision: a reviewer decided or took a decision back; model: another linkage model; rules: other rules of survivorship or another version of the program; rebuild: the views were made anew.';
COMMENT ON COLUMN lineage.person_change.cause_decision IS 'standing_order.decision_id, where a decision was the cause.';
CREATE INDEX person_change_by_person ON lineage.person_change (person_id, seq DESC);

CREATE TABLE lineage.replaced (
    seq  bigint      PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    at   timestamptz NOT NULL,
    what text        NOT NULL CHECK (what IN ('record', 'links', 'decision', 'model')),
    id   uuid        NOT NULL,
    was  jsonb       NOT NULL
);
COMMENT ON TABLE lineage.replaced IS
    'Append only: what stood in the views until an instant. What was true at an instant is the first row of a thing after it, or else what the views show.';
COMMENT ON COLUMN lineage.replaced.at IS 'Until when it stood; never before that of a lower seq.';
COMMENT ON COLUMN lineage.replaced.what IS
    'record: a statement (id: record_id); links: all links of a person (person_id); decision: all that was decided on a pair (decision_id); model: the linkage model (nil).';
COMMENT ON COLUMN lineage.replaced.was IS 'Rows of the view as they were.';
CREATE INDEX replaced_by_thing ON lineage.replaced (id, what, seq);

CREATE FUNCTION lineage.this_instant() RETURNS timestamptz LANGUAGE sql VOLATILE AS $$
    SELECT GREATEST(date_trunc('milliseconds', clock_timestamp()),
                    (SELECT at FROM lineage.person_change ORDER BY seq DESC LIMIT 1),
                    (SELECT at FROM lineage.replaced ORDER BY seq DESC LIMIT 1))
$$;
COMMENT ON FUNCTION lineage.this_instant() IS 'Now, and never before what the history already holds, whatever the clock does.';

CREATE TABLE lineage.progress (
    singleton     boolean     PRIMARY KEY DEFAULT true CHECK (singleton),
    kept_since    timestamptz NOT NULL DEFAULT now(),
    published_seq bigint      NOT NULL DEFAULT 0
);
COMMENT ON TABLE lineage.progress IS 'One row: how far the history reaches back, and how far it was published.';
COMMENT ON COLUMN lineage.progress.kept_since IS 'What the hub answered before this instant is not known.';
COMMENT ON COLUMN lineage.progress.published_seq IS 'Last change that is in the topic person.file.';
INSERT INTO lineage.progress DEFAULT VALUES;

CREATE TABLE lineage.views_gate ();
COMMENT ON TABLE lineage.views_gate IS
    'Always empty. Who reads one state of the views locks it with others, who exchanges the views locks it alone: otherwise a reader would find by name tables that are newer than its state.';
