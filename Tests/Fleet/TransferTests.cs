using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using ContentTree.Server.Auditing;
using ContentTree.Server.Fleet.Transfers;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Tests.Server;
using ContentTree.Tests.Trust;

namespace ContentTree.Tests.Fleet;

/// <summary>How devices are to fetch content: what is said of them, their groups, their branch and all, and what a device hears.</summary>
public sealed class TransferTests : IAsyncLifetime
{
    private TestServer _server = null!;
    private TestDevice _device = null!;

    public async Task InitializeAsync()
    {
        _server = await TestServer.StartAsync();
        _server.WriteSource("file", "one");
        _server.Publish();
        _device = NewDevice();
        (await _device.EnrolAsync(_server.NewToken(TokenRole.Enrol))).EnsureSuccessStatusCode();
        foreach (var (name, rank) in new[] { ("far", 10L), ("boats", 20L) })
        {
            var groups = new ContentTree.Server.Fleet.Groups.Groups(_server.Data.OpenDatabase(), _server.Time);
            groups.Set(ContentTree.Server.Fleet.Groups.GroupName.Parse(name), rank, "");
            groups.List(ContentTree.Server.Fleet.Groups.GroupName.Parse(name), _device.Id, isListed: true);
        }
    }

    public async Task DisposeAsync()
    {
        _device.Dispose();
        await _server.DisposeAsync();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Of_each_limit_the_most_specific_scope_that_names_it_decides(bool isRemote)
    {
        (await HeardAsync()).Should().BeNull();
        await DoAsync(isRemote, "set", "fleet", "--max-rate", "100K", "--daily-budget", "200M", "--quiet-hours", "08:00-18:00");
        (await HeardAsync()).Should().Be(new TransferPolicy(100_000, 200_000_000, "08:00-18:00"));
        await DoAsync(isRemote, "set", "branch:stable", "--max-rate", "50K");
        await DoAsync(isRemote, "set", "group:boats", "--max-rate", "20K", "--daily-budget", "0");
        await DoAsync(isRemote, "set", "group:far", "--daily-budget", "5000000", "--quiet-hours", "");
        (await HeardAsync()).Should().Be(new TransferPolicy(20_000, 5_000_000));
        await DoAsync(isRemote, "set", $"device:{_device.Id}", "--max-rate", "0");
        (await HeardAsync()).Should().Be(new TransferPolicy(DailyBudget: 5_000_000));
        (await DoAsync(isRemote, "list")).Should().MatchRegex(@"group:boats\s+20000\s+none\s+-");
        await DoAsync(isRemote, "remove", $"device:{_device.Id}");
        await DoAsync(isRemote, "remove", "group:far");
        (await HeardAsync()).Should().Be(new TransferPolicy(20_000, null, "08:00-18:00"));
        await ServerCommand.DoAsync("--data", _server.DataPath, "group", "remove", "boats");
        (await HeardAsync()).Should().Be(new TransferPolicy(50_000, 200_000_000, "08:00-18:00"), "what was said of a group goes with it");
        new Audit(_server.Data, _server.Time).List(new AuditFilter(Verb: "transfer"), 20).Should().HaveCount(7).And.Contain(e => e.After == "rate 20000, budget 0");
        (await ServerCommand.RunAsync("--data", _server.DataPath, "transfer", "remove", "group:boats")).Exit.Should().Be((int)ExitCode.NotFound);
    }

    [Fact]
    public async Task A_device_that_is_not_let_in_hears_nothing()
    {
        await DoAsync(false, "set", "fleet", "--max-rate", "100K");
        _server.Devices().Decide(_device.Id, DeviceState.Rejected);
        (await HeardAsync()).Should().BeNull();
    }

    [Theory]
    [InlineData("everybody", "--max-rate", "100K")]
    [InlineData("group:nobody", "--max-rate", "100K")]
    [InlineData("device:0000000000000009", "--max-rate", "100K")]
    [InlineData("fleet", "--max-rate", "10")]
    [InlineData("fleet", "--max-rate", "-5")]
    [InlineData("fleet", "--daily-budget", "99999999999G")]
    [InlineData("fleet", "--daily-budget", "1000")]
    [InlineData("fleet", "--quiet-hours", "22:00-22:00")]
    [InlineData("fleet", "--quiet-hours", "22:00-06:00 CET")]
    [InlineData("fleet")]
    public async Task What_makes_no_sense_is_refused(params string[] asked)
    {
        foreach (var isRemote in new[] { false, true })
            (await ServerCommand.RunAsync(["transfer", "set", .. asked, .. Where(isRemote)])).Exit.Should().NotBe(0);
        new TransferBook(_server.Data.OpenDatabase(), _server.Time).List().Should().BeEmpty();
    }

    [Fact]
    public async Task Of_two_who_edit_the_same_the_second_one_is_told()
    {
        var first = await PutAsync(new TransferPolicy(5000), "If-None-Match", "*");
        first.StatusCode.Should().Be(HttpStatusCode.OK);
        (await (await PutAsync(new TransferPolicy(6000), "If-None-Match", "*")).ShouldBeProblemAsync(ProblemCode.Changed)).Detail.Should().Contain("meanwhile");
        var tag = first.Headers.ETag!.Tag;
        (await PutAsync(new TransferPolicy(7000), "If-Match", tag)).StatusCode.Should().Be(HttpStatusCode.OK);
        await (await PutAsync(new TransferPolicy(8000), "If-Match", tag)).ShouldBeProblemAsync(ProblemCode.Changed);
        (await HeardAsync()).Should().Be(new TransferPolicy(7000));
    }

    [Fact]
    public async Task The_lines_of_the_page_run()
    {
        foreach (var line in TestFiles.Block(TestFiles.Page("fleet.md"), "## How content is fetched", "sh").Split('\n', StringSplitOptions.RemoveEmptyEntries))
            await ServerCommand.DoAsync(["--data", _server.DataPath, .. System.Text.RegularExpressions.Regex.Matches(line["ctree-server ".Length..], "'[^']*'|[^ ]+").Select(m => m.Value.Trim('\''))]);
    }

    private async Task<HttpResponseMessage> PutAsync(TransferPolicy policy, string header, string value)
    {
        using var request = new HttpRequestMessage(HttpMethod.Put, Routes.Transfers + "/fleet") { Content = JsonContent.Create(policy, ProtocolJson.Default.TransferPolicy) };
        request.Headers.Authorization = new("Bearer", _server.Admin);
        request.Headers.TryAddWithoutValidation(header, value);
        return await _server.Http.SendAsync(request);
    }

    private TestDevice NewDevice() => new(_server);

    private string[] Where(bool isRemote) => isRemote ? ["--server", _server.Url, "--token", _server.Admin] : ["--data", _server.DataPath];

    private async Task<string> DoAsync(bool isRemote, params string[] arguments) => (await ServerCommand.DoAsync(["transfer", .. arguments, .. Where(isRemote)])).Out;

    private async Task<TransferPolicy?> HeardAsync()
    {
        using var answer = await _device.PollAsync(new PollRequest(BranchName.Parse("stable"), "good", 1, 0));
        return JsonSerializer.Deserialize(await answer.Content.ReadAsByteArrayAsync(), ProtocolJson.Default.PollAnswer)!.Transfer;
    }
}
