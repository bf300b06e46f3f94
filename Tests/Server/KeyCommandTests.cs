using ContentTree.Server.Storage;
using ContentTree.Store.Trust;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Server;

/// <summary>Keys, roles and thresholds as an operator handles them: on the server, on another machine, by a program.</summary>
public sealed class KeyCommandTests : IAsyncLifetime, IDisposable
{
    private readonly TemporaryDirectory _temporary = new();

    private string Data => _temporary["data"];

    public async Task InitializeAsync()
    {
        Directory.CreateDirectory(_temporary["source"]);
        File.WriteAllText(_temporary["source/file"], "one");
        await DoAsync("init");
        await DoAsync("publish", "--branch", "main", _temporary["source"]);
    }

    public Task DisposeAsync() => Task.CompletedTask;

    public void Dispose() => _temporary.Dispose();

    [Fact]
    public async Task A_release_key_is_replaced_and_the_old_one_signs_nothing_any_more()
    {
        var old = Root().Roles[Role.Release].KeyIds.Single();
        var fresh = await NewKeyAsync("fresh.pem");
        await DoAsync("key", "root", "--add", $"release={_temporary["fresh.pem"]}", "--remove", $"release={old}", _temporary["next.json"]);
        (await ServerCommand.RunAsync(["--data", Data, "key", "install", _temporary["next.json"]])).Should().Match<ServerCommand>(
            r => r.Exit == 14 && r.Error.Contains("head of main", StringComparison.Ordinal), "devices would refuse the head of main");
        Root().Version.Should().Be(1);

        await DoAsync("key", "install", "--key", _temporary["fresh.pem"], _temporary["next.json"]);

        (Root().Version, Root().Roles[Role.Release].KeyIds.Single()).Should().Be((2, fresh));
        Head().Signatures.Select(s => s.KeyId).Should().Equal(old, fresh);
        Edit("two");
        (await ServerCommand.RunAsync(["--data", Data, "publish", "--branch", "main", _temporary["source"]])).Error.Should().Contain("0 of 1 release keys are at hand");
        await DoAsync("publish", "--branch", "main", "--key", _temporary["fresh.pem"], _temporary["source"]);
        Head().Signatures.Should().ContainSingle().Which.KeyId.Should().Be(fresh);
        (await DoAsync("log", "main")).Out.Trim().Split('\n').Length.Should().BeGreaterThan(2, "what the old key signed is still history");
        await DoAsync("fsck");
    }

    [Fact]
    public async Task Two_of_three_sign_a_head_on_other_machines()
    {
        await NewKeyAsync("a.pem");
        await NewKeyAsync("b.pem");
        var mine = Root().Roles[Role.Release].KeyIds.Single();
        await DoAsync("key", "root", "--add", $"release={_temporary["a.pem"]}", "--add", $"release={_temporary["b.pem"]}", "--threshold", "release=2", _temporary["next.json"]);
        await DoAsync("key", "install", "--key", _temporary["a.pem"], _temporary["next.json"]);
        (await DoAsync("key", "list")).Out.Should().Contain("2 of 3").And.Contain("here").And.Contain("elsewhere");
        Edit("two");
        (await ServerCommand.RunAsync(["--data", Data, "publish", "--branch", "main", _temporary["source"]])).Should().Match<ServerCommand>(
            r => r.Exit == 17 && r.Error.Contains("1 of 2 release keys", StringComparison.Ordinal));

        var proposed = await DoAsync("publish", "--branch", "main", "--unsigned", _temporary["head.json"], _temporary["source"]);
        Envelope.Parse(File.ReadAllBytes(_temporary["head.json"])).Signatures.Should().ContainSingle().Which.KeyId.Should().Be(mine);
        (await ServerCommand.RunAsync(["--data", Data, "branch", "advance", "main", _temporary["head.json"]])).Exit.Should().Be(14, "one signature is not enough");
        var signed = await ServerCommand.RunAsync(["sign", _temporary["head.json"], "--key", _temporary["b.pem"]]);
        signed.Exit.Should().Be(0, signed.Error);
        signed.Out.Should().Contain($"\"commit\":\"{proposed.LastLine}\"", "who signs sees what");

        (await DoAsync("branch", "advance", "main", _temporary["head.json"])).LastLine.Should().Be(proposed.LastLine);
        (await DoAsync("branch", "advance", "main", _temporary["head.json"])).LastLine.Should().Be(proposed.LastLine, "said again it is done already");
        Edit("three");
        await DoAsync("publish", "--branch", "main", "--key", _temporary["a.pem"], _temporary["source"]);
        File.Copy(_temporary["head.json"], _temporary["old.json"]);
        (await ServerCommand.RunAsync(["--data", Data, "branch", "advance", "main", _temporary["old.json"]])).Exit.Should().Be(18, "the branch has gone on");
    }

    [Fact]
    public async Task A_program_signs_with_a_key_it_keeps_to_itself()
    {
        Shell.Run("openssl ecparam -name prime256v1 -genkey -noout -out token.key; openssl pkey -in token.key -pubout -out token.pub", _temporary.Path);
        await DoAsync("key", "root", "--add", $"release={_temporary["token.pub"]}", "--threshold", "release=2", _temporary["next.json"]);
        string[] signer = ["--signer", $"openssl dgst -sha256 -sign '{_temporary["token.key"]}'", "--public", _temporary["token.pub"]];
        await DoAsync(["key", "install", .. signer, _temporary["next.json"]]);
        Edit("two");
        await DoAsync(["publish", "--branch", "main", .. signer, _temporary["source"]]);
        Head().Signatures.Should().HaveCount(2);

        Edit("three");
        string[] liar = ["--signer", "head -c 70 /dev/zero", "--public", _temporary["token.pub"]];
        (await ServerCommand.RunAsync(["--data", Data, "publish", "--branch", "main", .. liar, _temporary["source"]])).Should().Match<ServerCommand>(
            r => r.Exit == 1 && r.Error.Contains("did not write a signature", StringComparison.Ordinal));
        (await ServerCommand.RunAsync(["--data", Data, "publish", "--branch", "main", "--signer", "exit 3", "--public", _temporary["token.pub"], _temporary["source"]])).Error.Should().Contain("ended with 3");
    }

    [Fact]
    public async Task Keys_that_merely_lie_here_sign_no_head_unasked()
    {
        (await ServerCommand.DoAsync("--data", Data, "key", "new")).Out.Should().Contain("PUBLIC KEY");
        var fresh = Directory.GetFiles(Path.Combine(Data, "keys")).Single(f => !f.EndsWith("release.pem", StringComparison.Ordinal));
        await DoAsync("key", "root", "--add", $"release={fresh}", "--remove", $"release={Root().Roles[Role.Release].KeyIds.Single()}", _temporary["next.json"]);
        var before = File.ReadAllBytes(Path.Combine(Data, "repo/heads/main.json"));
        (await ServerCommand.RunAsync(["--data", Data, "key", "install", _temporary["next.json"]])).Should().Match<ServerCommand>(
            r => r.Exit == 14 && r.Error.Contains("--resign", StringComparison.Ordinal));
        File.ReadAllBytes(Path.Combine(Data, "repo/heads/main.json")).Should().Equal(before);

        (await DoAsync("key", "install", "--resign", _temporary["next.json"])).Error.Should().Contain("signed the head of main");
        Head().Signatures.Should().HaveCount(2);
    }

    [Fact]
    public void A_program_that_hangs_is_ended()
    {
        using var key = SigningKey.Generate();
        var watch = System.Diagnostics.Stopwatch.StartNew();
        var sign = () => new ContentTree.Server.Trust.ProgramSigner("sleep 100 & sleep 100", key.Public, TimeSpan.FromMilliseconds(300)).Sign(new byte[1 << 20]);
        sign.Should().Throw<IOException>().WithMessage("*did not sign within*");
        watch.Elapsed.Should().BeLessThan(TimeSpan.FromSeconds(60));
    }

    [Theory]
    [InlineData("--remove", "release=")]
    [InlineData("--remove", "root=")]
    [InlineData("--threshold", "release=2")]
    [InlineData("--threshold", "composition=1")]
    public async Task A_root_that_nobody_could_live_with_is_not_written(string option, string value)
    {
        if (value.EndsWith('='))
            value += Root().Roles[Role.Release].KeyIds.Single();
        (await ServerCommand.RunAsync(["--data", Data, "key", "root", option, value, _temporary["next.json"]])).Exit.Should().BeOneOf(1, 2);
        File.Exists(_temporary["next.json"]).Should().BeFalse();
    }

    [Fact]
    public async Task What_lies_beside_keys_and_what_others_sign_in_their_name_stops_nobody()
    {
        var key = await NewKeyAsync("fresh.pem");
        File.WriteAllText(Path.Combine(Data, "keys/fresh.pub.pem"), "-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n");
        await DoAsync("key", "root", "--add", $"release={_temporary["fresh.pem"]}", _temporary["next.json"]);
        var next = Envelope.Parse(File.ReadAllBytes(_temporary["next.json"]));
        File.WriteAllBytes(_temporary["next.json"], Envelope.Create(next.SignedBytes.Span, [.. next.Signatures, new EnvelopeSignature(key, new byte[70])]).Bytes.ToArray());
        (await ServerCommand.DoAsync("sign", _temporary["next.json"], "--key", _temporary["fresh.pem"])).Error.Should().NotContain("nothing added");
        Envelope.Parse(File.ReadAllBytes(_temporary["next.json"])).Signatures.Should().HaveCount(2);
        await DoAsync("key", "install", _temporary["next.json"]);
    }

    [Fact]
    public async Task A_lost_root_is_put_back_from_the_numbered_ones()
    {
        await DoAsync("key", "root", _temporary["next.json"]);
        await DoAsync("key", "install", _temporary["next.json"]);
        File.Delete(Path.Combine(Data, "repo/trust/root.json"));
        await DoAsync("init");
        Root().Version.Should().Be(2);
    }

    [Fact]
    public async Task A_proposal_never_leaves_an_older_one_in_its_place()
    {
        File.WriteAllText(_temporary["head.json"], "older");
        (await ServerCommand.RunAsync(["--data", Data, "publish", "--branch", "main", "--unsigned", _temporary["head.json"], _temporary["source"]])).Exit.Should().Be(2);
    }

    [Fact]
    public async Task What_is_no_statement_is_not_signed()
    {
        File.WriteAllBytes(_temporary["odd.json"], Envelope.Create("{\"kind\":\"cheque\"}"u8, []).Bytes.ToArray());
        (await ServerCommand.RunAsync(["sign", _temporary["odd.json"], "--key", Path.Combine(Data, "keys/release.pem")])).Exit.Should().Be(14);
        Envelope.Parse(File.ReadAllBytes(_temporary["odd.json"])).Signatures.Should().BeEmpty();
    }

    [Fact]
    public async Task Another_root_of_the_same_version_is_a_conflict_and_the_same_one_is_done()
    {
        await DoAsync("key", "root", _temporary["next.json"]);
        await DoAsync("key", "root", "--expires", "2040-01-01", _temporary["other.json"]);
        await DoAsync("key", "install", _temporary["next.json"]);
        await DoAsync("key", "install", _temporary["next.json"]);
        (await ServerCommand.RunAsync(["--data", Data, "key", "install", _temporary["other.json"]])).Exit.Should().Be(14, "it does not follow on version 2");
        Root().Version.Should().Be(2);
    }

    private TrustRoot Root()
    {
        using var data = DataDirectory.Open(Data);
        return data.Trust.Load();
    }

    private Envelope Head() => Envelope.Parse(File.ReadAllBytes(Path.Combine(Data, "repo/heads/main.json")));

    private void Edit(string content) => File.WriteAllText(_temporary["source/file"], content);

    private async Task<KeyId> NewKeyAsync(string name)
    {
        await ServerCommand.DoAsync("key", "new", _temporary[name]);
        Shell.Run($"stat -c %a '{_temporary[name]}'").Trim().Should().Be("600");
        using var key = SigningKey.Parse(File.ReadAllText(_temporary[name]));
        return key.Id;
    }

    private Task<ServerCommand> DoAsync(params string[] words) => ServerCommand.DoAsync(["--data", Data, .. words]);
}
