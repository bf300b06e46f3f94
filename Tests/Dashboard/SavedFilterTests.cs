using ContentTree.Server.Dashboard;
using ContentTree.Store.Protocol;
using ContentTree.Tests.Server;

namespace ContentTree.Tests.Dashboard;

/// <summary>Filters of the list of devices that people keep.</summary>
public sealed class SavedFilterTests : IAsyncLifetime
{
    private TestServer _server = null!;

    public async Task InitializeAsync() => _server = await TestServer.StartAsync();

    public async Task DisposeAsync() => await _server.DisposeAsync();

    [Fact]
    public async Task A_filter_is_kept_under_a_name_shown_to_its_owner_alone_and_forgotten_again()
    {
        using var ann = await PageClient.LogInAsync(_server, TokenRole.Viewer, "ann");
        using var bob = await PageClient.LogInAsync(_server, TokenRole.Admin, "bob");
        const string narrowed = "/devices?q=pump&branch=stable&filter=health%21%3Dok";
        (await ann.ReadAsync(narrowed)).Should().Contain("Keep this filter").And.NotContain("Kept filters");
        await ann.PostAsync("/devices/filters/keep?q=pump&branch=stable&filter=health%21%3Dok&after=00000000beefbeef&evil=%22%3E", ("name", "<b>pumps</b>"));
        var page = await ann.ReadAsync("/devices");
        page.Should().Contain("href=\"/devices?q=pump&amp;branch=stable&amp;filter=health%21%3Dok\"").And.Contain("&lt;b&gt;pumps&lt;/b&gt;").And.NotContain("evil").And.NotContain("beefbeef");
        (await ann.ReadAsync(narrowed)).Should().Contain("no longer");
        (await bob.ReadAsync("/devices")).Should().NotContain("Kept filters");
        await bob.PostAsync("/devices/filters/forget", ("name", "<b>pumps</b>"));
        (await ann.ReadAsync("/devices")).Should().Contain("Kept filters");
        await ann.PostAsync("/devices/filters/forget", ("name", "<b>pumps</b>"));
        (await ann.ReadAsync("/devices")).Should().NotContain("Kept filters");
    }

    [Fact]
    public async Task What_is_no_filter_or_has_no_name_is_not_kept()
    {
        using var ann = await PageClient.LogInAsync(_server, TokenRole.Viewer, "ann");
        foreach (var (query, name) in new[] { ("", "all"), ("?q=x", ""), ("?q=x", new string('n', 61)), ("?filter=nonsense+and", "broken") })
            await ann.PostAsync("/devices/filters/keep" + query, ("name", name));
        var filters = new SavedFilters(_server.Data.OpenDatabase());
        filters.Of("ann").Should().BeEmpty();
        for (var i = 0; i < 50; i++)
            filters.Keep("ann", new SavedFilter($"{i:00}", "q=x"));
        filters.Invoking(f => f.Keep("ann", new SavedFilter("one more", "q=x"))).Should().Throw<FormatException>().WithMessage("*too many*");
        filters.Of("ann").Should().HaveCount(50);
        filters.Keep("ann", new SavedFilter("07", "q=y"));
        filters.Of("ann").Should().ContainEquivalentOf(new SavedFilter("07", "q=y"));
    }
}
