-- How a cutover was for the requests: how many stayed on the old slice, how many waited, and for how long at most.
ALTER TABLE deployments ADD COLUMN stayed          INTEGER NOT NULL DEFAULT 0;
ALTER TABLE deployments ADD COLUMN held            INTEGER NOT NULL DEFAULT 0;
ALTER TABLE deployments ADD COLUMN longest_hold_ms INTEGER NOT NULL DEFAULT 0;
