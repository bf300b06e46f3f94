using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using ContentTree.Server.Storage;

namespace ContentTree.Tests.Server;

/// <summary>What is installed in a commit, as the package databases in its tree say.</summary>
public sealed class PackageTests
{
    private const string Dpkg = """
        Package: libc6
        Status: install ok installed
        Architecture: amd64
        Version: 2.36-9+deb12u9
        Description: GNU C Library
         Package: not-this
         .
         more

        Package: gone
        Status: deinstall ok config-files
        Architecture: amd64
        Version: 1

        Package: bash
        Status: install ok installed
        Version: 5.2.15-2+b7
        Architecture: amd64
        """;

    private const string Apk = "C:Q1abc=\nP:musl\nV:1.2.5-r0\nA:x86_64\nF:lib\nR:libc.so\n\nP:busybox\nV:1.36.1-r2\nA:x86_64\n";

    [Fact]
    public async Task A_commit_shows_what_dpkg_opkg_apk_and_rpm_have_installed_in_it()
    {
        await using var server = await TestServer.StartAsync();
        server.WriteSource("var/lib/dpkg/status", Dpkg);
        server.WriteSource("var/lib/dpkg/status.d/tzdata", "Package: tzdata\nVersion: 2024a\nArchitecture: all\n");
        server.WriteSource("usr/lib/opkg/status", "Package: dropbear\nVersion: 2022.83\nStatus: install user installed\nArchitecture: arm\n");
        server.WriteSource("lib/apk/db/installed", Apk);
        Directory.CreateDirectory(Path.Combine(server.Source, "usr/lib/sysimage/rpm"));
        MakeRpmDatabase(Path.Combine(server.Source, "usr/lib/sysimage/rpm/rpmdb.sqlite"));
        var commit = server.Publish(version: "1.0").Commit.ToString();

        var shown = await ServerCommand.DoAsync("--data", server.DataPath, "show", "--packages", commit);
        shown.Out.Split('\n').Skip(1).Where(l => l.Length > 0).Select(l => string.Join(' ', l.Split(' ', StringSplitOptions.RemoveEmptyEntries))).Should().Equal(
            "apk busybox 1.36.1-r2 x86_64", "apk musl 1.2.5-r0 x86_64", "deb bash 5.2.15-2+b7 amd64", "deb libc6 2.36-9+deb12u9 amd64", "deb tzdata 2024a all",
            "opkg dropbear 2022.83 arm", "rpm zlib 1:1.3.1-4.fc41 x86_64");
        var spdx = JsonDocument.Parse((await ServerCommand.DoAsync("--data", server.DataPath, "show", "--sbom", "spdx", commit)).Out).RootElement;
        spdx.GetProperty("spdxVersion").GetString().Should().Be("SPDX-2.3");
        spdx.GetProperty("packages").EnumerateArray().Select(p => p.GetProperty("externalRefs")[0].GetProperty("referenceLocator").GetString())
            .Should().Contain("pkg:deb/libc6@2.36-9%2Bdeb12u9?arch=amd64").And.HaveCount(7);
        var cyclone = (await ServerCommand.DoAsync("--data", server.DataPath, "show", "--sbom", "cyclonedx", commit)).Out;
        JsonDocument.Parse(cyclone).RootElement.GetProperty("components").EnumerateArray().Select(c => c.GetProperty("purl").GetString()).Should().Contain("pkg:apk/musl@1.2.5-r0?arch=x86_64");
        (await ServerCommand.DoAsync("--data", server.DataPath, "show", "--sbom", "cyclonedx", commit)).Out.Should().Be(cyclone);
        (await ServerCommand.RunAsync("--data", server.DataPath, "show", "--sbom", "other", commit)).Exit.Should().Be(2);
    }

    [Fact]
    public async Task Two_commits_differ_by_packages_that_came_went_and_changed()
    {
        await using var server = await TestServer.StartAsync();
        server.WriteSource("var/lib/dpkg/status", Dpkg);
        var before = server.Publish().Commit.ToString();
        server.WriteSource("var/lib/dpkg/status", Dpkg.Replace("2.36-9+deb12u9", "2.36-9+deb12u10", StringComparison.Ordinal).Replace("Package: bash", "Package: dash", StringComparison.Ordinal));
        var after = server.Publish().Commit.ToString();
        var diff = await ServerCommand.RunAsync("--data", server.DataPath, "diff", "--packages", before, after);
        diff.Exit.Should().Be(1);
        diff.Out.Trim().Split('\n').Should().Equal("- deb bash 5.2.15-2+b7", "+ deb dash 5.2.15-2+b7", "! deb libc6 2.36-9+deb12u9 -> 2.36-9+deb12u10");
        (await ServerCommand.RunAsync("--data", server.DataPath, "diff", "--packages", after, after)).Exit.Should().Be(0);
    }

    [Theory]
    [InlineData("var/lib/dpkg/status", "\0\0\0")]
    [InlineData("var/lib/dpkg/status", "Package:\nVersion:\n\n: x\n\nPackage: only-a-name\n")]
    [InlineData("lib/apk/db/installed", "P:\u001b[2J\nV:\n")]
    [InlineData("var/lib/rpm/rpmdb.sqlite", "SQLite format 3\0nonsense")]
    [InlineData("var/lib/rpm/rpmdb.sqlite", "no database")]
    public async Task What_is_no_database_has_no_packages(string path, string content)
    {
        await using var server = await TestServer.StartAsync();
        server.WriteSource(path, content);
        var commit = server.Publish().Commit.ToString();
        (await ServerCommand.DoAsync("--data", server.DataPath, "show", "--packages", commit)).Out.Should().BeEmpty();
    }

    /// <summary>The header of a package as rpm writes it.</summary>
    internal static byte[] RpmHeader()
    {
        var data = new MemoryStream();
        var entries = new MemoryStream();
        void Add(uint tag, uint type, byte[] value)
        {
            var entry = new byte[16];
            BinaryPrimitives.WriteUInt32BigEndian(entry, tag);
            BinaryPrimitives.WriteUInt32BigEndian(entry.AsSpan(4), type);
            BinaryPrimitives.WriteUInt32BigEndian(entry.AsSpan(8), (uint)data.Length);
            BinaryPrimitives.WriteUInt32BigEndian(entry.AsSpan(12), 1);
            entries.Write(entry);
            data.Write(value);
        }
        Add(1003, 4, [0, 0, 0, 1]);
        Add(1000, 6, "zlib\0"u8.ToArray());
        Add(1001, 6, "1.3.1\0"u8.ToArray());
        Add(1002, 6, "4.fc41\0"u8.ToArray());
        Add(1022, 6, "x86_64\0"u8.ToArray());
        var head = new byte[8];
        BinaryPrimitives.WriteUInt32BigEndian(head, (uint)entries.Length / 16);
        BinaryPrimitives.WriteUInt32BigEndian(head.AsSpan(4), (uint)data.Length);
        return [.. head, .. entries.ToArray(), .. data.ToArray()];
    }

    internal static void MakeRpmDatabase(string path)
    {
        using (var connection = SqliteDatabase.OpenIndex(path, "CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, blob BLOB NOT NULL)").Connect())
        {
            connection.Execute("INSERT INTO Packages (blob) VALUES ($blob)", ("$blob", RpmHeader()));
            connection.Execute("INSERT INTO Packages (blob) VALUES ($blob)", ("$blob", Encoding.ASCII.GetBytes("no header")));
            connection.Query("PRAGMA journal_mode = DELETE", row => row.GetString(0));
        }
        Microsoft.Data.Sqlite.SqliteConnection.ClearAllPools();
    }
}
