import { describe, expect, it } from 'vitest';
import { number, quantity, unitSign } from '../src/reading/units.ts';

describe('unit signs', () => {
  it.each([
    ['Cel', '°C'], ['%', '%'], ['mm', 'mm'], ['ug/m3', 'µg/m³'], ['mg/m3', 'mg/m³'], ['[ppm]', 'ppm'], ['kW.h', 'kWh'], ['hPa', 'hPa'],
    ['uS/cm', 'µS/cm'], ['W/m2', 'W/m²'], ['m/s', 'm/s'], ['dB[A]', 'dB(A)'], ['l/min', 'l/min'], ['m3/h', 'm³/h'], ['s-1', 's⁻¹'],
    ['deg', '°'], ['1', ''], ['{persons}', ''], ['{vehicles}/h', '1/h'], ['', ''],
  ])('writes %s as %s', (ucum, sign) => {
    expect(unitSign(ucum)).toBe(sign);
  });
});

describe('numbers', () => {
  it('uses the writing of the language', () => {
    expect(number(1234.5, 'de', 1)).toBe('1.234,5');
    expect(number(1234.5, 'en', 1)).toBe('1,234.5');
  });

  it('writes a true minus and never a negative nothing', () => {
    expect(number(-3.24, 'de', 1)).toBe('−3,2');
    expect(number(-0.01, 'de', 1)).toBe('0');
  });

  it('gives as many digits as the unit deserves', () => {
    expect(quantity(12.345, 'Cel', 'de')).toBe('12,3\u202f°C');
    expect(quantity(8, 'Cel', 'de')).toBe('8,0\u202f°C');
    expect(quantity(48.6, '%', 'de')).toBe('49\u202f%');
    expect(quantity(3.611, 'V', 'en')).toBe('3.61\u202fV');
    expect(quantity(271.6, 'deg', 'de')).toBe('272°');
    expect(quantity(17, '{persons}', 'de')).toBe('17');
  });
});
