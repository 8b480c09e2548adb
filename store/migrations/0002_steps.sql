-- Lines of a build say in fields which step they are about.
ALTER TABLE events ADD COLUMN step TEXT; -- JSON of deploy.Step
