using System.Globalization;
using System.Net.Sockets;
using Amazon.Runtime;
using Amazon.S3;

namespace ContentTree.Tests.Support;

/// <summary>A real Ceph object gateway, which speaks S3, with data of its own in memory.</summary>
internal sealed class CephGateway : IDisposable
{
    public const string Bucket = "ctree";

    private const string Access = "access";
    private const string Secret = "secret";

    private static readonly Lazy<CephGateway> Common = new(() =>
    {
        var gateway = new CephGateway();
        AppDomain.CurrentDomain.ProcessExit += (_, _) => gateway.Dispose();
        return gateway;
    });

    private readonly TemporaryDirectory _temporary = new();
    private int _prefixes;

    private CephGateway()
    {
        Url = $"http://127.0.0.1:{FreePorts(3)}";
        Shell.Run($"{Script} start {_temporary["ceph"]} {new Uri(Url).Port} {Access} {Secret} {Environment.ProcessId} 2>&1");
        File.WriteAllText(Credentials, $"[default]\naws_access_key_id = {Access}\naws_secret_access_key = {Secret}\n");
        Client = new AmazonS3Client(new BasicAWSCredentials(Access, Secret), new AmazonS3Config { ServiceURL = Url, ForcePathStyle = true, AuthenticationRegion = "us-east-1" });
        Client.PutBucketAsync(Bucket).GetAwaiter().GetResult();
    }

    /// <summary>One for all tests of this process; each takes a prefix of its own.</summary>
    public static CephGateway Shared => Common.Value;

    /// <summary>Why it cannot run here; null when it can.</summary>
    public static string? Missing => Need.Programs("radosgw ceph-mon ceph-osd", "radosgw", "ceph-mon", "ceph-osd", "ceph-authtool", "monmaptool");

    public string Url { get; }

    public AmazonS3Client Client { get; }

    private static string Script => Path.Combine(Trust.TestFiles.Root, "Tests/Support/ceph-gateway.sh");

    private string Credentials => _temporary["credentials"];

    /// <summary>The address of an empty place in the bucket that nobody else uses.</summary>
    /// <param name="through">What stands between, if anything.</param>
    public string NewAddress(string? through = null) =>
        string.Create(CultureInfo.InvariantCulture, $"s3://{Bucket}/test/{Interlocked.Increment(ref _prefixes)}?endpoint={through ?? Url}&credentials={Credentials}");

    /// <summary>The keys of a place, without its prefix, in their order.</summary>
    public async Task<IReadOnlyList<string>> KeysAsync(string address)
    {
        var prefix = PrefixOf(address);
        var request = new Amazon.S3.Model.ListObjectsV2Request { BucketName = Bucket, Prefix = prefix };
        var keys = new List<string>();
        do
        {
            var page = await Client.ListObjectsV2Async(request);
            keys.AddRange((page.S3Objects ?? []).Select(o => o.Key[prefix.Length..]));
            request.ContinuationToken = page.NextContinuationToken;
        }
        while (request.ContinuationToken is not null);
        return keys;
    }

    public static string PrefixOf(string address) => address[$"s3://{Bucket}/".Length..address.IndexOf('?', StringComparison.Ordinal)] + "/";

    public void Dispose()
    {
        Client.Dispose();
        Shell.Try($"{Script} stop {_temporary["ceph"]}");
        _temporary.Dispose();
    }

    private static int FreePorts(int count)
    {
        for (var first = 21000 + Environment.ProcessId % 5000; ; first += count)
        {
            try
            {
                for (var i = 0; i < count; i++)
                {
                    using var listener = new TcpListener(System.Net.IPAddress.Loopback, first + i);
                    listener.Start();
                }
                return first;
            }
            catch (SocketException)
            {
                // Somebody has one of them.
            }
        }
    }
}
