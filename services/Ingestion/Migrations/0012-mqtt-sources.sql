-- Brokers that uplinks are taken from. The client id names the session there, so it stays as long as the source does.
CREATE TABLE mqtt_source (
  id         text COLLATE "C" PRIMARY KEY,
  version    bigint NOT NULL DEFAULT 1,
  client_id  text NOT NULL,
  source     jsonb NOT NULL,
  password   text,
  changed_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON COLUMN mqtt_source.password IS 'What we show to the broker; never answered back.';

-- What whoever runs the source tells of it. Apart from it, because it changes every few seconds.
CREATE TABLE mqtt_source_state (
  source          text COLLATE "C" PRIMARY KEY REFERENCES mqtt_source ON DELETE CASCADE,
  state           text NOT NULL,
  since           timestamptz NOT NULL,
  last_message_at timestamptz,
  last_error      text,
  last_error_at   timestamptz,
  taken           bigint NOT NULL DEFAULT 0,
  refused         bigint NOT NULL DEFAULT 0,
  subscribed      text[] NOT NULL DEFAULT '{}',
  told_at         timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 50);
COMMENT ON COLUMN mqtt_source_state.subscribed IS 'The topics that the session at the broker has.';
COMMENT ON COLUMN mqtt_source_state.told_at IS 'Written again and again while somebody runs the source.';
