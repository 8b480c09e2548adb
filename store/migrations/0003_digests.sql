ALTER TABLE deployments ADD COLUMN digests TEXT;  -- JSON, compose service to name@sha256:... of its image in the registry
