using System.Net;
using ContentTree.Server.Dashboard;
using ContentTree.Server.Dashboard.Login;
using ContentTree.Store.Protocol;
using ContentTree.Tests.Server;

namespace ContentTree.Tests.Dashboard;

/// <summary>Who may use which page: the table and the running server say the same, and every address is tried with every role, limited to a group and not.</summary>
public sealed class PageAccessTests(PageAccessTests.Everybody everybody) : IClassFixture<PageAccessTests.Everybody>
{
    private static readonly string[] Interface = ["/api/", "/repo/", "/healthz", "/readyz", "/metrics", "/openapi"];

    public static TheoryData<string, string> Lines
    {
        get
        {
            var lines = new TheoryData<string, string>();
            foreach (var route in PageTable.All)
                lines.Add(route.Method, route.Pattern);
            return lines;
        }
    }

    [Fact]
    public void Every_address_has_a_line_in_the_table_and_every_line_an_address() =>
        everybody.Server.Routes.Where(r => !Interface.Any(begin => r.Pattern.StartsWith(begin, StringComparison.Ordinal)) && r.Method != "HEAD").Select(r => $"{r.Method} {r.Pattern}")
            .Should().BeEquivalentTo(PageTable.All.Select(r => $"{r.Method} {r.Pattern}"), "a new page says in PageTable who may use it");

    [Theory, MemberData(nameof(Lines))]
    public async Task A_page_opens_for_those_who_may_and_no_other(string method, string pattern)
    {
        var route = PageTable.All.Single(r => r.Method == method && r.Pattern == pattern);
        foreach (var who in route.Role is null ? [Everybody.Nobody] : Everybody.All)
        {
            using var answer = await everybody.TryAsync(route, who);
            var isLedToLogin = answer.StatusCode == HttpStatusCode.SeeOther && answer.Headers.Location!.ToString().StartsWith("/login", StringComparison.Ordinal);
            if (route.Role is null)
                // Also where it refuses what is asked there, nobody has to be somebody.
                (answer.Headers.Location?.ToString().StartsWith("/login?to=", StringComparison.Ordinal) == true || answer.StatusCode == HttpStatusCode.Unauthorized && pattern != "/login").Should().BeFalse($"{who}: {answer.StatusCode}");
            else if (who == Everybody.Nobody)
                (isLedToLogin || answer.StatusCode == HttpStatusCode.Unauthorized).Should().BeTrue($"{who}: {answer.StatusCode}");
            else if (Everybody.May(route, who))
                // What a page says to whom it lets in about this empty server is another test's matter.
                (isLedToLogin && pattern != "/logout" && pattern != "/account/logout-everywhere" || answer.StatusCode is HttpStatusCode.Forbidden or HttpStatusCode.Unauthorized).Should().BeFalse($"{who}: {answer.StatusCode}");
            else
                answer.StatusCode.Should().Be(HttpStatusCode.Forbidden, who);
        }
    }

    /// <summary>One server, and a user of every role, limited and not.</summary>
    public sealed class Everybody : IAsyncLifetime, IDisposable
    {
        internal const string Nobody = "nobody";
        private const string Limited = "limited-";

        private readonly HttpClient _http = new(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false });
        private readonly Dictionary<string, User> _users = [];

        internal static string[] All { get; } = [Nobody, .. Users.Roles, Limited + TokenRole.Viewer, Limited + TokenRole.Operator, Limited + TokenRole.Approver];

        internal TestServer Server { get; private set; } = null!;

        internal static bool May(PageRoute route, string who) => who.StartsWith(Limited, StringComparison.Ordinal)
            ? route.IsGrouped && TokenRole.Includes(who[Limited.Length..], route.Role!)
            : TokenRole.Includes(who, route.Role!);

        public async Task InitializeAsync()
        {
            Server = await TestServer.StartAsync();
            var users = new Users(Server.Data.OpenDatabase(), Server.Time);
            foreach (var who in All.Where(who => who != Nobody))
                _users[who] = users.Add(who, who.Split('-')[^1], PageClient.Password, who.StartsWith(Limited, StringComparison.Ordinal) ? ["lab"] : null);
        }

        public async Task DisposeAsync() => await Server.DisposeAsync();

        public void Dispose() => _http.Dispose();

        internal async Task<HttpResponseMessage> TryAsync(PageRoute route, string who)
        {
            var path = route.Pattern.Replace("{id}", "0123456789abcdef", StringComparison.Ordinal).Replace("{**name}", "no/such", StringComparison.Ordinal).Replace("{name}", "nonsense", StringComparison.Ordinal)
                .Replace("{scope}", "group:nonsense", StringComparison.Ordinal).Replace("{link}", "none", StringComparison.Ordinal).Replace("{deployment}", "7-0123abcd", StringComparison.Ordinal).Replace("{file}", "none.js", StringComparison.Ordinal);
            // A fresh one for each try: some of them end it.
            var session = who == Nobody ? null : new Sessions(Server.Data.OpenDatabase(), Server.Time).Create(_users[who], "a test");
            var guest = new string('g', 43);
            using var request = new HttpRequestMessage(new HttpMethod(route.Method), Server.Url + path);
            request.Headers.TryAddWithoutValidation("Cookie", session is null ? $"ctree-guest={guest}" : $"ctree-session={session.Secret}");
            if (route.Method == "POST")
                request.Content = new FormUrlEncodedContent([KeyValuePair.Create("form-token", session?.FormToken ?? Session.FormTokenOf(guest))]);
            // Live pages never end.
            return await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        }
    }
}
