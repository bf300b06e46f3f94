using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Headers;
using System.Text.Json;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Trust;

// Load from a second process. usage: poll-load poll SERVER TOKEN BRANCH DEVICES CONNECTIONS SECONDS
//                                    poll-load get URL|@FILE CONNECTIONS SECONDS
// poll: enrols devices, then has them poll as devices do when nothing is new. get: fetches one address, or those of a file in turns, for comparing
// with another server.
// Prints requests a second, the median, p99 and the longest answer in milliseconds, and how many were refused.
if (args is ["poll", var server, var token, var branchName, var devices, var connections, var seconds])
{
    var branch = BranchName.Parse(branchName);
    using var http = Client(server, Number(connections));
    var fleet = new List<(SigningKey Key, byte[] Poll)>();
    for (var i = 0; i < Number(devices); i++)
    {
        var key = SigningKey.Generate();
        var enrol = new EnrolRequest(key.Public.Pem, $"load-{i}", "load", "x86_64", branch, token);
        using var enrolled = await http.SendAsync(Signed(key, Routes.Enrol, JsonSerializer.SerializeToUtf8Bytes(enrol, ProtocolJson.Default.EnrolRequest)));
        enrolled.EnsureSuccessStatusCode();
        var first = new PollRequest(branch, "good", 1, 0, BootId: "0badcafe");
        using var polled = await http.SendAsync(Signed(key, Routes.Poll, JsonSerializer.SerializeToUtf8Bytes(first, ProtocolJson.Default.PollRequest)));
        var answer = JsonSerializer.Deserialize(await polled.Content.ReadAsByteArrayAsync(), ProtocolJson.Default.PollAnswer);
        var head = answer?.Head?.Bytes.ToArray() ?? throw new InvalidOperationException("the branch has no head");
        using var statement = JsonDocument.Parse(head);
        var signed = statement.RootElement.GetProperty("signed");
        var same = first with
        {
            Head = ObjectId.Of(head),
            Sequence = signed.GetProperty("sequence").GetInt64(),
            Running = ObjectId.Parse(signed.GetProperty("commit").GetString()),
        };
        fleet.Add((key, JsonSerializer.SerializeToUtf8Bytes(same, ProtocolJson.Default.PollRequest)));
    }
    var next = -1;
    await LoadAsync(http, Number(connections), Number(seconds), () =>
    {
        var (key, poll) = fleet[(int)((uint)Interlocked.Increment(ref next) % (uint)fleet.Count)];
        return Signed(key, Routes.Poll, poll);
    });
    return 0;
}
if (args is ["get", var url, var clients, var time])
{
    var urls = url.StartsWith('@') ? await File.ReadAllLinesAsync(url[1..]) : [url];
    using var http = Client(urls[0], Number(clients));
    var next = -1;
    await LoadAsync(http, Number(clients), Number(time), () => new HttpRequestMessage(HttpMethod.Get, urls[(int)((uint)Interlocked.Increment(ref next) % (uint)urls.Length)]));
    return 0;
}
await Console.Error.WriteLineAsync("usage: poll-load poll SERVER TOKEN BRANCH DEVICES CONNECTIONS SECONDS | get URL|@FILE CONNECTIONS SECONDS");
return 2;

static int Number(string text) => int.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture);

static HttpClient Client(string address, int connections) =>
    new(new SocketsHttpHandler { MaxConnectionsPerServer = connections, PooledConnectionLifetime = Timeout.InfiniteTimeSpan }) { BaseAddress = new Uri(address) };

static HttpRequestMessage Signed(SigningKey key, string route, byte[] body)
{
    var request = new HttpRequestMessage(HttpMethod.Post, route) { Content = new ByteArrayContent(body) };
    request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
    request.Headers.TryAddWithoutValidation("Authorization", RequestSignature.Create(key, "POST", route, body, TimeProvider.System.GetUtcNow()).ToString());
    return request;
}

static async Task LoadAsync(HttpClient http, int connections, int seconds, Func<HttpRequestMessage> make)
{
    var took = new List<double>[connections];
    var (refused, bytes) = (0L, 0L);
    var clock = Stopwatch.StartNew();
    await Task.WhenAll(Enumerable.Range(0, connections).Select(worker => Task.Run(async () =>
    {
        var own = took[worker] = [];
        while (clock.Elapsed.TotalSeconds < seconds)
        {
            var begun = Stopwatch.GetTimestamp();
            using var answer = await http.SendAsync(make());
            Interlocked.Add(ref bytes, (await answer.Content.ReadAsByteArrayAsync()).Length);
            own.Add(Stopwatch.GetElapsedTime(begun).TotalMilliseconds);
            if (!answer.IsSuccessStatusCode)
                Interlocked.Increment(ref refused);
        }
    })));
    var all = took.SelectMany(t => t).Order().ToArray();
    Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
        $"{all.Length / clock.Elapsed.TotalSeconds:0} requests/s, median {all[all.Length / 2]:0.0} ms, p99 {all[(int)(all.Length * 0.99)]:0.0} ms, longest {all[^1]:0.0} ms, {bytes / all.Length} bytes an answer, {refused} refused"));
}
