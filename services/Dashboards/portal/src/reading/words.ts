/** What true and false mean for a quantity, and what the well-known quantities are called in both languages. */

import type { Language } from '../text.ts';

export interface YesNo { yes: string; no: string }

const truths: { matches: RegExp; de: YesNo; en: YesNo }[] = [
  { matches: /occup|parking/i, de: { yes: 'belegt', no: 'frei' }, en: { yes: 'occupied', no: 'free' } },
  { matches: /leak|flood|water_detect/i, de: { yes: 'Wasser erkannt', no: 'trocken' }, en: { yes: 'water detected', no: 'dry' } },
  { matches: /valve|door|window|contact|open/i, de: { yes: 'offen', no: 'geschlossen' }, en: { yes: 'open', no: 'closed' } },
  { matches: /light|lamp|relay|switch|power/i, de: { yes: 'an', no: 'aus' }, en: { yes: 'on', no: 'off' } },
  { matches: /motion|presence|pir/i, de: { yes: 'Bewegung', no: 'keine Bewegung' }, en: { yes: 'motion', no: 'no motion' } },
  { matches: /alarm|alert|tamper|fault|error|low_batt/i, de: { yes: 'Meldung', no: 'in Ordnung' }, en: { yes: 'raised', no: 'all right' } },
];

export function truthOf(quantity: string, language: Language): YesNo {
  const known = truths.find(truth => truth.matches.test(quantity));
  return known ? known[language] : language === 'de' ? { yes: 'ja', no: 'nein' } : { yes: 'yes', no: 'no' };
}

/** Which state people count: of parking bays the free ones, of lamps the lit ones. */
export const countedState = (quantity: string): boolean => !/occup|parking/i.test(quantity);

/** Quantities about the device itself, which few people look for. */
export const isTechnical = (quantity: string): boolean =>
  /batter|rssi|snr|voltage_supply|supply_voltage|signal|uptime|firmware|tamper|link_quality|device_/i.test(quantity);

/** English names of ObservedProperties; German ones come with the data, whose municipality wrote them. */
const english: Record<string, string> = {
  air_temperature: 'Air temperature',
  air_pressure: 'Air pressure',
  air_humidity: 'Humidity',
  relative_humidity: 'Humidity',
  humidity: 'Humidity',
  temperature: 'Temperature',
  room_temperature: 'Room temperature',
  soil_moisture: 'Soil moisture',
  soil_temperature: 'Soil temperature',
  soil_conductivity: 'Soil conductivity',
  road_surface_temperature: 'Road surface temperature',
  surface_temperature: 'Surface temperature',
  water_level: 'Water level',
  water_temperature: 'Water temperature',
  distance: 'Distance',
  precipitation: 'Precipitation',
  rainfall: 'Rainfall',
  wind_speed: 'Wind speed',
  wind_gust: 'Wind gusts',
  wind_direction: 'Wind direction',
  solar_radiation: 'Solar radiation',
  illuminance: 'Brightness',
  uv_index: 'UV index',
  pm1: 'Particulates PM1',
  pm2_5: 'Particulates PM2.5',
  pm25: 'Particulates PM2.5',
  pm10: 'Particulates PM10',
  no2: 'Nitrogen dioxide',
  nitrogen_dioxide: 'Nitrogen dioxide',
  o3: 'Ozone',
  ozone: 'Ozone',
  co: 'Carbon monoxide',
  co2: 'Carbon dioxide',
  carbon_dioxide: 'Carbon dioxide',
  tvoc: 'Volatile organic compounds',
  noise: 'Noise level',
  sound_level: 'Noise level',
  parking_occupied: 'Parking bay taken',
  parking_occupancy: 'Parking bay taken',
  occupied: 'Occupied',
  occupancy: 'Occupancy',
  people_count: 'People counted',
  pedestrian_count: 'Pedestrians',
  vehicle_count: 'Vehicles',
  power: 'Power',
  active_power: 'Power',
  energy: 'Energy',
  voltage: 'Voltage',
  current: 'Current',
  light_on: 'Lamp switched on',
  dimming: 'Dimming level',
  valve_position: 'Valve position',
  battery: 'Battery',
  battery_level: 'Battery level',
  battery_voltage: 'Battery voltage',
};

/** The quantity's name for people: as the data names it in German, in English where it is well known. */
export function quantityName(id: string, name: string, language: Language): string {
  const known = language === 'en' ? english[id.toLowerCase().replace(/[-. ]/g, '_')] : undefined;
  return known ?? (name || id);
}
