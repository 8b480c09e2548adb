-- What people set at run time and what holds over restarts, e.g. whether an app's data is mirrored.
CREATE TABLE settings (
    app   TEXT NOT NULL,
    name  TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (app, name)
) STRICT, WITHOUT ROWID;
