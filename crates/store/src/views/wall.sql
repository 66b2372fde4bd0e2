-- The second wall: who reads a person file or a timeline reads it as isthmus_reader, within the persons that were decided upon.
-- Applied to a schema through the search path. The owner, who writes the views and decides, sees all of it.

ALTER TABLE person ENABLE ROW LEVEL SECURITY;
ALTER TABLE person FORCE ROW LEVEL SECURITY;
CREATE POLICY hub ON person TO CURRENT_USER USING (true) WITH CHECK (true);
CREATE POLICY scope ON person FOR SELECT TO isthmus_reader
    USING (person_id = ANY ((SELECT string_to_array(current_setting('isthmus.persons', true), ',')::uuid[])::uuid[]));

ALTER TABLE fact ENABLE ROW LEVEL SECURITY;
ALTER TABLE fact FORCE ROW LEVEL SECURITY;
CREATE POLICY hub ON fact TO CURRENT_USER USING (true) WITH CHECK (true);
-- Facts under the tokens that records of these persons claim. Whose each of them is, the hub then says from all claims.
CREATE POLICY scope ON fact FOR SELECT TO isthmus_reader
    USING (subject IN (
        SELECT c.token FROM source_record r JOIN claim c USING (record_id)
        WHERE r.person_id = ANY ((SELECT string_to_array(current_setting('isthmus.persons', true), ',')::uuid[])::uuid[])
        UNION ALL
        SELECT r.record_id FROM source_record r
        WHERE r.person_id = ANY ((SELECT string_to_array(current_setting('isthmus.persons', true), ',')::uuid[])::uuid[])));

GRANT SELECT (person_id, golden, units, record_count, first_time) ON person TO isthmus_reader;
GRANT SELECT ON fact, place, projection TO isthmus_reader;
-- Tokens, and which record is whose: no column that states anything of anybody.
GRANT SELECT ON claim TO isthmus_reader;
GRANT SELECT (record_id, person_id) ON source_record TO isthmus_reader;
