-- MQTT sessions that outlast their connection, written by the process that holds the advisory lock of this database's sessions.
CREATE TABLE mqtt_session (
  holder     text COLLATE "C" NOT NULL,
  client_id  text COLLATE "C" NOT NULL,
  state      json NOT NULL,
  expires_at timestamptz,
  PRIMARY KEY (holder, client_id)
);
COMMENT ON TABLE mqtt_session IS 'A client id counts for its holder: the device, key or client whose credential was shown.';
COMMENT ON COLUMN mqtt_session.state IS 'Subscriptions with the places of their feeds, ids of messages that are not released, will; no credential. json, not jsonb: a text in it may have what jsonb refuses.';
COMMENT ON COLUMN mqtt_session.expires_at IS 'Null while its client is connected.';

CREATE TABLE mqtt_session_message (
  holder      text COLLATE "C" NOT NULL,
  client_id   text COLLATE "C" NOT NULL,
  number      bigint NOT NULL,
  packet_id   integer,
  topic       text,
  payload     bytea,
  qos         smallint,
  retain      boolean,
  identifiers text,
  properties  bytea,
  expires_at  timestamptz,
  downlink    text,
  PRIMARY KEY (holder, client_id, number),
  FOREIGN KEY (holder, client_id) REFERENCES mqtt_session ON DELETE CASCADE
);
COMMENT ON COLUMN mqtt_session_message.packet_id IS 'Set once it may have been sent.';
COMMENT ON COLUMN mqtt_session_message.topic IS 'Null once the client has it (QoS 2, PUBREC): only the id is in use.';

CREATE TABLE mqtt_retained (
  device     text COLLATE "C" PRIMARY KEY REFERENCES device ON DELETE CASCADE,
  payload    bytea NOT NULL,
  qos        smallint NOT NULL,
  properties bytea NOT NULL,
  expires_at timestamptz
);
COMMENT ON TABLE mqtt_retained IS 'What is retained for a device''s topic /up; no other topic retains.';
