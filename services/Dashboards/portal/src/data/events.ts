/** Reads server-sent events out of a stream of text, as the HTML standard defines them (section 9.2.6). */

export interface ServerEvent {
  type: string;
  data: string;
  id: string | null;
}

export class EventParser {
  #rest = '';
  #type = '';
  #data: string[] = [];
  #id: string | null = null;
  /** The server's wish for the time between two attempts, in milliseconds. */
  retry: number | null = null;

  /** Takes the next piece and yields the events that it completes. */
  *push(piece: string): Generator<ServerEvent> {
    // A carriage return at the end may be half of a line break: it waits for the next piece.
    const text = this.#rest + piece;
    const lines = text.split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop()!;
    for (const line of lines) {
      if (line !== '') { this.#field(line); continue; }
      if (this.#data.length > 0) yield { type: this.#type || 'message', data: this.#data.join('\n'), id: this.#id };
      this.#type = '';
      this.#data = [];
    }
  }

  #field(line: string): void {
    const colon = line.indexOf(':');
    if (colon === 0) return;
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (name === 'event') this.#type = value;
    else if (name === 'data') this.#data.push(value);
    else if (name === 'id' && !value.includes('\0')) this.#id = value;
    else if (name === 'retry' && /^\d+$/.test(value)) this.retry = Number(value);
  }
}
