-- A municipality and how far its onboarding has come:
--   preparing: its database and clients are being made; announced: the services may take it in; ready: it is open.
CREATE TABLE municipality (
    id         text PRIMARY KEY,
    state      text NOT NULL CHECK (state IN ('preparing', 'announced', 'ready')),
    details    jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    ready_at   timestamptz
);

-- API keys of municipalities; the key itself is nowhere, only its SHA-256.
CREATE TABLE api_key (
    id           text PRIMARY KEY,
    municipality text NOT NULL REFERENCES municipality,
    name         text NOT NULL,
    scopes       text[] NOT NULL,
    hash         text NOT NULL UNIQUE,
    created_at   timestamptz NOT NULL DEFAULT now(),
    created_by   text NOT NULL,
    last_used_on date,
    revoked_at   timestamptz
);
CREATE INDEX api_key_by_municipality ON api_key (municipality, id);

-- Who did what; rows are added, never changed.
CREATE TABLE audit (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at           timestamptz NOT NULL DEFAULT now(),
    municipality text NOT NULL,
    actor        text NOT NULL,
    action       text NOT NULL,
    subject      text NOT NULL,
    trace        text
);
CREATE INDEX audit_by_municipality ON audit (municipality, id DESC);
CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'the audit is append-only'; END $$;
CREATE TRIGGER audit_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only();
