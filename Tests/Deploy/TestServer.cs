using ContentTree.Server.Endpoints;
using ContentTree.Server.Publishing;
using ContentTree.Server.Storage;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Repositories;
using ContentTree.Store.Trust;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Deploy;

/// <summary>The real server in this process, on a port of its own, with the link through which devices reach it.</summary>
internal sealed class TestServer : IAsyncDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly ServerHost _host;
    private int _sources;

    private TestServer()
    {
        Data = DataDirectory.Create(_directory["data"], TimeProvider.System);
        _host = new ServerHost(Data, TimeProvider.System, new ServerOptions { Urls = "http://127.0.0.1:0" });
    }

    public DataDirectory Data { get; }

    /// <summary>Past the link.</summary>
    public Uri Address { get; private set; } = null!;

    public UnreliableLink Link { get; private set; } = null!;

    public string TrustFile => Path.Combine(Data.Repository.Path, "trust/root.json");

    public static async Task<TestServer> StartAsync()
    {
        var server = new TestServer();
        var urls = await server._host.StartAsync(CancellationToken.None);
        server.Address = new Uri(urls.First());
        server.Link = new UnreliableLink(server.Address);
        return server;
    }

    /// <summary>An enrolment token.</summary>
    public string Token(long? uses = null) =>
        new Tokens(Data.OpenDatabase(), TimeProvider.System).Create(new TokenRequest(TokenRole.Enrol, uses)).Token;

    public Devices Devices => new(Data.OpenDatabase(), new Tokens(Data.OpenDatabase(), TimeProvider.System), TimeProvider.System);

    /// <summary>Publishes what the shell script makes in an empty directory.</summary>
    public ObjectId Publish(string script, string branch = "main", string version = "", IReadOnlyList<string>? compatible = null, bool barrier = false)
    {
        var source = _directory[$"source{++_sources}"];
        Directory.CreateDirectory(source);
        Shell.Run($"set -e; umask 022; cd '{source}'; {script}");
        var options = new PublishOptions { Branch = BranchName.Parse(branch), Source = source, Version = version, Compatible = compatible ?? [], Barrier = barrier };
        return new Publisher(Data, TimeProvider.System).Publish(options, CancellationToken.None).Commit;
    }

    /// <summary>Publishes a commit whose objects were made by hand.</summary>
    public ObjectId Publish(Func<ObjectWriter, Commit> make, string branch = "main")
    {
        ObjectId id;
        using (var writer = Data.Repository.BeginWriting())
        {
            id = Publisher.WriteCommit(make(writer), writer);
            writer.Complete();
        }
        MoveHead(id, branch);
        return id;
    }

    /// <summary>Signs and stores a head, whatever it says.</summary>
    public void MoveHead(ObjectId commit, string branch = "main", long? sequence = null, SigningKey? signer = null, DateTimeOffset? expires = null)
    {
        var name = BranchName.Parse(branch);
        var present = Data.Repository.Heads.ReadNewest(name);
        var last = present is null ? 0 : Data.Trust.Load().VerifyHead(present, name).Sequence;
        WriteHead(branch, Sign(new HeadStatement
        {
            Branch = name,
            Commit = commit,
            Sequence = sequence ?? last + 1,
            Created = DateTimeOffset.UtcNow.AddHours(-1),
            Expires = expires ?? DateTimeOffset.UtcNow.AddYears(1),
        }, signer));
    }

    public byte[] Sign(HeadStatement head, SigningKey? signer = null) =>
        (signer is null ? Data.LoadKeys().Sign(Envelope.Create(head.Encode(), []), _ => true) : signer.Sign(head)).Bytes.ToArray();

    /// <summary>Puts a head file in place as an attacker with the disk would.</summary>
    public void WriteHead(string branch, byte[] head)
    {
        var path = Path.Combine(Data.Repository.Path, "heads", branch + ".json");
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, head);
    }

    public byte[] ReadHead(string branch = "main") => File.ReadAllBytes(Path.Combine(Data.Repository.Path, "heads", branch + ".json"));

    public async ValueTask DisposeAsync()
    {
        await Link.DisposeAsync();
        await _host.DisposeAsync();
        Data.Dispose();
        _directory.Dispose();
    }
}
