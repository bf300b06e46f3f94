using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ContentTree.Deploy;
using ContentTree.Deploy.Config;
using ContentTree.Deploy.Transfer;
using ContentTree.Store.Protocol;
using ContentTree.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace ContentTree.Tests.Deploy;

/// <summary>Whom a device takes for its server: TLS unless it is this machine, and the authorities that were named.</summary>
public sealed class ServerAddressTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData("http://192.0.2.1:9")]
    [InlineData("http://updates.example.com")]
    public async Task Without_tls_a_server_elsewhere_is_refused_unless_somebody_allows_it(string server)
    {
        using var device = TestDevice.Unset();
        var refused = await device.RunAsync("init", "--server", server, "--branch", "main", "--unprivileged", "--trust-on-first-use");
        refused.Code.Should().Be(2);
        refused.Error.Should().Contain("--allow-http");
        Directory.Exists(device.Layout.State).Should().BeFalse();
        var connect = () => new ServerConnection(new Uri(server), Config("allow-http = false"), TimeProvider.System).Dispose();
        connect.Should().Throw<StoppedException>().Which.Code.Should().Be(ExitCode.Usage);
        new ServerConnection(new Uri(server), Config("allow-http = true"), TimeProvider.System).Dispose();
        new ServerConnection(new Uri(server), Config(), TimeProvider.System).Dispose();
    }

    [Fact]
    public async Task Without_tls_a_root_that_was_brought_is_reason_enough_and_what_is_set_up_goes_on_with_a_warning()
    {
        // Nobody listens there, and it is no loopback address.
        const string server = "http://0.0.0.0:9";
        await using var trusted = await TestServer.StartAsync();
        using var device = TestDevice.Unset();
        string[] init = ["init", "--server", server, "--branch", "main", "--unprivileged", "--trust", trusted.TrustFile];
        (await device.RunAsync(init)).Should().Match<CommandResult>(r => r.Code == 0 && r.Error.Contains("read along", StringComparison.Ordinal));
        var file = Path.Combine(device.Root, "ctree/agent.conf");
        File.ReadAllText(file).Should().Contain("allow-http = true");
        (await device.RunAsync("status")).Error.Should().NotContain("read along", "it was said");
        File.WriteAllText(file, File.ReadAllText(file).Replace("allow-http = true", "", StringComparison.Ordinal));
        (await device.RunAsync("status")).Should().Match<CommandResult>(r => r.Code == 0 && r.Error.Contains("read along", StringComparison.Ordinal));
        (await device.RunAsync(init[..^2])).Code.Should().Be(0, "a second time is the same");
        File.AppendAllText(file, "[server]\nallow-http = false\n");
        (await device.RunAsync("plan")).Should().Match<CommandResult>(r => r.Code == 2 && r.Error.Contains("allow-http = false", StringComparison.Ordinal));
        (await device.RunAsync(init)).Code.Should().Be(2);
    }

    [Theory]
    [InlineData("http://127.0.0.1:9")]
    [InlineData("http://[::1]:9")]
    [InlineData("http://localhost:9")]
    [InlineData("https://192.0.2.1:9")]
    public void This_machine_and_tls_are_fine(string server) => new ServerConnection(new Uri(server), Config(), TimeProvider.System).Dispose();

    [Theory]
    [InlineData("ours", "ours", true)]
    [InlineData("two, of which one is ours", "ours", true)]
    [InlineData("another", "ours", false)]
    [InlineData("none: the system's", "ours", false)]
    [InlineData("ours", "expired", false)]
    [InlineData("ours", "for another name", false)]
    [InlineData("ours", "signed by itself", false)]
    public async Task Only_the_authorities_that_were_named_vouch_for_the_server(string trusted, string presented, bool isTaken)
    {
        using var ours = Authority("ours");
        using var another = Authority("another");
        using var certificate = Certificate(ours, presented);
        await using var server = await ServeAsync(certificate);
        var pem = trusted switch { "ours" => ours.ExportCertificatePem(), "another" => another.ExportCertificatePem(), _ => another.ExportCertificatePem() + "\n" + ours.ExportCertificatePem() };
        File.WriteAllText(_directory["ca.pem"], pem);
        using var connection = new ServerConnection(Address(server), Config(trusted.StartsWith("none", StringComparison.Ordinal) ? "" : $"ca = {_directory["ca.pem"]}"), TimeProvider.System);
        using var request = new HttpRequestMessage(HttpMethod.Get, connection.Resolve("/repo/x"));
        var ask = () => connection.SendAsync(request, CancellationToken.None);
        if (isTaken)
            (await ask()).StatusCode.Should().Be(HttpStatusCode.OK);
        else
            (await ask.Should().ThrowAsync<ServerUnreachableException>()).Which.IsNoNetwork.Should().BeTrue();
    }

    [Theory]
    [InlineData("")]
    [InlineData("no certificate")]
    [InlineData(null)]
    public void Authorities_that_cannot_be_read_are_not_the_systems(string? pem)
    {
        if (pem is not null)
            File.WriteAllText(_directory["ca.pem"], pem);
        var connect = () => new ServerConnection(new Uri("https://127.0.0.1:9"), Config($"ca = {_directory["ca.pem"]}"), TimeProvider.System);
        connect.Should().Throw<ConfigException>().WithMessage("*server.ca*");
    }

    private AgentConfig Config(string line = "")
    {
        var root = _directory[Guid.NewGuid().ToString("N")];
        Directory.CreateDirectory(Path.Combine(root, "ctree"));
        File.WriteAllText(Path.Combine(root, "ctree/agent.conf"), $"[server]\n{line}\n");
        return AgentConfig.Load(new DeviceRoot(root, true));
    }

    private static Uri Address(WebApplication server) =>
        new(server.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single());

    private static async Task<WebApplication> ServeAsync(X509Certificate2 certificate)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.UseHttps(certificate)));
        var app = builder.Build();
        app.MapGet("/repo/x", () => Results.Bytes(new byte[1]));
        await app.StartAsync();
        return app;
    }

    private static X509Certificate2 Authority(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddYears(-2), DateTimeOffset.UtcNow.AddYears(2));
    }

    private static X509Certificate2 Certificate(X509Certificate2 authority, string presented)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=server", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(presented == "for another name" ? IPAddress.Parse("192.0.2.7") : IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        var (from, to) = presented == "expired" ? (DateTimeOffset.UtcNow.AddDays(-9), DateTimeOffset.UtcNow.AddDays(-1)) : (DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(9));
        if (presented == "signed by itself")
            return request.CreateSelfSigned(from, to);
        using var signed = request.Create(authority, from, to, [1, 2, 3, 4]);
        using var whole = signed.CopyWithPrivateKey(key);
        return X509CertificateLoader.LoadPkcs12(whole.Export(X509ContentType.Pkcs12), null);
    }
}
