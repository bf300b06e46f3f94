using System.Net;
using ContentTree.BootFile;
using Microsoft.Extensions.Logging;

namespace ContentTree.Deploy.Agent;

/// <summary>Every line the agent logs.</summary>
internal static partial class Log
{
    [LoggerMessage(Level = LogLevel.Information, Message = "agent started")]
    public static partial void Started(ILogger log);

    [LoggerMessage(Level = LogLevel.Information, Message = "agent stops")]
    public static partial void Stopping(ILogger log);

    [LoggerMessage(Level = LogLevel.Error, Message = "{Failed} used up its tries, and the deployment before it runs again")]
    public static partial void FellBack(ILogger log, DeploymentName failed);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Result}")]
    public static partial void Result(ILogger log, string result);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Failure}")]
    public static partial void Failed(ILogger log, string failure);

    [LoggerMessage(Level = LogLevel.Error, Message = "a mistake in the program; the agent goes on")]
    public static partial void Unforeseen(ILogger log, Exception exception);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Name} is good: confirmed")]
    public static partial void Confirmed(ILogger log, DeploymentName name);

    [LoggerMessage(Level = LogLevel.Error, Message = "{Name} was not confirmed within {Deadline}: it loses this try")]
    public static partial void DeadlinePassed(ILogger log, DeploymentName name, TimeSpan deadline);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Path} is not executable, so it checks nothing")]
    public static partial void CheckNotExecutable(ILogger log, string path);

    [LoggerMessage(Level = LogLevel.Warning, Message = "reboot: {What}")]
    public static partial void Rebooting(ILogger log, string what);

    [LoggerMessage(Level = LogLevel.Warning, Message = "activate: {What}")]
    public static partial void Activating(ILogger log, string what);

    [LoggerMessage(Level = LogLevel.Error, Message = "{Count} stored objects are damaged, for instance {What}")]
    public static partial void Damaged(ILogger log, int count, string what);

    [LoggerMessage(Level = LogLevel.Information, Message = "{What}")]
    public static partial void Configuring(ILogger log, string what);

    [LoggerMessage(Level = LogLevel.Warning, Message = "the configuration could not be put in place: {Reason}")]
    public static partial void NotConfigured(ILogger log, string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "the device has a new key, as old as its key may become")]
    public static partial void KeyChanged(ILogger log);

    [LoggerMessage(Level = LogLevel.Warning, Message = "the device keeps its key for now: {Reason}")]
    public static partial void KeyNotChanged(ILogger log, string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "neighbours may have public objects at http://{Address}/repo")]
    public static partial void Serving(ILogger log, IPEndPoint address);

    [LoggerMessage(Level = LogLevel.Information, Message = "neighbours got {Objects} objects, {Bytes} bytes")]
    public static partial void Served(ILogger log, long objects, long bytes);

    [LoggerMessage(Level = LogLevel.Warning, Message = "neighbours get nothing: {Reason}; it is tried again")]
    public static partial void CannotServe(ILogger log, string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "the device's page is at http://{Address}/")]
    public static partial void Showing(ILogger log, IPEndPoint address);

    [LoggerMessage(Level = LogLevel.Warning, Message = "the device's page is not shown: {Reason}; it is tried again")]
    public static partial void CannotShow(ILogger log, string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "page: {What}, from {Address}")]
    public static partial void PageAsked(ILogger log, string what, IPAddress address);
}
