-- Devices that show a certificate instead of a key: either their own, known by its fingerprint, or one that an authority of the municipality has signed.
ALTER TABLE device
  ADD COLUMN certificate_hash  text CONSTRAINT device_certificate_hash UNIQUE,
  ADD COLUMN certificate_since timestamptz;
COMMENT ON COLUMN device.certificate_hash IS 'SHA-256 of the device''s certificate (DER), hexadecimal. Where it is set, no other certificate speaks for the device.';

CREATE TABLE device_certificate_authority (
  id          text COLLATE "C" PRIMARY KEY,
  name        text,
  speaks_for  text NOT NULL,
  certificate bytea NOT NULL,
  changed_at  timestamptz NOT NULL DEFAULT now()
);
COMMENT ON COLUMN device_certificate_authority.speaks_for IS 'device: who shows a certificate of it is the device that this names. all: who shows one may write uplinks of all devices.';
