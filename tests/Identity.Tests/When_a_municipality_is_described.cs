using Allmende.Contracts;
using Allmende.Platform.Security;
using FsCheck.Fluent;

namespace Allmende.Identity.Tests;

[TestFixture]
public class When_a_municipality_is_described
{
    static readonly NewMunicipality Good = new("musterstadt", "Musterstadt", "059990001001", 101_000, [8.38, 51.9], null, null, null, null);

    [Test]
    public void Should_accept_the_least_that_is_needed()
    {
        Assert.That(Good.Faults(), Is.Empty);
        var municipality = Good.ToMunicipality();
        Assert.That((municipality.DefaultAccess, municipality.MinGroup), Is.EqualTo((Access.Internal, 5)));
    }

    [TestCase("a")]
    [TestCase("1stadt")]
    [TestCase("Stadt")]
    [TestCase("stadt_mitte")]
    [TestCase("stadt\n")]
    [TestCase("operator")]
    [TestCase("internal")]
    [TestCase("realms")]
    [TestCase("template")]
    [TestCase("abcdefghijklmnopqrstuvwxyz012345")]
    [TestCase(null)]
    public void Should_refuse_an_id_that_is_none(string? id) => Assert.That((Good with { Id = id }).Faults().Select(fault => fault.Field), Is.EqualTo(new[] { "id" }));

    [TestCase(new[] { 8.0, 51.5, 9.0, 52.0 }, true)]
    [TestCase(new[] { 9.0, 51.5, 8.0, 52.0 }, false)]
    [TestCase(new[] { 8.0, 52.0, 9.0, 51.0 }, false)]
    [TestCase(new[] { 8.0, 51.5, 9.0 }, false)]
    [TestCase(new[] { 8.5, 51.5, 9.0, 52.0 }, false)]
    [TestCase(new[] { 8.0, -91, 9.0, 52.0 }, false)]
    public void Should_want_a_box_around_the_centre(double[] bbox, bool good) => Assert.That((Good with { Bbox = bbox }).Faults().Any(), Is.Not.EqualTo(good));

    [Test]
    public void Should_find_the_centre_of_a_box() =>
        Assert.That((Good with { Center = null, Bbox = [8, 51, 9, 52] }).ToMunicipality().Center, Is.EqualTo(new[] { 8.5, 51.5 }));

    [Test]
    public void Should_draw_a_box_that_holds_the_centre_and_is_no_larger_than_a_district() =>
        FsCheck.Check.QuickThrowOnFailure(Prop.ForAll<double, double, int>(HoldsItsCentre));

    static bool HoldsItsCentre(double longitude, double latitude, int inhabitants)
    {
        static double Into(double value, double limit) => double.IsFinite(value) ? value % limit : 0;
        var described = Good with { Center = [Into(longitude, 170), Into(latitude, 80)], Inhabitants = 1 + Math.Abs(inhabitants % 4_000_000) };
        var (center, bbox) = (described.ToMunicipality().Center, described.ToMunicipality().Bbox);
        return !described.Faults().Any() && bbox[0] < center[0] && bbox[2] > center[0] && bbox[1] < center[1] && bbox[3] > center[1] && bbox[3] - bbox[1] < 0.3;
    }
}

[TestFixture]
public class When_api_keys_are_made
{
    [Test]
    public void Should_all_differ_and_fit_their_prefix_alone()
    {
        var keys = Enumerable.Range(0, 1000).Select(_ => ApiKey.Create(ApiKey.MunicipalityPrefix)).ToHashSet();
        Assert.That(keys, Has.Count.EqualTo(1000));
        Assert.That(keys.All(key => ApiKey.Fits(key, ApiKey.MunicipalityPrefix) && !ApiKey.Fits(key, ApiKey.DevicePrefix)), Is.True);
        Assert.That(ApiKey.Fits(keys.First() + "x", ApiKey.MunicipalityPrefix), Is.False);
        Assert.That(ApiKey.Hash("abc"), Is.EqualTo("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
    }
}
