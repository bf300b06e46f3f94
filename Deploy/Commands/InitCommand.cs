using System.CommandLine;
using ContentTree.Deploy.Config;
using ContentTree.Deploy.Setup;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;

namespace ContentTree.Deploy.Commands;

/// <summary><c>init</c>: layout, device key, trust root, configuration; then the device introduces itself to the server.</summary>
internal static class InitCommand
{
    public static Command Create(Globals globals)
    {
        var server = new Option<string>("--server") { Description = "the update server's address", HelpName = "URL", Required = true };
        var branch = new Option<string>("--branch") { Description = "the branch to follow", HelpName = "B", Required = true };
        var trust = new Option<string?>("--trust") { Description = "the trust root, got by a safe way", HelpName = "root.json" };
        var firstUse = new Option<bool>("--trust-on-first-use") { Description = "take the server's trust root and show its fingerprint" };
        var token = new Option<string?>("--token") { Description = "an enrolment token: the device is accepted at once", HelpName = "T" };
        var hardware = new Option<string?>("--hardware") { Description = "what commits' 'compatible' is compared with", HelpName = "HW" };
        var unprivileged = new Option<bool>("--unprivileged") { Description = "record owners without applying them: no root needed" };
        var allowHttp = new Option<bool>("--allow-http") { Description = "the server may be on another machine without TLS: everybody on the way reads along" };
        var command = new Command("init", "set this device up") { server, branch, trust, firstUse, token, hardware, unprivileged, allowHttp };
        command.SetAction(globals.Run(async (context, parse, cancellation) =>
        {
            var values = new DeviceValues(
                Address(parse.GetRequiredValue(server)), BranchName.Parse(parse.GetRequiredValue(branch)), parse.GetValue(hardware) ?? "",
                parse.GetValue(unprivileged), parse.GetValue(token), parse.GetValue(allowHttp));
            return await new DeviceSetup(context, values, parse.GetValue(trust), parse.GetValue(firstUse)).RunAsync(cancellation).ConfigureAwait(false);
        }));
        return command;
    }

    private static Uri Address(string text) => ServerUrl.TryParse(text, out var server) && server is not null
        ? server
        : throw new StoppedException(ExitCode.Usage, $"'{text}' is no address like https://updates.example.com");
}
