-- Who may call the query API. Tokens are kept as hashes only.
CREATE TABLE access.caller (
    handle       text        PRIMARY KEY CHECK (handle ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$' AND handle !~ '[0-9]{11}'),
    token_sha256 bytea       NOT NULL UNIQUE CHECK (octet_length(token_sha256) = 32),
    organisation text        NOT NULL CHECK (organisation <> ''),
    role         text        NOT NULL CHECK (role IN ('community-worker', 'cdc-tracer', 'auditor', 'resident',
                                                      'data-steward', 'department', 'operator', 'subscriber')),
    unit         text        CHECK (unit <> ''),
    own_claim    uuid,
    created_at   timestamptz NOT NULL DEFAULT now(),
    disabled_at  timestamptz,
    CHECK (CASE role WHEN 'resident' THEN own_claim IS NOT NULL
                     WHEN 'data-steward' THEN true
                     ELSE own_claim IS NULL END),
    CHECK (role <> 'community-worker' OR unit IS NOT NULL)
);
COMMENT ON TABLE access.caller IS 'Who may call the query API, as what, and for which unit.';
COMMENT ON COLUMN access.caller.handle IS 'Opaque name without personal meaning; it stands in the ledger.';
COMMENT ON COLUMN access.caller.token_sha256 IS 'SHA-256 of the bearer token.';
COMMENT ON COLUMN access.caller.organisation IS 'Organisation that answers for the caller; residents are told this.';
COMMENT ON COLUMN access.caller.unit IS 'Community unit or division code of the caller.';
COMMENT ON COLUMN access.caller.own_claim IS 
    'Claim token by which a caller''s own person file is found: a resident''s, or that of a data steward, who may not decide about it.';
COMMENT ON COLUMN access.caller.disabled_at IS 'Since when the token opens nothing; null while it does.';
