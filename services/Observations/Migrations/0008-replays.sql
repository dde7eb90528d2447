-- What a replay of uplinks replaced says so, and names the replay. Written by the next version; this one goes on writing the two that it knows.
ALTER TABLE observation_audit ADD COLUMN replay text;
ALTER TABLE observation_audit DROP CONSTRAINT observation_audit_replaced_by_check;
ALTER TABLE observation_audit ADD CONSTRAINT observation_audit_replaced_by_check CHECK (replaced_by IN ('correction', 'deletion', 'replay')) NOT VALID;
