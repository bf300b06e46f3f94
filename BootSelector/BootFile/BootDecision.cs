namespace ContentTree.BootFile;

/// <summary>What to do at this boot.</summary>
/// <param name="Why">For people: what was passed over and what decided.</param>
public abstract record BootDecision(string Why)
{
    public override string ToString() => Why;

    /// <summary>Boot a complete deployment.</summary>
    /// <param name="Deployment">Which one.</param>
    /// <param name="Reason">Its place in the order of choice.</param>
    /// <param name="Save">Must be durable and read back before handing over; null when nothing is counted.</param>
    /// <param name="Uncounted">It should have been counted, but the medium takes no count: do not hand over without a pause.</param>
    /// <param name="Why">For people.</param>
    public sealed record Boot(DeploymentName Deployment, BootReason Reason, BootRecord? Save, bool Uncounted, string Why) : BootDecision(Why)
    {
        public override string ToString() => Why;
    }

    /// <summary>Nothing is left to boot: tell, wait longer each time, reboot.</summary>
    /// <param name="NewRound">
    /// To be written after the wait: fresh tries, because power cuts use up tries as well and a device must come back from that
    /// by itself. Null when there is nothing to try.
    /// </param>
    /// <param name="Why">For people.</param>
    public sealed record Rescue(BootRecord? NewRound, string Why) : BootDecision(Why)
    {
        public override string ToString() => Why;
    }
}
