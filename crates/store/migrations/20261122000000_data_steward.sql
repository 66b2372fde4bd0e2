-- Data stewards decide about pairs of records. One whose own file is known cannot decide about it.
ALTER TABLE access.caller
    DROP CONSTRAINT caller_role_check,
    ADD CONSTRAINT caller_role_check CHECK (role IN ('community-worker', 'cdc-tracer', 'auditor', 'resident',
                                                     'data-steward', 'department', 'operator')),
    DROP CONSTRAINT caller_check,
    ADD CONSTRAINT caller_own_claim_check CHECK (CASE role WHEN 'resident' THEN own_claim IS NOT NULL
                                                           WHEN 'data-steward' THEN true
                                                           ELSE own_claim IS NULL END);
COMMENT ON COLUMN access.caller.own_claim IS
    'Claim token by which a caller''s own person file is found: a resident''s, or that of a data steward, who may not decide about it.';
