-- A codec is JavaScript or a binary layout (JSON); and who put a version is kept, null for those from before.
ALTER TABLE streams.codec ADD COLUMN kind text NOT NULL DEFAULT 'javascript';
ALTER TABLE streams.codec ADD COLUMN changed_by text;
