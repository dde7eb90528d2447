-- Commands of Tasks (SensorThings Part 2) that were taken from the log, so that each is carried out once. Its downlink has the command's id.
CREATE TABLE task_command (
  id       uuid PRIMARY KEY,
  device   text COLLATE "C" NOT NULL,
  taken_at timestamptz NOT NULL DEFAULT now(),
  refused  text
);
COMMENT ON TABLE task_command IS 'Also of what was cancelled before it came, and then is not sent.';
COMMENT ON COLUMN task_command.refused IS 'Why there is no downlink of it.';

ALTER TABLE downlink ADD COLUMN task text;
COMMENT ON COLUMN downlink.task IS 'The Task of SensorThings that it carries out.';

-- Of one command, what is told later has a greater place.
CREATE SEQUENCE task_change_place;

-- Whatever changes the state of a Task's downlink tells it, in the same transaction.
CREATE FUNCTION tell_task() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  INSERT INTO outbox (type, device, data) VALUES ('task.changed', NEW.device, jsonb_build_object(
    'command', NEW.id, 'place', nextval('task_change_place'), 'state', NEW.state, 'since', NEW.state_since, 'reason', NEW.reason));
  RETURN NULL;
END $$;
CREATE TRIGGER downlink_task AFTER INSERT OR UPDATE OF state ON downlink FOR EACH ROW WHEN (NEW.task IS NOT NULL) EXECUTE FUNCTION tell_task();
