using System.Diagnostics;
using System.Net;
using ContentTree.Tests.Trust;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace ContentTree.Tests.Architecture;

/// <summary>The audit of packages finds what is known, and says so where nothing can be known.</summary>
[Trait("Category", "Slow")]
public sealed class PackageAuditTests
{
    [Fact]
    public async Task A_package_that_is_known_to_be_vulnerable_fails_the_audit_by_name()
    {
        await using var source = await StartAsync("""{"fluentassertions":[{"severity":3,"url":"https://advisories.invalid/1","versions":"(, 99.0.0)"}]}""");
        var (code, text) = await AuditAsync(source.Urls.First());
        (code, text).Should().Match<(int Code, string Text)>(r => r.Code == 1 && r.Text.Contains("FluentAssertions", StringComparison.Ordinal) && r.Text.Contains("https://advisories.invalid/1", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Where_none_is_vulnerable_it_says_who_said_so()
    {
        await using var source = await StartAsync("""{"fluentassertions":[{"severity":3,"url":"https://advisories.invalid/1","versions":"(, 1.0.0)"}]}""");
        var (code, text) = await AuditAsync(source.Urls.First());
        (code, text).Should().Match<(int Code, string Text)>(r => r.Code == 0 && r.Text.Contains("none is known to be vulnerable", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Without_advisories_it_does_not_claim_to_have_audited()
    {
        await using var source = await StartAsync(null);
        var (code, text) = await AuditAsync(source.Urls.First());
        (code, text).Should().Match<(int Code, string Text)>(r => r.Code == 0 && r.Text.Contains("NOT audited", StringComparison.Ordinal) && !r.Text.Contains("none is known", StringComparison.Ordinal));
    }

    private static async Task<WebApplication> StartAsync(string? advisories)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseKestrelCore().ConfigureKestrel(options => options.Listen(IPAddress.Loopback, 0));
        builder.Logging.ClearProviders();
        var app = builder.Build();
        app.Run(context =>
        {
            var here = $"http://{context.Request.Host}";
            var text = context.Request.Path.Value switch
            {
                "/index.json" when advisories is null => """{"version":"3.0.0","resources":[]}""",
                "/index.json" => $$"""{"version":"3.0.0","resources":[{"@id":"{{here}}/known.json","@type":"VulnerabilityInfo/6.7.0"}]}""",
                "/known.json" => $$"""[{"@name":"base","@id":"{{here}}/base.json","@updated":"2026-01-01T00:00:00Z"}]""",
                "/base.json" => advisories,
                _ => null,
            };
            context.Response.StatusCode = text is null ? 404 : 200;
            context.Response.ContentType = "application/json";
            return context.Response.WriteAsync(text ?? "");
        });
        await app.StartAsync();
        return app;
    }

    private static async Task<(int Code, string Text)> AuditAsync(string url)
    {
        var start = new ProcessStartInfo(Path.Combine(TestFiles.Root, "scripts/audit.sh")) { RedirectStandardError = true };
        start.Environment["CTREE_AUDIT_SOURCE"] = url + "/index.json";
        using var process = Process.Start(start)!;
        var text = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, text);
    }
}
