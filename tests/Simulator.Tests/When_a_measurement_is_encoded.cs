using Allmende.Simulator.Payloads;

namespace Allmende.Simulator.Tests;

[TestFixture]
public class When_a_measurement_is_encoded
{
    [Test]
    public async Task Should_read_the_same_from_a_parking_sensor([Values] bool occupied)
    {
        var status = await Codecs.DecodeAsync("bosch-tps110-0292", BoschTps110.Status(occupied));
        var beat = await Codecs.DecodeAsync("bosch-tps110-0292", BoschTps110.Heartbeat(occupied, -7));
        Assert.Multiple(() =>
        {
            Assert.That(status.GetProperty("occupied").GetBoolean(), Is.EqualTo(occupied));
            Assert.That(beat.GetProperty("occupied").GetBoolean(), Is.EqualTo(occupied));
            Assert.That(beat.Number("temperature"), Is.EqualTo(-7));
        });
    }

    [Test]
    public Task Should_read_the_same_from_a_laser_gauge() => SameAsync(
        "decentlab-dl-lid", Decentlab.Lid(4553, 4510, 12, 100, 2.749), ("distance_median", 4510, 0), ("distance_average", 4510, 0),
        ("distance_25th_percentile", 4502, 0.5), ("number_of_samples", 100, 0), ("battery_voltage", 2.749, 1e-9));

    [Test]
    public Task Should_read_the_same_from_a_pressure_gauge() => SameAsync(
        "decentlab-dl-pr26-0-1", Decentlab.Pr26(359, 0.1432, 7.25, 3.199), ("pressure", 0.1432, 2e-5), ("temperature", 7.25, 0.002), ("battery_voltage", 3.199, 1e-9));

    [Test]
    public Task Should_read_the_same_from_a_soil_probe() => SameAsync(
        "decentlab-dl-trs12", Decentlab.Trs12(4307, 0.2312, -1.4, 318, 3.2), ("volumetric_water_content", 0.2312, 3e-5), ("soil_temperature", -1.4, 1e-9),
        ("electrical_conductivity", 318, 0), ("battery_voltage", 3.2, 1e-9));

    [Test]
    public Task Should_read_the_same_from_a_rain_gauge() => SameAsync(
        "decentlab-dl-tbrg-01", Decentlab.Tbrg(760, 0.4, 600, 6600.3, 3.156), ("precipitation", 0.4, 1e-9), ("precipitation_interval", 600, 0),
        ("cumulative_precipitation", 6600.3, 1e-6));

    [Test]
    public Task Should_read_the_same_from_a_weather_station() => SameAsync(
        "decentlab-dl-atm41",
        Decentlab.Atm41(858, new Decentlab.Station(412, 1.25, 3, 9, 4.31, 243.5, 7.02, -5.4, 0.41, 99.87, 87.3), 3.061),
        ("solar_radiation", 412, 0), ("precipitation", 1.25, 1e-9), ("lightning_strike_count", 3, 0), ("lightning_average_distance", 9, 0),
        ("wind_speed", 4.31, 1e-9), ("wind_direction", 243.5, 1e-9), ("maximum_wind_speed", 7.02, 1e-9), ("air_temperature", -5.4, 1e-9),
        ("vapor_pressure", 0.41, 1e-9), ("atmospheric_pressure", 99.87, 1e-9), ("relative_humidity", 87.3, 1e-9), ("battery_voltage", 3.061, 1e-9));

    [Test]
    public Task Should_read_the_same_from_a_particle_counter() => SameAsync(
        "decentlab-dl-pm", Decentlab.Pm(6992, new Decentlab.Particles(8.3, 11.4, 19.6, -2.31, 81.5, 100_240), 3.109),
        ("pm1_0_mass_concentration", 8.3, 1e-9), ("pm2_5_mass_concentration", 11.4, 1e-9), ("pm10_mass_concentration", 19.6, 1e-9),
        ("air_temperature", -2.31, 0.002), ("air_humidity", 81.5, 0.001), ("barometric_pressure", 100_240, 1), ("battery_voltage", 3.109, 1e-9));

    [Test]
    public Task Should_read_the_same_from_a_temperature_probe() => SameAsync(
        "dragino-lht65", Dragino.Lht65(-3.21, 91.4, -6.78, 2.62), ("TempC_SHT", -3.21, 1e-9), ("Hum_SHT", 91.4, 1e-9), ("TempC_DS", -6.78, 1e-9),
        ("BatV", 2.62, 1e-9), ("Bat_status", 2, 0));

    [Test]
    public Task Should_read_what_no_probe_can_measure_where_it_is_torn_off() => SameAsync(
        "dragino-lht65", Dragino.Lht65(20, 50, null, 3.05), ("TempC_SHT", 20, 1e-9), ("TempC_DS", 327.67, 1e-9));

    [Test]
    public Task Should_read_the_same_from_a_soil_spike() => SameAsync(
        "dragino-lse01", Dragino.Lse01(24.87, -0.6, 311, 3.412), ("water_SOIL", 24.87, 1e-9), ("temp_SOIL", -0.6, 1e-9), ("conduct_SOIL", 311, 0), ("Bat", 3.412, 1e-9));

    [Test]
    public Task Should_read_the_same_from_an_elsys_room_sensor() => SameAsync(
        "elsys-ers-co2", ElsysErsCo2.Climate(21.7, 43, 388, 6, 1312, 3.612), ("temperature", 21.7, 1e-9), ("humidity", 43, 0), ("light", 388, 0), ("motion", 6, 0),
        ("co2", 1312, 0), ("vdd", 3612, 0));

    [Test]
    public Task Should_read_the_same_from_a_milesight_room_sensor() => SameAsync(
        "milesight-iot-am107", MilesightAm107.Climate(new MilesightAm107.Room(20.9, 41.5, 73, 512, 988, 141, 1004.7), 92), ("temperature", 20.9, 1e-9),
        ("humidity", 41.5, 1e-9), ("activity", 73, 0), ("illumination", 512, 0), ("co2", 988, 0), ("tvoc", 141, 0), ("pressure", 1004.7, 1e-9), ("battery", 92, 0));

    [Test]
    public Task Should_read_the_same_from_an_mclimate_room_sensor() => SameAsync(
        "mclimate-co2-sensor", MClimate.Co2(876, 22.7, 51.56, 3.496), ("co2", 876, 0), ("temperature", 22.7, 1e-9), ("humidity", 51.56, 0.2), ("battery", 3.5, 1e-9));

    [Test]
    public async Task Should_read_the_same_from_a_flood_sensor()
    {
        var wet = await Codecs.DecodeAsync("mclimate-flood-sensor", MClimate.Flood(FloodReason.Flood, flood: true, 3.2));
        var dry = await Codecs.DecodeAsync("mclimate-flood-sensor", MClimate.Flood(FloodReason.Keepalive, flood: false, 3.2));
        Assert.Multiple(() =>
        {
            Assert.That(wet.GetProperty("reason").GetString(), Is.EqualTo("floodDetected"));
            Assert.That(wet.GetProperty("flood").GetBoolean(), Is.True);
            Assert.That(dry.GetProperty("reason").GetString(), Is.EqualTo("keepalive"));
            Assert.That(dry.GetProperty("flood").GetBoolean(), Is.False);
            Assert.That(dry.Number("battery"), Is.EqualTo(3.2).Within(1e-9));
        });
    }

    [Test]
    public Task Should_read_the_same_from_a_pedestrian_counter() => SameAsync(
        "opensource-esp32-paxcounter", Paxcounter.Count(271, 94), ("wifi", 271, 0), ("ble", 94, 0), ("pax", 365, 0));

    [Test]
    public Task Should_read_the_same_from_an_electricity_meter() => SameAsync(
        "emu-emu-prof-ii", EmuProfessional.Reading(DateTime.UnixEpoch.AddSeconds(1635506100), 48_123_456, 128, 1812), ("active_energy_import_t1", 48_123_456, 0),
        ("active_energy_import_t2", 128, 0), ("active_power_l123", 1812, 0), ("timestamp", 1635506100, 0));

    [Test]
    public async Task Should_read_the_same_from_a_valve([Values] bool open)
    {
        var data = await Codecs.DecodeAsync("strega-smart-valve", StregaSmartValve.Status(open, -3.5, 61.2, 3.2));
        Assert.Multiple(() =>
        {
            Assert.That(data.GetProperty("Actuator").GetBoolean(), Is.EqualTo(open));
            Assert.That(data.Number("Temp"), Is.EqualTo(-3.5).Within(0.006));
            Assert.That(data.Number("Hygro"), Is.EqualTo(61.2).Within(0.006));
            Assert.That(data.Number("Bat"), Is.EqualTo(75));
        });
    }

    /// <summary>The makers' own examples, measured again, give the makers' bytes.</summary>
    [TestCaseSource(nameof(Examples))]
    public void Should_give_the_bytes_of_the_makers_example(string bytes, byte[] encoded) =>
        Assert.That(Convert.ToHexStringLower(encoded), Is.EqualTo(bytes));

    static IEnumerable<TestCaseData> Examples()
    {
        static TestCaseData Case(string bytes, Payload payload) => new TestCaseData(bytes, payload.Bytes).SetArgDisplayNames(bytes);
        yield return Case("01ff", BoschTps110.Heartbeat(true, -1));
        yield return Case("02016700033e8060170c7f", Decentlab.Pr26(359, -0.01171875, 25.671875, 3.199));
        yield return Case("0202f8000300040258409a00000c54", Decentlab.Tbrg(760, 0.4, 600, 1653.8, 3.156));
        yield return Case("0210d3000346be813d00000c80", Decentlab.Trs12(4307, 0.0068869, 31.7, 0, 3.2));
        yield return Case("cbf60b0d0376010add7fff", Dragino.Lht65(28.29, 88.6, 27.81, 3.062));
        yield return Case("010271027384ed", MClimate.Co2(625, 22.7, 51.56, 3.496));
        yield return Case("07000300", Paxcounter.Count(7, 3));
        yield return Case("333138383223633d77db", StregaSmartValve.Status(false, 23.9628, 46.8185, 3.188));
    }

    static async Task SameAsync(string profile, Payload payload, params (string Field, double Value, double Tolerance)[] expected)
    {
        var data = await Codecs.DecodeAsync(profile, payload);
        Assert.Multiple(() =>
        {
            foreach (var (field, value, tolerance) in expected)
                Assert.That(data.Number(field), Is.EqualTo(value).Within(tolerance), field);
        });
    }
}
