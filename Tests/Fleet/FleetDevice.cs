using System.Net;
using System.Text.Json;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Trust;
using ContentTree.Tests.Server;

namespace ContentTree.Tests.Fleet;

/// <summary>A device that polls over HTTP and takes at once what it is told.</summary>
internal sealed class FleetDevice(TestServer server, string branch = "stable", HttpClient? through = null) : IDisposable
{
    private readonly TestDevice _device = new(server) { Through = through };
    private VerifiedAssignment? _assignment;
    private ObjectId? _failed;

    public KeyId Id => _device.Id;

    public ObjectId? Running { get; private set; }

    /// <summary>It falls back from this commit.</summary>
    public ObjectId? Bad { get; set; }

    /// <summary>It hears what it is told, and does nothing about it.</summary>
    public bool IsSlow { get; set; }

    public static async Task<FleetDevice> EnrolledAsync(TestServer server, string branch = "stable", string name = "lab-7", HttpClient? through = null)
    {
        var device = new FleetDevice(server, branch, through);
        (await device._device.EnrolAsync(server.NewToken(TokenRole.Enrol), branch, name)).StatusCode.Should().Be(HttpStatusCode.OK);
        await device.PollAsync();
        return device;
    }

    /// <summary>Polls, takes what it is told, boots, and polls again; what it was told to run, or null for what it runs.</summary>
    public async Task<ObjectId?> PollAsync()
    {
        var answer = await AskAsync();
        if (answer.Assignment is { } told)
            _assignment = server.Data.Trust.Load().VerifyAssignment(told.Bytes.ToArray());
        var target = _assignment switch
        {
            { } over when over.Expires <= server.Time.GetUtcNow() => Head(),
            { Action: AssignmentAction.Hold } => null,
            { Commit: { } commit } => (ObjectId?)commit,
            _ => Head(),
        };
        if (IsSlow || target is null || target == Running || target == _failed)
            return target;
        if (target == Bad)
            _failed = target;
        else
            Running = target;
        await AskAsync();
        return target;
    }

    /// <summary>Says that the commit failed there, and why.</summary>
    public Task<HttpResponseMessage> ComplainAsync(ObjectId commit, string why) => _device.ReportAsync(new ReportEvent(1, server.Time.GetUtcNow(), EventKind.FellBack, commit, "2-" + commit.ToString()[..8], 1, why));

    /// <summary>Which way it asks from now on; null for straight.</summary>
    public void GoThrough(HttpClient? way) => _device.Through = way;

    public void Dispose() => _device.Dispose();

    private ObjectId Head() => server.Data.Trust.Load().VerifyHead(server.Data.Repository.Heads.ReadNewest(BranchName.Parse(branch)) ?? [], BranchName.Parse(branch)).Commit;

    private async Task<PollAnswer> AskAsync()
    {
        using var answer = await _device.PollAsync(new PollRequest(BranchName.Parse(branch), "good", 1, 0, null, Running, null, _failed, Assignment: _assignment?.Counter));
        return JsonSerializer.Deserialize(await answer.Content.ReadAsByteArrayAsync(), ProtocolJson.Default.PollAnswer)!;
    }
}
