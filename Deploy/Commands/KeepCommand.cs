using System.CommandLine;
using ContentTree.Deploy.Booting;
using ContentTree.Store.Protocol;

namespace ContentTree.Deploy.Commands;

/// <summary><c>keep N</c> and <c>unkeep N</c>: whether a deployment stays whatever retention says.</summary>
internal static class KeepCommand
{
    public static Command CreateKeep(Globals globals) => Create(globals, "keep", "never remove this deployment", isKept: true);

    public static Command CreateUnkeep(Globals globals) => Create(globals, "unkeep", "let this deployment be removed when its time has come", isKept: false);

    private static Command Create(Globals globals, string verb, string help, bool isKept)
    {
        var which = DeploymentArgument.Create();
        var recovery = new Option<bool>("--recovery") { Description = "it is what boots when everything else has failed" };
        var command = new Command(verb, help) { which };
        if (isKept)
            command.Add(recovery);
        command.SetAction(globals.Run((context, parse, cancellation) => context.ChangeAsync(device =>
        {
            var deployment = DeploymentArgument.Resolve(device, parse.GetRequiredValue(which));
            var notes = device.State.Deployments;
            var note = notes.Find(deployment.Name) ?? new State.DeploymentNote(deployment.Name, deployment.Commit, "", device.Clock.GetUtcNow());
            device.State.Deployments = notes.With(note with { Kept = isKept });
            if (isKept && parse.GetValue(recovery))
                RecoveryPin.Set(device, deployment.Name);
            else if (!isKept)
                RecoveryPin.Clear(device, deployment.Name);
            context.Output.Write(
                new KeptDocument(deployment.Name, isKept), DocumentJson.Default.KeptDocument,
                document => $"{document.Deployment} {(document.Kept ? "is kept" : "goes when its time has come")}");
            return ExitCode.Done;
        }, cancellation)));
        return command;
    }
}
