using System.CommandLine;
using System.Globalization;
using ContentTree.BootFile;
using ContentTree.Deploy.Deployments;
using ContentTree.Store.Protocol;

namespace ContentTree.Deploy.Commands;

/// <summary>A deployment as people name it: its number or its name.</summary>
internal static class DeploymentArgument
{
    public static Argument<string> Create() => new("N") { Description = "a deployment's number or name" };

    /// <exception cref="StoppedException">There is no such deployment, or it is not complete.</exception>
    public static FinishedDeployment Resolve(Device device, string text)
    {
        var isNumber = ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number);
        return FinishedDeployment.Scan(device.Layout).FirstOrDefault(d => isNumber ? d.Name.Number == number : d.Name.ToString() == text)
            ?? throw new StoppedException(ExitCode.NotFound, $"no complete deployment '{text}' here; 'ctree status' lists them");
    }
}
