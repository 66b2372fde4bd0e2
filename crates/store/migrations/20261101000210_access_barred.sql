-- Who is out, whoever issued the token: an OpenID provider's callers have no row in access.caller.
CREATE TABLE access.barred (
    handle    text        PRIMARY KEY CHECK (handle ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$' AND handle !~ '[0-9]{11}'),
    barred_at timestamptz NOT NULL
);
COMMENT ON TABLE access.barred IS 'Callers whose tokens open nothing, whoever issued them and however long they last.';
