import { describe, expect, it } from 'vitest';
import { gaps, typicalInterval, withGaps, type Point } from '../src/reading/gaps.ts';

const at = (...minutes: number[]): Point[] => minutes.map(minute => ({ time: minute * 60_000, mean: minute, min: minute, max: minute }));
const breaks = (points: Point[]) => points.filter(point => point.mean === null).map(point => point.time / 60_000);

describe('gaps of a series', () => {
  it('takes the median for the typical interval', () => {
    expect(typicalInterval(at(0, 10, 20, 30, 300))).toBe(600_000);
    expect(typicalInterval(at(5))).toBeNull();
  });

  it('breaks the line in a hole wider than three intervals, and nowhere else', () => {
    expect(breaks(withGaps(at(0, 10, 20, 50, 60, 100, 110)))).toEqual([70]);
    expect(breaks(withGaps(at(0, 10, 20, 50)))).toEqual([]);
  });

  it('trusts an interval that is wider than the points lie', () => {
    expect(breaks(withGaps(at(0, 10, 20, 60), 20 * 60_000))).toEqual([]);
    expect(breaks(withGaps(at(0, 10, 20, 90), 20 * 60_000))).toEqual([40]);
  });

  it('tells the holes from value to value, and the silence up to now', () => {
    const line = withGaps(at(0, 10, 20, 100, 110));
    expect(gaps(line, 115 * 60_000)).toEqual([{ from: 20 * 60_000, to: 100 * 60_000 }]);
    expect(gaps(line, 300 * 60_000)).toHaveLength(2);
    expect(gaps(line, 300 * 60_000)[1]).toEqual({ from: 110 * 60_000, to: 300 * 60_000 });
  });

  it('leaves one point and none alone', () => {
    expect(withGaps(at(5))).toEqual(at(5));
    expect(withGaps([])).toEqual([]);
  });
});
