-- The form of the text that a link hashes, and the salt of the hash that hides the address and the browser. Whoever may not
-- see these can verify a link by that hash. Links of version 1 hash both in the clear and have no salt.
ALTER TABLE activity_seals ADD COLUMN version smallint NOT NULL DEFAULT 1 CHECK (version IN (1, 2));
ALTER TABLE activity_seals ADD COLUMN salt bytea CHECK (length(salt) = 16);
