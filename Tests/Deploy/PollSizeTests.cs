using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using ContentTree.Store.Objects;
using ContentTree.Store.Trust;
using Xunit.Abstractions;

namespace ContentTree.Tests.Deploy;

/// <summary>What trust costs: bytes of a poll on the wire, and the processor's time for all signatures of an update.</summary>
public sealed class PollSizeTests(ITestOutputHelper output)
{
    [Fact]
    public async Task A_poll_with_nothing_new_and_every_signature_is_one_request_of_less_than_a_kilobyte_each_way()
    {
        await using var server = await TestServer.StartAsync();
        server.Publish("echo one > file");
        using var device = await TestDevice.EnrolledAsync(server);
        await device.TakeAsync();
        await device.UpdateAsync();
        using var counter = new ByteCounter(new Uri(server.Link.Url).Port);
        device.Configure($"[server]\nurl = http://127.0.0.1:{counter.Port}\n");
        await device.UpdateAsync();
        var (asked, answered, connections) = counter.End();
        output.WriteLine($"{asked} bytes asked, {answered} answered, heads of HTTP included");
        File.AppendAllText(Path.Combine(Directory.CreateDirectory(Path.Combine(Trust.TestFiles.Root, ".work/results")).FullName, "poll.txt"), $"{asked} {answered}\n");
        server.Data.Trust.Load().AsksForTimestamps.Should().BeTrue("the timestamp's signature is among them");
        connections.Should().Be(1);
        asked.Should().BeInRange(300, 1024);
        answered.Should().BeInRange(200, 1024);
    }

    [Fact]
    public void Everything_that_an_update_verifies_is_valid_and_its_cost_is_told()
    {
        using var key = SigningKey.Generate();
        var now = DateTimeOffset.UtcNow;
        var branch = BranchName.Parse("main");
        var statement = RootStatement.Of(key.Public, key.Public, 1, now.AddYears(1)).With(Role.Timestamp, key.Public).With(Role.Fleet, key.Public);
        var (root, commit) = (key.Sign(statement).Bytes, ObjectId.Of("x"u8));
        var head = key.Sign(new HeadStatement { Branch = branch, Commit = commit, Sequence = 1, Created = now, Expires = now.AddYears(1) }).Bytes;
        var timestamp = key.Sign(new TimestampStatement { Branch = branch, Head = commit, Sequence = 1, Created = now, Expires = now.AddDays(1) }).Bytes;
        var assignment = key.Sign(new AssignmentStatement
        {
            Device = key.Id,
            Branch = branch,
            Counter = 1,
            Created = now,
            Expires = now.AddDays(1),
            Action = AssignmentAction.Hold,
            Reason = "",
        }).Bytes;
        var rounds = int.TryParse(Environment.GetEnvironmentVariable("CTREE_MEASURE"), out var wanted) ? wanted : 1;
        var before = Process.GetCurrentProcess().TotalProcessorTime;
        for (var round = 0; round < rounds; round++)
        {
            var trusted = TrustRoot.Load(root.Span);
            trusted.VerifyHead(head.Span, branch).Commit.Should().Be(commit);
            trusted.VerifyTimestamp(timestamp.Span, branch).Branch.Should().Be(branch);
            trusted.VerifyAssignment(assignment.Span).Counter.Should().Be(1);
        }
        var spent = (Process.GetCurrentProcess().TotalProcessorTime - before).TotalMilliseconds / rounds;
        output.WriteLine($"{spent:0.00} ms of processor for root, head, timestamp and assignment, {rounds} rounds");
    }

    /// <summary>Passes bytes on between a device and the server, and counts them.</summary>
    private sealed class ByteCounter : IDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
        private readonly CancellationTokenSource _stop = new();
        private long _asked;
        private long _answered;
        private int _connections;

        public ByteCounter(int port)
        {
            _listener.Start();
            _ = ServeAsync(port);
        }

        public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

        public (long Asked, long Answered, int Connections) End() => (Interlocked.Read(ref _asked), Interlocked.Read(ref _answered), _connections);

        public void Dispose()
        {
            _stop.Cancel();
            _listener.Dispose();
            _stop.Dispose();
        }

        private async Task ServeAsync(int port)
        {
            while (await AcceptAsync() is { } device)
            {
                Interlocked.Increment(ref _connections);
                var server = new TcpClient();
                await server.ConnectAsync(IPAddress.Loopback, port);
                _ = PassAsync(device, server, count => Interlocked.Add(ref _asked, count));
                _ = PassAsync(server, device, count => Interlocked.Add(ref _answered, count));
            }
        }

        private async Task<TcpClient?> AcceptAsync()
        {
            try
            {
                return await _listener.AcceptTcpClientAsync(_stop.Token);
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                return null;
            }
        }

        private static async Task PassAsync(TcpClient from, TcpClient to, Action<int> count)
        {
            var buffer = new byte[4096];
            try
            {
                for (int read; (read = await from.GetStream().ReadAsync(buffer)) > 0;)
                {
                    count(read);
                    await to.GetStream().WriteAsync(buffer.AsMemory(0, read));
                }
                to.Client.Shutdown(SocketShutdown.Send);
            }
            catch (Exception e) when (e is IOException or SocketException or InvalidOperationException)
            {
            }
        }
    }
}
