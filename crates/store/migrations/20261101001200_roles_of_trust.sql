-- Roles that approve, review and count, and read no person. Anybody of the staff may have an own file, which others look at
-- their looks by.
ALTER TABLE access.caller DROP CONSTRAINT caller_role_check;
ALTER TABLE access.caller ADD CONSTRAINT caller_role_check CHECK (role IN (
    'community-worker', 'cdc-tracer', 'auditor', 'resident', 'data-steward', 'department', 'operator', 'subscriber',
    'privacy-officer', 'cdc-lead', 'cdc-analyst'));
ALTER TABLE access.caller DROP CONSTRAINT caller_check;
ALTER TABLE access.caller ADD CONSTRAINT caller_own_claim_check CHECK (
    CASE WHEN role = 'resident' THEN own_claim IS NOT NULL
         WHEN role IN ('department', 'operator', 'subscriber') THEN own_claim IS NULL
         ELSE true END);
COMMENT ON COLUMN access.caller.own_claim IS
    'Claim token by which a caller''s own person file is found: a resident''s; that of a data steward, who may not decide about it; that of other staff, whose looks at themselves, their homes and their colleagues are told.';
