using System.Globalization;
using System.Text;
using ContentTree.Deploy.State;
using ContentTree.Store.Objects;
using ContentTree.Store.Trust;

namespace ContentTree.Deploy.Commands;

/// <summary>What <c>status</c> says to people: no line is wider than a serial console's 80 columns. Programs read the document, which shortens nothing.</summary>
internal sealed class StatusText
{
    private const int Columns = 80;
    private const int ValueColumn = 11;

    // Further in than a value, so that a line that goes on looks unlike the next one of a list.
    private const int WrappedColumn = ValueColumn + 2;

    private const int CommitDigits = 12;
    private const int KernelDigits = 8;

    // Of each: of two names and what else is said of a deployment most still share a line.
    private const int MaxListedName = 24;

    private readonly StringBuilder _text = new();

    private StatusText()
    {
    }

    public static string Of(StatusDocument status, IReadOnlyList<string> bootFileProblems, IReadOnlyList<Denial> denials)
    {
        var text = new StatusText();
        text.Identity(status);
        text.Boot(status);
        foreach (var problem in bootFileProblems)
            text.Line("boot file", problem);
        text.Deployments(status.Deployments);
        if (status.Loader is { } loader)
            text.Loader(loader);
        text.Orders(status);
        foreach (var denial in denials)
            text.Line("denied", $"{Short(denial.Commit)} {denial.Reason} {denial.Text}");
        text.Results(status);
        return text._text.ToString();
    }

    private void Identity(StatusDocument status)
    {
        Line("server", $"{status.Server ?? "none"}, branch {status.Branch}{(status.Pinned is { } pin ? $", pinned to {Short(pin)}" : "")}");
        // Whole: these are compared digit by digit before a device is accepted.
        Line("device", status.Enrolment switch
        {
            "pending" => $"{status.Device}, waiting for approval; trust root {status.Fingerprint}",
            { } word => $"{status.Device}, {word}",
            null => $"{status.Device}, not enrolled yet",
        });
        if (status.Developers is { } developers)
            Line("DEVELOPER", $"this is no production device: below {Role.DeveloperBranches} it takes what {string.Join(", ", developers)} signs");
    }

    private void Boot(StatusDocument status)
    {
        Line("booted", status.Booted?.ToString() ?? "none");
        Line("wanted", status.Wanted is null ? "none" : $"{status.Wanted} ({status.State}{(status.State == "good" ? "" : $", {status.TriesLeft} tries left")}){(status.RebootNeeded ? ", after a reboot" : "")}");
        Line("previous", status.Previous?.ToString() ?? "none");
    }

    private void Deployments(IEnumerable<StatusDeployment> deployments)
    {
        foreach (var d in deployments)
            Line("", $"{d.Name}  {Cut(d.Branch?.ToString() ?? "-")} {d.Sequence}  {Cut(d.Version)}{(d.Confirmed ? "  confirmed" : "")}{(d.Pinned ? "  kept" : "")}{(d.Kernel is { } kernel ? $"  kernel {Short(kernel)}" : "")}");
    }

    private void Loader(StatusLoader loader)
    {
        Line("loader", $"{loader.Name}, {Sizes.Text(loader.FreeBytes)} free in {loader.Directory}");
        foreach (var kernel in loader.Kernels)
            Line("", $"kernel {Short(kernel.Name)}  {Sizes.Text(kernel.Bytes)}{(kernel.Name == loader.Running ? "  runs" : "")}");
    }

    private void Orders(StatusDocument status)
    {
        if (status.Held)
            Line("held", status.HeldUntil is { } until ? $"until {until:u}" : "until 'ctree release'");
        if (status.Stopped is { } why)
            Line("stopped", why);
        if (status.Assignment is { } told)
            Line("assigned", $"{(told.Commit is { } commit ? $"pinned to {Short(commit)}" : "held")} by the server until {told.Until:u}{(told.Reason.Length > 0 ? $": {told.Reason}" : "")}");
        if (status.Configuration is { } configuration)
            Line("values", $"{(configuration.Applied > 0 ? $"configuration {configuration.Applied} in {configuration.Directory}" : "none yet")}{(configuration.Due is null ? "" : ", another is on its way there")}");
        if (status.Drift is { } etc && etc.Added + etc.Changed + etc.Removed > 0)
            Line("/etc", $"{etc.Added} added, {etc.Changed} changed, {etc.Removed} removed against the tree, {etc.Time:u}: 'ctree config diff'");
    }

    private void Results(StatusDocument status)
    {
        if (status.Seals is { } seals)
            Line("files", Describe(seals));
        Line("fetched", $"{status.Fetched.Objects} objects, {Sizes.Text(status.Fetched.Bytes)}, {status.Fetched.Resumes} resumed, {status.Fetched.Restarts} begun anew");
        if (status.LastResult is { } result)
            Line("last", $"{result.Verb} {result.Time:u}: {result.Message} ({result.Code})");
    }

    private static string Describe(StatusSeals seals) => seals.Sealed == seals.Looked ? "sealed: the kernel refuses to read a file that has changed"
        : seals.Sealed == 0 ? "not sealed, by the configuration or for want of fs-verity: the agent's scrub finds what has changed"
        : $"{seals.Sealed} of {seals.Looked} files that were looked at are sealed; the agent's scrub seals the others";

    private void Line(string label, string value)
    {
        _text.Append(CultureInfo.InvariantCulture, $"{label,-(ValueColumn - 1)} ");
        var rest = value.AsSpan().Trim();
        var room = Columns - ValueColumn;
        while (rest.Length > room)
        {
            var length = BreakOf(rest, room);
            _text.Append(rest[..length].TrimEnd()).Append('\n').Append(' ', WrappedColumn);
            rest = rest[length..].TrimStart();
            room = Columns - WrappedColumn;
        }
        _text.Append(rest).Append('\n');
    }

    // After the last word that still fits; a single word that is longer than the line is cut.
    private static int BreakOf(ReadOnlySpan<char> text, int room) => text[..(room + 1)].LastIndexOf(' ') is > 0 and var space ? space : room;

    private static string Cut(string name) => name.Length <= MaxListedName ? name : $"{name[..(MaxListedName - 3)]}...";

    private static string Short(ObjectId commit) => commit.ToString()[..CommitDigits];

    private static string Short(string kernel) => kernel[..Math.Min(KernelDigits, kernel.Length)];
}
