using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Headers;
using System.Text.Json;
using ContentTree.Store.Codecs;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Repositories;
using ContentTree.Store.Trust;

// Load from a second process. usage: poll-load poll SERVER TOKEN BRANCH DEVICES CONNECTIONS SECONDS [RATE]
//                                    poll-load get URL|@FILE CONNECTIONS SECONDS
//                                    poll-load fill DATA BRANCH COMMITS
// poll: enrols devices, then has them poll as devices do when nothing is new, as often as they can or RATE times a second. get: fetches one address, or
// those of a file in turns, for comparing with another server. fill: leads a branch of a server's data on by so many commits of the tree that it is at.
// Prints requests a second, the median, p99 and the longest answer in milliseconds, and how many were refused.
if (args is ["poll", var server, var token, var branchName, var devices, var connections, var seconds, .. var rate])
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
    }, rate is [var wanted, ..] ? Number(wanted) : 0);
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
if (args is ["fill", var data, var filled, var commits])
{
    Fill(data, BranchName.Parse(filled), Number(commits));
    return 0;
}
await Console.Error.WriteLineAsync("usage: poll-load poll SERVER TOKEN BRANCH DEVICES CONNECTIONS SECONDS [RATE] | get URL|@FILE CONNECTIONS SECONDS | fill DATA BRANCH COMMITS");
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

static void Fill(string data, BranchName branch, int count)
{
    using var repository = Repository.Open(Path.Combine(data, "repo"));
    using var key = SigningKey.Parse(File.ReadAllText(Path.Combine(data, "keys", "release.pem")));
    using var encoder = new Lz4Encoder();
    var newest = repository.Heads.ReadNewest(branch) ?? throw new InvalidOperationException($"no branch {branch}");
    using var statement = JsonDocument.Parse(newest);
    var (first, id) = (statement.RootElement.GetProperty("signed").GetProperty("sequence").GetInt64(), ObjectId.Parse(statement.RootElement.GetProperty("signed").GetProperty("commit").GetString()));
    var (commit, heads) = (repository.ReadCommit(id), new List<byte[]>());
    using (var writer = repository.BeginWriting())
    {
        for (var number = 1; number <= count; number++)
        {
            commit = commit with { Parents = [id], Created = commit.Created.AddMinutes(1), Version = $"1.{number}", Subject = $"The {number}th change of what the devices of this branch run" };
            id = commit.Id;
            writer.Write(new ObjectName(ObjectKind.Commit, id), commit.Encode(), encoder);
            heads.Add(key.Sign(new HeadStatement { Branch = branch, Commit = id, Sequence = first + number, Created = commit.Created, Expires = commit.Created.AddYears(10) }).Bytes.ToArray());
        }
        writer.Complete();
    }
    for (var number = 1; number < count; number++)
        repository.Heads.Archive(branch, first + number, heads[number - 1]);
    repository.Heads.Advance(branch, newest, first + count, heads[^1]);
    Console.WriteLine($"{branch} is at {first + count}, {id}");
}

static async Task LoadAsync(HttpClient http, int connections, int seconds, Func<HttpRequestMessage> make, int rate = 0)
{
    var took = new List<double>[connections];
    var (refused, bytes) = (0L, 0L);
    var clock = Stopwatch.StartNew();
    await Task.WhenAll(Enumerable.Range(0, connections).Select(worker => Task.Run(async () =>
    {
        var own = took[worker] = [];
        while (clock.Elapsed.TotalSeconds < seconds)
        {
            // Each worker has its own turn of the wanted number a second.
            if (rate > 0 && TimeSpan.FromSeconds((own.Count + ((double)worker / connections)) * connections / rate) - clock.Elapsed is var early && early > TimeSpan.Zero)
                await Task.Delay(early);
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
