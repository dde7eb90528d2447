import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/**
 * A small file of JSON with secrets in it: readable by its owner only, and at every moment either the old or the
 * new content, whatever happens to process or power. Synchronous on purpose: changes are rare and must not interleave.
 */
export class JsonFile {
  constructor(file) {
    this.path = file;
  }

  /** @returns the content, or undefined when there is no file yet; throws when it is not JSON */
  read() {
    let text;
    try {
      text = readFileSync(this.path, 'utf8');
    } catch (error) {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    }
    try {
      return JSON.parse(text);
    } catch (cause) {
      throw new Error(`${this.path} is damaged; restore it from a backup`, { cause });
    }
  }

  write(content) {
    const folder = path.dirname(this.path);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const beside = `${this.path}.new`;
    const handle = openSync(beside, 'w', 0o600);
    try {
      writeFileSync(handle, JSON.stringify(content));
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
    renameSync(beside, this.path);
    flushFolder(folder);
  }
}

/** The rename itself is durable only once the folder is. */
function flushFolder(folder) {
  const handle = openSync(folder, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
