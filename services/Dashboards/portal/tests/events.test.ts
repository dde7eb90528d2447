import { describe, expect, it } from 'vitest';
import { EventParser } from '../src/data/events.ts';

const parse = (...pieces: string[]) => {
  const parser = new EventParser();
  return pieces.flatMap(piece => [...parser.push(piece)]);
};

describe('server-sent events', () => {
  it('joins data lines and keeps id and type', () => {
    expect(parse('event: observation\nid: 7\ndata: {"a":\ndata: 1}\n\n')).toEqual([{ type: 'observation', data: '{"a":\n1}', id: '7' }]);
  });

  it('does not care where the network cuts', () => {
    const whole = 'id: 1\r\nevent: observation\r\ndata: x\r\n\r\nid: 2\r\ndata: y\r\n\r\n';
    const expected = parse(whole);
    expect(expected).toHaveLength(2);
    for (let cut = 1; cut < whole.length; cut++) expect(parse(whole.slice(0, cut), whole.slice(cut))).toEqual(expected);
    expect(parse(...whole)).toEqual(expected);
  });

  it('passes over comments, and events without data', () => {
    expect(parse(': heartbeat\n\n', 'event: nothing\n\n', 'data: z\n\n')).toEqual([{ type: 'message', data: 'z', id: null }]);
  });

  it('remembers the last id for events that bring none', () => {
    expect(parse('id: 5\ndata: a\n\n', 'data: b\n\n').map(event => event.id)).toEqual(['5', '5']);
  });
});
