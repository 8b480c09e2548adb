-- Where a push came from: which pushes are older than others is known without asking the repository.
ALTER TABLE deliveries ADD COLUMN before_id TEXT NOT NULL DEFAULT '';
CREATE INDEX deliveries_before ON deliveries (app, ref, before_id);
