using System.CommandLine;
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
        var command = new Command(verb, help) { which };
        command.SetAction(globals.Run((context, parse, cancellation) => context.ChangeAsync(device =>
        {
            var deployment = DeploymentArgument.Resolve(device, parse.GetRequiredValue(which));
            var notes = device.State.Deployments;
            var note = notes.Find(deployment.Name) ?? new State.DeploymentNote(deployment.Name, deployment.Commit, "", device.Clock.GetUtcNow());
            device.State.Deployments = notes.With(note with { Kept = isKept });
            context.Output.Write(
                new KeptDocument(deployment.Name, isKept), DocumentJson.Default.KeptDocument,
                document => $"{document.Deployment} {(document.Kept ? "is kept" : "goes when its time has come")}");
            return ExitCode.Done;
        }, cancellation)));
        return command;
    }
}
