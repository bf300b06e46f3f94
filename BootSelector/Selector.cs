using ContentTree.BootFile;

namespace ContentTree.BootSelector;

/// <summary>Reads what there is, decides, and makes the count durable: afterwards the choice may be booted.</summary>
internal sealed class Selector(DeviceLayout layout, BootSlots slots, KernelCommandLine commandLine)
{
    private readonly Dictionary<DeploymentName, string> _broken = [];
    private bool _canCount = true;
    private string _saveProblem = "";

    /// <summary>The deployment a person asked for, or null.</summary>
    public DeploymentName? OverrideName { get; set; } = commandLine.OverrideName;

    /// <summary>A person asked for the previous one.</summary>
    public bool OverridePrevious { get; set; } = commandLine.IsSet("ctree.previous");

    /// <summary>Where the slots and the loader's files are.</summary>
    public string BootDirectory => slots.Directory;

    /// <summary>What was passed over at this boot, and why.</summary>
    public IReadOnlyDictionary<DeploymentName, string> Excluded => _broken;

    /// <summary>A deployment that turned out not to be mountable is not chosen again at this boot.</summary>
    public void Exclude(DeploymentName name, string why) => _broken[name] = why;

    /// <summary>What would be chosen now; changes nothing.</summary>
    public Choice Look()
    {
        var (a, b) = slots.Inspect();
        var record = BootSlots.Current(a, b)?.Record;
        var complete = new List<CompleteDeployment>(DeploymentSet.Scan(layout));
        complete.RemoveAll(deployment => _broken.ContainsKey(deployment.Name));
        var decision = BootChoice.Decide(new BootSituation
        {
            Record = record,
            Complete = complete,
            Denied = DenyList.Read(layout.Denied),
            Recovery = layout.ReadRecovery(),
            OverrideName = OverrideName,
            OverridePrevious = OverridePrevious,
            CanCount = _canCount,
        });
        var marker = decision is BootDecision.Boot boot ? complete.Find(deployment => deployment.Name == boot.Deployment)?.Marker : null;
        return new Choice(decision, marker, record, ProblemOf(a, b));
    }

    /// <summary>Chooses and counts. A count that does not reach the medium leads to a choice that needs none.</summary>
    public Choice Choose()
    {
        while (true)
        {
            var choice = Look();
            if (choice.Decision is not BootDecision.Boot { Save: { } save })
                return choice;
            try
            {
                return choice with { Record = Save(save) };
            }
            catch (IOException e)
            {
                _saveProblem = "the count could not be saved: " + e.Message;
                _canCount = false;
            }
        }
    }

    /// <summary>Writes a record; slots that were lost or cut to another size are made whole first.</summary>
    /// <exception cref="IOException">It did not reach the medium.</exception>
    public BootRecord Save(BootRecord record)
    {
        slots.Create();
        return slots.Write(record);
    }

    private string ProblemOf(SlotReading a, SlotReading b)
    {
        var problems = new List<string>();
        foreach (var slot in new[] { a, b })
        {
            if (slot.Problem.Length > 0 && !slot.IsBlank)
                problems.Add(Path.GetFileName(slot.Path) + ": " + slot.Problem);
        }
        if (_saveProblem.Length > 0)
            problems.Add(_saveProblem);
        return string.Join("; ", problems.ToArray());
    }
}
