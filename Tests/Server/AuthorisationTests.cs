using System.Net;
using System.Text.Json;
using ContentTree.Server.Endpoints;
using ContentTree.Server.Storage;
using ContentTree.Store.Protocol;
using ContentTree.Tests.Trust;

namespace ContentTree.Tests.Server;

/// <summary>Who may use which route: the table, the running server and the page say the same, and every route is tried with everything that somebody could bring.</summary>
public sealed class AuthorisationTests(AuthorisationTests.Everybody everybody) : IClassFixture<AuthorisationTests.Everybody>
{
    // Pages of the dashboard have sessions, and tests of their own.
    private static readonly string[] Interface = ["/api/", "/repo/", "/healthz", "/readyz", "/metrics", "/openapi"];

    public static TheoryData<string, string> Lines
    {
        get
        {
            var lines = new TheoryData<string, string>();
            foreach (var route in RouteTable.All)
                lines.Add(route.Method, route.Pattern);
            return lines;
        }
    }

    [Fact]
    public void Every_route_has_a_line_in_the_table_and_every_line_a_route() =>
        everybody.Server.Routes.Where(r => Interface.Any(begin => r.Pattern.StartsWith(begin, StringComparison.Ordinal)) && r.Method != "HEAD").Select(r => $"{r.Method} {r.Pattern}")
            .Should().BeEquivalentTo(RouteTable.All.Select(r => $"{r.Method} {r.Pattern}"), "a new route says in RouteTable who may use it");

    [Fact]
    public void The_page_says_who_may()
    {
        var onPage = TestFiles.Table(TestFiles.Page("protocol.md"), "route").Where(row => row[0].StartsWith("/api/", StringComparison.Ordinal))
            .SelectMany(row => row[1].Split(", ").Select(method => $"{method} {row[0]}: {row[4]}"));
        onPage.Should().BeEquivalentTo(RouteTable.All.Where(r => r.Pattern.StartsWith("/api/", StringComparison.Ordinal))
            .Select(r => $"{r.Method} {r.Pattern.Replace("{**", "(", StringComparison.Ordinal).Replace('{', '(').Replace('}', ')')}: {r.Access.Word}"));
    }

    [Theory, MemberData(nameof(Lines))]
    public async Task A_route_opens_for_those_who_may_and_no_other(string method, string pattern)
    {
        var route = RouteTable.All.Single(r => r.Method == method && r.Pattern == pattern);
        foreach (var (who, expected) in Expected(route.Access))
        {
            using var answer = await everybody.TryAsync(route, who);
            if (expected is not null)
                (await answer.ShouldBeProblemAsync(expected)).Should().NotBeNull(who);
            else
                // What a route says to whom it lets in about this empty server is another test's matter.
                answer.StatusCode.Should().NotBe(HttpStatusCode.Forbidden, who).And.NotBe(HttpStatusCode.Unauthorized, who);
        }
    }

    [Theory]
    [InlineData(TokenRole.Admin, "admin approver publisher operator viewer enrol")]
    [InlineData(TokenRole.Approver, "approver operator viewer")]
    [InlineData(TokenRole.Publisher, "publisher viewer")]
    [InlineData(TokenRole.Operator, "operator viewer")]
    [InlineData(TokenRole.Viewer, "viewer")]
    [InlineData(TokenRole.Enrol, "enrol")]
    public void A_role_includes_these_and_no_other(string role, string included) =>
        TokenRole.All.Where(other => TokenRole.Includes(role, other)).Should().BeEquivalentTo(included.Split(' '));

    private static IEnumerable<(string Who, string? Problem)> Expected(Access access) => access switch
    {
        Access.Anyone => [("nobody", null)],
        Access.Hook => Everybody.Bearers.Append("nobody").Select(who => (who, (string?)ProblemCode.BadSignature)),
        Access.Device device => Everybody.Bearers.Append("nobody").Select(who => (who, (string?)ProblemCode.BadSignature)).Concat(ExpectedOf(device)),
        Access.Roles roles => Everybody.Limited.Select(who => (who, roles.IsGrouped && roles.Allows(who.Split(' ')[1]) ? null : (string?)ProblemCode.Forbidden)).Concat(Everybody.Bearers.Append("nobody").Concat(Everybody.Devices).Select(who => (who, !TokenRole.All.Contains(who) ? ProblemCode.BadToken : roles.Allows(who) ? null : (string?)ProblemCode.Forbidden))),
        _ => throw new System.Diagnostics.UnreachableException(),
    };

    private static IEnumerable<(string Who, string? Problem)> ExpectedOf(Access.Device device) => device.State switch
    {
        // One that nobody knows would not stay so.
        Access.Device.New => Everybody.Devices.Where(who => who != "unknown device").Select(who => (who, who == "forged device" ? ProblemCode.BadSignature : (string?)null)),
        var state => [
            ("forged device", ProblemCode.BadSignature), ("unknown device", ProblemCode.DeviceUnknown), ("accepted device", null),
            ("pending device", state == Access.Device.Any ? null : ProblemCode.DevicePending), ("rejected device", state == Access.Device.Any ? null : ProblemCode.DeviceRejected)],
    };

    /// <summary>One server, a token of every kind and a device in every state.</summary>
    public sealed class Everybody : IAsyncLifetime
    {
        private readonly Dictionary<string, string> _tokens = [];
        private readonly Dictionary<string, TestDevice> _devices = [];

        internal static string[] Bearers { get; } = [.. TokenRole.All, "expired", "revoked", "used up", "wrong", "empty", "half", "upper"];

        /// <summary>Tokens of a role that are limited to a group.</summary>
        internal static string[] Limited { get; } = ["limited viewer", "limited operator", "limited approver"];

        internal static string[] Devices { get; } = ["accepted device", "pending device", "rejected device", "unknown device", "forged device"];

        internal TestServer Server { get; private set; } = null!;

        public async Task InitializeAsync()
        {
            Server = await TestServer.StartAsync();
            // Every route is tried with everything that is wrong.
            Server.Options = Server.Options with { MaxFailures = 1_000_000 };
            await Server.RestartAsync();
            foreach (var role in TokenRole.All)
                _tokens[role] = Server.NewToken(role);
            foreach (var who in Limited)
                _tokens[who] = new Tokens(Server.Data.OpenDatabase(), Server.Time).Create(new TokenRequest(who.Split(' ')[1], Groups: ["lab"])).Token;
            _tokens["expired"] = Server.NewToken(TokenRole.Admin, expires: Server.Time.GetUtcNow() + TimeSpan.FromMinutes(1));
            Server.Time.Ahead += TimeSpan.FromMinutes(2);
            _tokens["revoked"] = Server.NewToken(TokenRole.Admin);
            await ServerCommand.DoAsync("token", "revoke", _tokens["revoked"]["ctree-".Length..].Split('.')[0], "--server", Server.Url, "--token", Server.Admin);
            _tokens["used up"] = Server.NewToken(TokenRole.Enrol, uses: 1);
            foreach (var name in Devices)
                _devices[name] = new TestDevice(Server);
            (await _devices["accepted device"].EnrolAsync(_tokens["used up"])).EnsureSuccessStatusCode();
            (await _devices["pending device"].EnrolAsync()).EnsureSuccessStatusCode();
            (await _devices["rejected device"].EnrolAsync()).EnsureSuccessStatusCode();
            (await _devices["forged device"].EnrolAsync()).EnsureSuccessStatusCode();
            Server.Devices().Decide(_devices["rejected device"].Id, DeviceState.Rejected);
            Server.Devices().Decide(_devices["forged device"].Id, DeviceState.Accepted);
            (_tokens["wrong"], _tokens["empty"], _tokens["half"], _tokens["upper"]) = ("ctree-00000000.AAAA", "", Server.Admin[..^1], Server.Admin.ToUpperInvariant());
        }

        public async Task DisposeAsync()
        {
            foreach (var device in _devices.Values)
                device.Dispose();
            await Server.DisposeAsync();
        }

        internal async Task<HttpResponseMessage> TryAsync(ApiRoute route, string who)
        {
            var path = route.Pattern.Replace("{id}", "0123456789abcdef", StringComparison.Ordinal).Replace("{**name}", "no/such", StringComparison.Ordinal).Replace("{**path}", "no/such.json", StringComparison.Ordinal)
                .Replace("{name}", "nonsense", StringComparison.Ordinal).Replace("{deployment}", "1-00000000", StringComparison.Ordinal).Replace("{fanout}", "00", StringComparison.Ordinal).Replace("{file}", "none.json", StringComparison.Ordinal);
            if (_devices.TryGetValue(who, out var device))
                return await Server.Http.SendAsync(Signed(route, path, who, device));
            using var request = new HttpRequestMessage(new HttpMethod(route.Method), path) { Content = route.Method is "GET" or "DELETE" ? null : new ByteArrayContent(Body(route, _devices["unknown device"])) };
            if (_tokens.TryGetValue(who, out var token))
                request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {token}");
            return await Server.Http.SendAsync(request);
        }

        private static HttpRequestMessage Signed(ApiRoute route, string path, string who, TestDevice device)
        {
            var body = Body(route, device);
            var request = device.Sign(path, body, who == "forged device" ? [.. body, (byte)' '] : body);
            request.Method = new HttpMethod(route.Method);
            return request;
        }

        // Of what a device sends the key is in it, and checked before anything else is.
        private static byte[] Body(ApiRoute route, TestDevice device) => route.Pattern == Routes.Enrol
            ? JsonSerializer.SerializeToUtf8Bytes(new EnrolRequest(device.Key.Public.Pem, "x", "x", "x", Store.Objects.BranchName.Parse("stable")), ProtocolJson.Default.EnrolRequest)
            : "[]"u8.ToArray();
    }
}
