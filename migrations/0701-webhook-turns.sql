-- An endpoint that took long gives the others their turns first [WH4]. Null: it was not served yet.
ALTER TABLE webhook_endpoints ADD COLUMN turn_at timestamptz(3);
