namespace Allmende.Observations.Webhooks;

/// <summary>How webhooks are delivered; section <c>Observations:Webhooks</c>.</summary>
sealed class WebhookOptions
{
    /// <summary>Targets may have private, loopback and link-local addresses: for receivers beside the platform. Whoever may subscribe then reaches what this process reaches.</summary>
    public bool AllowPrivateAddresses { get; set; }
    /// <summary>Subscriptions of one municipality.</summary>
    public int MostSubscriptions { get; set; } = 100;
    /// <summary>Subscriptions that one instance delivers at the same time.</summary>
    public int MostWorkers { get; set; } = 1_000;
    /// <summary>A receiver answers within so long.</summary>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(15);
    /// <summary>Pause after the first failure; it doubles with each further one.</summary>
    public TimeSpan FirstPause { get; set; } = TimeSpan.FromSeconds(1);
    /// <summary>Longest of these pauses.</summary>
    public TimeSpan LongestPause { get; set; } = TimeSpan.FromHours(1);
    /// <summary>A lease that is not renewed for so long is free: another instance goes on.</summary>
    public TimeSpan Lease { get; set; } = TimeSpan.FromSeconds(20);
    /// <summary>How often leases are renewed and changes made elsewhere are looked for.</summary>
    public TimeSpan RenewEvery { get; set; } = TimeSpan.FromSeconds(5);
    /// <summary>The same for a municipality that has no active subscription: seldom, so that it costs no connection to its database.</summary>
    public TimeSpan LookedForEvery { get; set; } = TimeSpan.FromMinutes(2);
    /// <summary>Attempts that are remembered of each subscription.</summary>
    public int KeptDeliveries { get; set; } = 1_000;

    /// <exception cref="InvalidOperationException">With all faults.</exception>
    public WebhookOptions Validated()
    {
        var faults = Faults().ToList();
        return faults.Count == 0 ? this : throw new InvalidOperationException("The configuration is faulty:\n- " + string.Join("\n- ", faults));
    }

    IEnumerable<string> Faults()
    {
        if (MostSubscriptions < 1 || MostWorkers < 1 || KeptDeliveries < 1) yield return "Observations:Webhooks: MostSubscriptions, MostWorkers and KeptDeliveries must be at least 1";
        if (Timeout <= TimeSpan.Zero || FirstPause <= TimeSpan.Zero || LongestPause < FirstPause) yield return "Observations:Webhooks: Timeout and FirstPause must be longer than nothing, LongestPause not shorter than FirstPause";
        if (RenewEvery <= TimeSpan.Zero || Lease < RenewEvery * 2) yield return "Observations:Webhooks:Lease must be at least twice RenewEvery";
        if (LookedForEvery < RenewEvery) yield return "Observations:Webhooks:LookedForEvery must not be shorter than RenewEvery";
    }
}
