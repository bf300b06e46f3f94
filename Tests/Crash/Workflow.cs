namespace ContentTree.Tests.Crash;

/// <summary>One verb of <c>ctree</c>, run on a device in a given state.</summary>
/// <param name="Name">What test results call it.</param>
/// <param name="Start">The state, one of those that <see cref="CrashLab"/> makes.</param>
/// <param name="Words">The verb and its arguments; names in braces are filled in.</param>
internal sealed record Workflow(string Name, string Start, params string[] Words)
{
    public static IReadOnlyList<Workflow> All { get; } =
    [
        new("init", DeviceStates.Unset, "init", "--server", "{url}", "--branch", "main", "--token", "{token}", "{rights}"),
        new("pull of objects", DeviceStates.Confirmed, "pull"),
        new("pull of packs", DeviceStates.Confirmed, "pull") { HasPacks = true },
        new("pull of a delta", DeviceStates.Delta, "pull"),
        new("deploy", DeviceStates.Pulled, "deploy", "{new}"),
        new("update", DeviceStates.Confirmed, "update"),
        new("confirm", DeviceStates.Trial, "confirm") { Done = [0, 5] },
        new("rollback", DeviceStates.Updated, "rollback") { IsSteering = true },
        new("fallback", DeviceStates.FellBack, "update") { Done = [16] },
        new("switch", DeviceStates.Confirmed, "switch", "other"),
        new("gc", DeviceStates.Littered, "gc"),
        new("repair", DeviceStates.Damaged, "repair"),
    ];

    /// <summary>How it ends where nothing is left to do.</summary>
    public IReadOnlyList<int> Done { get; init; } = [0];

    /// <summary>Whether the server gives packs.</summary>
    public bool HasPacks { get; init; }

    /// <summary>Run twice it would undo itself: people look before they repeat it.</summary>
    public bool IsSteering { get; init; }

    /// <summary>Whether the device is damaged before it begins.</summary>
    public bool StartsDamaged => Start == DeviceStates.Damaged;

    /// <summary>Whether there is no device before it begins.</summary>
    public bool StartsUnset => Start == DeviceStates.Unset;

    public static Workflow Find(string name) => All.Single(workflow => workflow.Name == name);
}
