-- Figures for the public: tables that are released as a whole, each after three people had it in their hands.
CREATE SCHEMA figures;
CREATE TABLE figures.figure (
    figure_id  uuid   PRIMARY KEY,
    kind       text   NOT NULL,
    as_of_ms   bigint NOT NULL,
    counts     jsonb  NOT NULL,
    shown      jsonb  NOT NULL,
    title      text,
    note       text,
    drafted_ms bigint NOT NULL,
    released_ms bigint
);
COMMENT ON TABLE figures.figure IS 'A table of counts, and what of it the public sees.';
COMMENT ON COLUMN figures.figure.counts IS 'figures::Table: the true counts, which never leave the hub; later releases are compared with them.';
COMMENT ON COLUMN figures.figure.shown IS 'figures::Shown: cells rounded or suppressed.';
CREATE INDEX figure_released ON figures.figure (kind, released_ms) WHERE released_ms IS NOT NULL;
CREATE TABLE figures.step (
    seq       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    figure_id uuid   NOT NULL REFERENCES figures.figure,
    step      text   NOT NULL CHECK (step IN ('DRAFTED', 'VERIFIED', 'EDITED', 'RELEASED')),
    handle    text   NOT NULL,
    at_ms     bigint NOT NULL,
    UNIQUE (figure_id, step)
);
COMMENT ON TABLE figures.step IS 'Who did what to a figure, in this order.';
