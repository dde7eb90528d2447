/** What true and false mean for a quantity, and what the well-known quantities are called in both languages. */

import type { Language } from '../text.ts';

export interface YesNo { yes: string; no: string }

const truths: { matches: RegExp; de: YesNo; en: YesNo }[] = [
  { matches: /occup|parking/i, de: { yes: 'belegt', no: 'frei' }, en: { yes: 'occupied', no: 'free' } },
  { matches: /leak|flood|water_detect/i, de: { yes: 'Wasser erkannt', no: 'trocken' }, en: { yes: 'water detected', no: 'dry' } },
  { matches: /valve|door|window|contact|open/i, de: { yes: 'offen', no: 'geschlossen' }, en: { yes: 'open', no: 'closed' } },
  { matches: /light|lamp|relay|switch|power/i, de: { yes: 'an', no: 'aus' }, en: { yes: 'on', no: 'off' } },
  { matches: /motion|presence|pir/i, de: { yes: 'Bewegung', no: 'keine Bewegung' }, en: { yes: 'motion', no: 'no motion' } },
  { matches: /alarm|alert|tamper|fault|error|obstructed|low_batt/i, de: { yes: 'Meldung', no: 'in Ordnung' }, en: { yes: 'raised', no: 'all right' } },
];

export function truthOf(quantity: string, language: Language): YesNo {
  const known = truths.find(truth => truth.matches.test(quantity));
  return known ? known[language] : language === 'de' ? { yes: 'ja', no: 'nein' } : { yes: 'yes', no: 'no' };
}

/** Which state people count: of parking bays the free ones, of lamps the lit ones. */
export const countedState = (quantity: string): boolean => !/occup|parking/i.test(quantity);

/** Quantities about the device itself, which few people look for. */
export const isTechnical = (quantity: string): boolean =>
  /batter|rssi|snr|voltage|current$|frequency|reactive|tariff|electrical_energy|power_factor|signal|uptime|firmware|tamper|obstructed|link_quality|device_temp|housing|number_of_samples|measurement_interval|permittivity|conductivity|pulses|_(minimum|maximum|median|total)$|particle_size|pm1_|pm4_|organic_compounds|motion_count|(wifi|bluetooth)_device|partial_pressure|water_pressure/i.test(quantity);

/** What people in a town ask for, first things first; the rest follows by the number of stations. */
const asked: RegExp[] = [
  /^air_temperature/, /^relative_humidity/, /^(water_level|distance_to_water_surface|river)/, /parking/, /pm2p5|pm10/, /^room_air_temp/, /carbon_dioxide/, /^(precipitation|rain)/,
  /^wind_speed$/, /^wind_from/, /^wind_speed_of_gust/, /^(soil_moisture|volume_fraction_of_water_in_soil)/, /pedestrian|people|visitor/, /flood/, /nitrogen|ozone/, /noise|sound/, /^road_surface/,
];

/** The place of a quantity among those that people ask for; after all of them where few do. */
export function interest(quantity: string): number {
  const place = asked.findIndex(matches => matches.test(quantity));
  return place < 0 ? asked.length : place;
}

/** What a list calls a quantity whose data is named after the single sensor's answer ("occupied"). */
const german: Record<string, string> = {
  parking_occupied: 'Parkplätze',
  pedestrian_count: 'Passanten',
  flood_detected: 'Überflutung',
  leak_detected: 'Leckagen',
  valve_open: 'Ventile',
};

/** English names of well-known ObservedProperties; German ones come with the data, whose municipality wrote them. */
const english: Record<string, string> = {
  air_pressure: 'Air pressure',
  air_temperature: 'Air temperature',
  battery_level: 'Battery level',
  battery_voltage: 'Battery voltage',
  device_temperature: 'Device temperature',
  distance: 'Distance',
  distance_to_water_surface: 'Distance to the water surface',
  electrical_current: 'Electric current',
  electrical_energy_import: 'Electric energy drawn',
  electrical_frequency: 'Mains frequency',
  electrical_power: 'Electric power',
  electrical_voltage: 'Voltage',
  flood_detected: 'Flooding',
  illuminance: 'Brightness',
  leak_detected: 'Leak',
  lightning_distance: 'Distance of lightning',
  lightning_strike_count: 'Lightning strikes',
  mass_concentration_of_nitrogen_dioxide_in_air: 'Nitrogen dioxide',
  mass_concentration_of_ozone_in_air: 'Ozone',
  mass_concentration_of_pm1_ambient_aerosol_particles_in_air: 'Particulates PM1',
  mass_concentration_of_pm2p5_ambient_aerosol_particles_in_air: 'Particulates PM2.5',
  mass_concentration_of_pm4_ambient_aerosol_particles_in_air: 'Particulates PM4',
  mass_concentration_of_pm10_ambient_aerosol_particles_in_air: 'Particulates PM10',
  mole_fraction_of_carbon_dioxide_in_air: 'Carbon dioxide',
  mole_fraction_of_volatile_organic_compounds_in_air: 'Volatile organic compounds',
  motion_count: 'Movements counted',
  motion_detected: 'Motion',
  parking_occupied: 'Parking bays',
  pedestrian_count: 'Pedestrians',
  precipitation_amount: 'Precipitation',
  precipitation_amount_total: 'Precipitation in total',
  probe_temperature: 'Probe temperature',
  rainfall_rate: 'Rainfall rate',
  relative_humidity: 'Humidity',
  room_air_temperature: 'Room temperature',
  room_relative_humidity: 'Room humidity',
  road_surface_temperature: 'Road surface temperature',
  soil_electrical_conductivity: 'Soil conductivity',
  soil_moisture: 'Soil moisture',
  soil_temperature: 'Soil temperature',
  sound_pressure_level: 'Noise level',
  surface_downwelling_shortwave_flux_in_air: 'Solar radiation',
  surface_temperature: 'Surface temperature',
  valve_open: 'Valve',
  vehicle_count: 'Vehicles',
  volume_fraction_of_water_in_soil: 'Water content of the soil',
  water_column_above_probe: 'Water column',
  water_level: 'Water level',
  water_pressure: 'Water pressure',
  water_temperature: 'Water temperature',
  wifi_device_count: 'Wi-Fi devices nearby',
  wind_from_direction: 'Wind direction',
  wind_speed: 'Wind speed',
  wind_speed_of_gust: 'Gusts',
};

/** The quantity's name for people, as the data names it; what is well known has one name in every town. */
export function quantityName({ id, name, nameEn }: { id: string; name: string; nameEn: string }, language: Language): string {
  if (language === 'de') return german[id] ?? (name || id);
  return english[id] ?? (nameEn || name || id);
}

/** One sensor's value by the name that its town gave it, in English where it has one. */
export function valueName({ quantity, name, nameEn }: { quantity: string; name: string; nameEn: string }, language: Language): string {
  return language === 'de' ? name : nameEn || (english[quantity] ?? name);
}
