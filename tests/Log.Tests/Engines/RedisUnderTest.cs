using Allmende.Testing;

namespace Allmende.Log.Tests.Engines;

/// <summary>A private redis-server as an installation runs it: append-only file, fsync always.</summary>
sealed class RedisUnderTest : LogEngine
{
    readonly TestEngines engines;

    RedisUnderTest(TestEngines engines) => this.engines = engines;

    public override string Kind => "redis";

    public override string Address => engines.Redis.Address;

    public static async Task<RedisUnderTest> StartAsync() => new(await TestEngines.StartAsync(postgres: false));

    public override Task TakeDownAsync() => engines.Redis.Process.KillAsync(restart: false);

    public override Task BringBackAsync() => engines.Redis.Process.StartAsync();

    public override ValueTask DisposeAsync() => engines.DisposeAsync();
}
