using System.CommandLine;
using ContentTree.Deploy.Booting;
using ContentTree.Deploy.Deployments;
using ContentTree.Deploy.Transfer;
using ContentTree.Deploy.Updates;
using ContentTree.Store.Protocol;

namespace ContentTree.Deploy.Commands;

/// <summary><c>plan</c>: what an update would take, before it takes anything but trees.</summary>
internal static class PlanCommand
{
    public static Command Create(Globals globals)
    {
        var command = new Command("plan", "show what an update would download and whether it fits");
        command.SetAction(globals.Run((context, _, cancellation) => context.ChangeAsync(async device =>
        {
            using var sources = CommandContext.Connect(device);
            var document = await MakeAsync(device, sources, cancellation).ConfigureAwait(false);
            context.Output.Write(document, DocumentJson.Default.PlanDocument, Text);
            return document.Fits ? ExitCode.Done : ExitCode.NoSpace;
        }, cancellation)));
        return command;
    }

    /// <summary>Asks what there is to be had, and what it takes; the caller holds the device's lock.</summary>
    public static async Task<PlanDocument> MakeAsync(Device device, Sources sources, CancellationToken cancellation)
    {
        var found = await new UpdateJob(device, sources, Progress.Silent(device.Clock)).CheckAsync(cancellation).ConfigureAwait(false);
        var pull = new CommitPull(device, sources);
        await using var closing = pull.ConfigureAwait(false);
        var plan = await pull.PlanAsync(found.Target.Commit, isFollowed: false, cancellation).ConfigureAwait(false);
        return Describe(device, found, plan);
    }

    private static PlanDocument Describe(Device device, UpdateOutcome found, PullPlan plan)
    {
        var upToDate = found.Action == UpdateAction.UpToDate;
        var needs = upToDate ? SpaceNeeds.None : plan.Needs;
        var (bytes, inodes) = device.Store.FreeSpace();
        var boot = upToDate ? null : KernelRoom.Of(device, plan);
        return new PlanDocument(
            plan.Id, plan.Commit.Version, found.Target.Branch, found.Target.Sequence, upToDate, plan.Fetches, plan.FetchBytes, plan.IsExact,
            needs.Bytes, needs.Inodes, bytes, inodes,
            upToDate || (needs.Bytes <= bytes - device.Config.MinFree && needs.Inodes <= inodes && boot is not { IsShort: true }),
            (!upToDate || found.RebootNeeded) && !LinkActivation.IsAutomatic(device),
            boot?.Directory, boot?.Bytes ?? 0, boot?.Free ?? 0);
    }

    private static string Text(PlanDocument plan) => plan.UpToDate
        ? $"up to date: {plan.Commit}{(plan.RebootNeeded ? "; a reboot is needed" : "")}"
        : $"""
        commit     {plan.Commit} {plan.Version}
        download   {plan.Objects} objects, {(plan.IsDelta ? $"{Sizes.Text(plan.MaxDownloadBytes)} as a delta" : $"at most {Sizes.Text(plan.MaxDownloadBytes)} (uncompressed size)")}
        disk       {Sizes.Text(plan.DiskBytes)} and {plan.Inodes} inodes; {Sizes.Text(plan.FreeBytes)} and {plan.FreeInodes} are free{Boot(plan)}
        fits       {(plan.Fits ? "yes" : "no: 'ctree gc' removes old deployments")}
        afterwards {(plan.RebootNeeded ? "a reboot" : "the link is swapped")}
        """;

    private static string Boot(PlanDocument plan) => plan.BootDirectory is null ? "" : "\nkernel     " + (plan.BootBytes == 0
        ? $"is in {plan.BootDirectory} already"
        : $"{Sizes.Text(plan.BootBytes)} in {plan.BootDirectory}; {Sizes.Text(plan.BootFreeBytes)} are free there or can be made free");
}
