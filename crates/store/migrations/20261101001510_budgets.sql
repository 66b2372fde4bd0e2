-- The run of the process that answered: what other processes showed a caller is found by it. The index is made anew.
TRUNCATE audit.entry;
ALTER TABLE audit.entry ADD COLUMN boot text NOT NULL;
COMMENT ON COLUMN audit.entry.boot IS 'The run of the process that answered, hexadecimal.';
CREATE TABLE audit.area_shown (
    actor text NOT NULL,
    day bigint NOT NULL,
    area text NOT NULL,
    PRIMARY KEY (actor, day, area)
);
COMMENT ON TABLE audit.area_shown IS 'Townships in which a caller was shown somebody, by day of the site: what the budget of a day is counted from.';
COMMENT ON COLUMN audit.area_shown.actor IS 'Handle of the caller.';
COMMENT ON COLUMN audit.area_shown.day IS 'Days since 1970 by the clock of the site.';
COMMENT ON COLUMN audit.area_shown.area IS 'Code of the township.';
