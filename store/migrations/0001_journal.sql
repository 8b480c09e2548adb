-- Times are nanoseconds since 1970 in UTC; NULL means "not yet".

CREATE TABLE deployments (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    app          TEXT    NOT NULL,
    kind         TEXT    NOT NULL,
    slice        TEXT    NOT NULL,
    from_slice   TEXT    NOT NULL,
    commit_id    TEXT    NOT NULL,
    subject      TEXT    NOT NULL,
    promote      INTEGER NOT NULL,
    rebuild      INTEGER NOT NULL,
    triggered_by TEXT    NOT NULL,
    who          TEXT    NOT NULL,
    ref          TEXT    NOT NULL,
    forge        TEXT    NOT NULL,
    delivery     TEXT    NOT NULL,
    state        TEXT    NOT NULL,
    error        TEXT,              -- JSON of deploy.Failure
    images       TEXT,              -- JSON, compose service to image id
    created_at   INTEGER NOT NULL,
    started_at   INTEGER,
    ended_at     INTEGER
) STRICT;

CREATE INDEX deployments_of_app ON deployments (app, id);
CREATE INDEX deployments_unfinished ON deployments (app, id) WHERE state IN ('queued', 'running');
CREATE INDEX deployments_pushed ON deployments (app, id) WHERE state = 'succeeded' AND triggered_by = 'push';

CREATE TABLE phases (
    deployment INTEGER NOT NULL REFERENCES deployments (id) ON DELETE CASCADE,
    position   INTEGER NOT NULL,
    phase      TEXT    NOT NULL,
    state      TEXT    NOT NULL,
    started_at INTEGER,
    ended_at   INTEGER,
    detail     TEXT    NOT NULL,
    error      TEXT    NOT NULL,
    PRIMARY KEY (deployment, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE events (
    deployment INTEGER NOT NULL REFERENCES deployments (id) ON DELETE CASCADE,
    seq        INTEGER NOT NULL,
    time       INTEGER,
    type       TEXT    NOT NULL,
    state      TEXT    NOT NULL,
    phase      TEXT    NOT NULL,
    record     TEXT,                -- JSON of deploy.PhaseRecord
    message    TEXT    NOT NULL,
    PRIMARY KEY (deployment, seq)
) STRICT, WITHOUT ROWID;

CREATE INDEX events_log ON events (deployment, seq) WHERE type = 'log';

CREATE TABLE deliveries (
    app         TEXT    NOT NULL,
    forge       TEXT    NOT NULL,
    delivery    TEXT    NOT NULL,
    deployment  INTEGER NOT NULL REFERENCES deployments (id) ON DELETE CASCADE,
    ref         TEXT    NOT NULL,
    commit_id   TEXT    NOT NULL,
    received_at INTEGER,
    UNIQUE (app, forge, delivery)
) STRICT;

CREATE INDEX deliveries_of_deployment ON deliveries (deployment);

CREATE TABLE tokens (
    name       TEXT    NOT NULL PRIMARY KEY,
    hash       BLOB    NOT NULL UNIQUE,  -- SHA-256 of the token's text
    created_at INTEGER NOT NULL,
    last_used  INTEGER
) STRICT;
