using System.Security.Claims;
using Allmende.Contracts;
using NUnit.Framework;

namespace Allmende.Platform.Tests;

[TestFixture]
sealed class When_rules_are_applied
{
    static readonly DateTimeOffset Arrival = new(2026, 11, 21, 12, 0, 0, TimeSpan.Zero);

    [TestCase(20.0, 0, Quality.Good)]
    [TestCase(-40.0, 0, Quality.Good)]
    [TestCase(60.0, 0, Quality.Good)]
    [TestCase(60.1, 0, Quality.OutOfRange)]
    [TestCase(-40.1, 0, Quality.OutOfRange)]
    [TestCase(double.NaN, 0, Quality.OutOfRange)]
    [TestCase(20.0, 10, Quality.Good)]
    [TestCase(20.0, 10.1, Quality.FromFuture)]
    [TestCase(99.0, 11, Quality.OutOfRange | Quality.FromFuture)]
    [TestCase(20.0, -365 * 24 * 60, Quality.Good)]
    [TestCase(20.0, -365 * 24 * 60 - 1, Quality.TooOld)]
    public void Should_flag_value_and_time(double value, double minutes, Quality quality) =>
        Assert.That(QualityRules.Check(value, [-40, 60], Arrival.AddMinutes(minutes), Arrival), Is.EqualTo(quality));

    [Test]
    public void Should_flag_nothing_without_a_range_or_a_number()
    {
        Assert.That(QualityRules.Check(1e9, null, Arrival, Arrival), Is.EqualTo(Quality.Good));
        Assert.That(QualityRules.Check(null, [0, 1], Arrival, Arrival), Is.EqualTo(Quality.Good));
    }

    [Test]
    public void Should_name_every_reason_once()
    {
        var all = Enum.GetValues<Quality>().Aggregate((a, b) => a | b);
        Assert.That(QualityRules.Reasons(all), Is.EqualTo(new[] { "out_of_range", "from_future", "too_old", "warned" }));
        Assert.That((QualityRules.Flag(Quality.Good), QualityRules.Flag(Quality.Warned)), Is.EqualTo(("good", "suspect")));
    }

    [TestCase("admin", "open internal restricted")]
    [TestCase("data-owner", "open internal restricted")]
    [TestCase("data-steward", "open internal restricted")]
    [TestCase("analyst", "open internal")]
    [TestCase("developer", "open internal")]
    [TestCase("partner", "open")]
    [TestCase("operator", "open")]
    [TestCase("made-up", "open")]
    public void Should_show_each_role_its_classes_and_only_at_home(string role, string classes)
    {
        var principal = Principal("musterstadt", role, "token");
        Assert.That(string.Join(' ', Access.VisibleTo(principal, "musterstadt")), Is.EqualTo(classes));
        Assert.That(Access.VisibleTo(principal, "nachbardorf"), Is.EqualTo(new[] { "open" }));
        Assert.That(Access.VisibleTo(Principal("musterstadt", role, null), "musterstadt"), Is.EqualTo(new[] { "open" }), "claims without authentication");
    }

    [Test]
    public void Should_show_personal_data_to_nobody() =>
        Assert.That(Roles.OfMunicipality.SelectMany(role => Access.VisibleTo(Principal("m", role, "token"), "m")), Does.Not.Contain(Access.Personal));

    static ClaimsPrincipal Principal(string municipality, string role, string? authentication) =>
        new(new ClaimsIdentity([new Claim(Roles.MunicipalityClaim, municipality), new Claim(Roles.RoleClaim, role)], authentication));
}
