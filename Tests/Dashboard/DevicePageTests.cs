using System.Net;
using ContentTree.Server.Auditing;
using ContentTree.Server.Storage;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Tests.Server;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Dashboard;

/// <summary>Devices in the browser: how they stand and why, in lists and one by one.</summary>
public sealed class DevicePageTests
{
    [Fact]
    public async Task A_device_says_what_it_runs_what_it_should_and_why_they_differ()
    {
        await using var server = await TestServer.StartAsync();
        server.WriteSource("file", "one");
        var old = server.Publish().Commit;
        server.WriteSource("file", "two");
        var target = server.Publish().Commit;
        using var device = new TestDevice(server);
        await device.EnrolAsync(server.NewToken(TokenRole.Enrol));
        using var client = await PageClient.LogInAsync(server, TokenRole.Operator);
        var poll = new PollRequest(BranchName.Parse("stable"), "good", 1, 2, Running: old);
        foreach (var (said, word, why) in new[]
        {
            (poll with { Running = target }, "in sync", "runs what its branch is at"), (poll, "behind", "has not fetched"), (poll with { Wanted = target }, "updating", "boots it next"),
            (poll with { Failed = target }, "fell back", "tried and failed there"), (poll with { Hold = true }, "held", "on the device itself"),
        })
        {
            (await device.PollAsync(said)).StatusCode.Should().Be(HttpStatusCode.OK);
            (await client.ReadAsync($"/devices/{device.Id}")).Should().Contain($">{word}</span>").And.Contain(why).And.Contain(target.ToString());
            (await client.ReadAsync("/")).Should().Contain($"{word} 1");
            (await client.ReadAsync($"/devices?standing={Uri.EscapeDataString(word)}")).Should().Contain(device.Id.ToString());
        }
        server.Time.Ahead += TimeSpan.FromHours(2);
        await Eventually.TrueAsync(() => server.Devices().Find(device.Id).Silent is not null);
        (await client.ReadAsync("/")).Should().Contain("1 device silent");
        (await client.ReadAsync("/devices?standing=silent")).Should().Contain(device.Id.ToString());
        (await client.ReadAsync($"/devices/{device.Id}")).Should().Contain(">silent</span>").And.Contain("Nothing was heard of it for 2 h");
        (await client.ReadAsync("/devices?standing=behind")).Should().Contain("No device is like that");
    }

    [Fact]
    public async Task Devices_are_found_by_the_language_of_filters_and_what_is_wrong_in_it_is_said()
    {
        await using var server = await TestServer.StartAsync();
        using var gate = new TestDevice(server);
        using var pump = new TestDevice(server);
        await gate.EnrolAsync(server.NewToken(TokenRole.Enrol), name: "gate-1");
        await pump.EnrolAsync(server.NewToken(TokenRole.Enrol), name: "pump-1");
        using var client = await PageClient.LogInAsync(server, TokenRole.Viewer);
        (await client.ReadAsync("/devices?filter=" + Uri.EscapeDataString("name~gate-* and not state==pending"))).Should().Contain($"{gate.Id}").And.NotContain($"{pump.Id}").And.Contain("/devices.csv?filter=name~gate").And.Contain("value=\"name~gate-* and");
        (await client.ReadAsync("/devices.csv?filter=" + Uri.EscapeDataString("name==pump-1"))).Should().Contain($"{pump.Id}").And.NotContain($"{gate.Id}");
        (await client.ReadAsync("/devices?q=gate&filter=" + Uri.EscapeDataString("name==pump-1"))).Should().Contain("No device is like that", "both have to be true");
        var wrong = await client.ReadAsync("/devices?filter=" + Uri.EscapeDataString("colour==\"<b>\""));
        wrong.Should().Contain("id=\"wrong-filter\"").And.Contain("has no &#x27;colour&#x27;").And.NotContain($"{gate.Id}").And.NotContain("<b>\"");
        (await client.GetAsync("/devices.csv?filter=nonsense")).StatusCode.Should().Be(HttpStatusCode.BadRequest);
    }

    [Fact]
    public async Task Chosen_devices_are_held_and_released_after_one_question_that_counts_them()
    {
        await using var server = await TestServer.StartAsync();
        server.WriteSource("file", "one");
        server.Publish();
        using var first = new TestDevice(server);
        using var second = new TestDevice(server);
        using var third = new TestDevice(server);
        foreach (var device in new[] { first, second, third })
        {
            await device.EnrolAsync(server.NewToken(TokenRole.Enrol));
            await device.PollAsync();
        }
        using var client = await PageClient.LogInAsync(server, TokenRole.Operator);
        await client.ReadAsync("/devices");
        (await client.DoAsync("/devices", ("action", "hold"))).Should().Contain("choose at least one device");
        (string, string)[] chosen = [("device", $"{first.Id}"), ("device", $"{second.Id}"), ("action", "hold")];
        (await (await client.PostAsync("/devices", chosen)).Content.ReadAsStringAsync()).Should().Contain("Hold 2 devices?").And.Contain($"{second.Id}").And.NotContain($"{third.Id}");
        server.Devices().Find(first.Id).Assignment.Should().BeNull("nothing is done before the question is answered");
        (await client.DoAsync("/devices", [.. chosen, ("sure", "yes"), ("reason", "the fair")])).Should().Contain("2 devices held");
        server.Devices().List(3).Where(d => d.Assignment is { Action: "hold", Reason: "the fair" }).Select(d => d.Id).Order().Should().Equal(new[] { first.Id, second.Id }.Order());
        (await client.DoAsync("/devices", ("device", $"{first.Id}"), ("action", "follow"), ("sure", "yes"))).Should().Contain("1 device released");
        server.Devices().Find(first.Id).Assignment!.Action.Should().Be("follow");
        new Audit(server.Data, server.Time).List(new AuditFilter(Actor: "user ada", Verb: "device"), 10).Select(e => e.Verb).Should().Equal("device.follow", "device.hold", "device.hold");
        (await client.DoAsync("/devices", ("device", $"{first.Id}"), ("action", "remove"), ("sure", "yes"))).Should().Contain("held or released");
    }

    [Fact]
    public async Task A_chosen_device_that_is_gone_keeps_none_of_the_others_from_being_held()
    {
        await using var server = await TestServer.StartAsync();
        server.WriteSource("file", "one");
        server.Publish();
        TestDevice[] devices = [.. Enumerable.Range(0, 3).Select(_ => new TestDevice(server))];
        foreach (var device in devices)
        {
            await device.EnrolAsync(server.NewToken(TokenRole.Enrol));
            await device.PollAsync();
        }
        using var client = await PageClient.LogInAsync(server, TokenRole.Operator);
        await client.ReadAsync("/devices");
        (string, string)[] chosen = [.. devices.Select(d => ("device", $"{d.Id}")), ("action", "hold"), ("sure", "yes")];
        server.Devices().Remove(devices.MinBy(d => $"{d.Id}")!.Id);
        var page = await client.DoAsync("/devices", chosen);
        page.Should().Contain("2 devices held").And.Contain("role=\"alert\"").And.Contain($"Not these: {devices.MinBy(d => $"{d.Id}")!.Id} (no device");
        server.Devices().List(3).Select(d => d.Assignment?.Action).Should().Equal("hold", "hold");
        foreach (var device in devices)
            device.Dispose();
    }

    [Fact]
    public async Task All_that_match_are_held_after_one_question_unless_many_came_or_left_meanwhile()
    {
        await using var server = await TestServer.StartAsync();
        server.WriteSource("file", "one");
        server.Publish();
        using var client = await PageClient.LogInAsync(server, TokenRole.Operator);
        using (var connection = server.Data.OpenDatabase().Connect())
            connection.Execute("""
                WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1300)
                INSERT INTO devices (id, name, hardware, architecture, branch, state, enrolled, words)
                SELECT substr('0000000000000000' || i, length('' || i) + 1, 16), CASE WHEN i <= 1100 THEN 'pump' ELSE 'gate' END || '-' || i, 'scope-3b', 'aarch64', 'stable', CASE WHEN i = 1 THEN 'pending' ELSE 'accepted' END, $now, 'x' FROM n
                """, ("$now", server.Time.GetUtcNow()));
        const string pumps = "/devices?filter=name~pump-%2A";
        (await client.ReadAsync("/devices")).Should().NotContain("all that match");
        (await client.DoAsync("/devices", ("action", "hold-all"))).Should().Contain("narrow the list first");
        (await client.ReadAsync(pumps)).Should().Contain("Hold all that match");
        var question = await (await client.PostAsync(pumps, ("action", "hold-all"))).Content.ReadAsStringAsync();
        question.Should().Contain("Hold 1 099 devices?").And.Contain("name=\"matching\" value=\"1099\"").And.Contain("and 1 079 more").And.NotContain("gate-");
        question.Length.Should().BeLessThan(50_000);
        Held().Should().Be(0, "nothing is done before the question is answered");

        (await client.DoAsync(pumps, ("action", "hold-all"), ("sure", "yes"), ("matching", "900"))).Should().Contain("nothing was done, look again").And.Contain("role=\"alert\"");
        (await client.DoAsync(pumps, ("action", "hold-all"), ("sure", "yes"))).Should().Contain("this form is not complete");
        Held().Should().Be(0);

        const string few = "/devices?filter=name~pump-100%2A";
        (await client.DoAsync(few, ("action", "hold-all"), ("sure", "yes"), ("matching", "12"), ("reason", "the fair"))).Should().Contain("11 devices held");
        Held().Should().Be(11);
        var noted = new Audit(server.Data, server.Time).List(new AuditFilter(Actor: "user ada", Verb: "device"), 100);
        noted.Count(e => e.Verb == "device.hold").Should().Be(11);
        noted.Should().ContainSingle(e => e.Verb == "device.hold-all").Which.After.Should().Be("filter=name~pump-100%2A");
        (await (await client.PostAsync(few, ("action", "follow-all"))).Content.ReadAsStringAsync()).Should().Contain("Release 11 devices?").And.Contain("Of 11 of them something was said before");

        (await client.DoAsync("/devices?q=pump-1100", ("action", "follow-all"), ("sure", "yes"), ("matching", "1"))).Should().Contain("no device is like that", "the words of these are others");

        long Held()
        {
            using var connection = server.Data.OpenDatabase().Connect();
            return connection.Query("SELECT count(*) FROM policies WHERE scope LIKE 'device:%' AND action = 'hold'", row => row.GetInt64(0))[0];
        }
    }

    [Fact]
    public async Task What_was_said_of_a_chosen_device_before_is_shown_before_it_ends()
    {
        await using var server = await TestServer.StartAsync();
        server.WriteSource("file", "one");
        var old = server.Publish().Commit;
        server.WriteSource("file", "two");
        server.Publish();
        using var pinned = new TestDevice(server);
        using var other = new TestDevice(server);
        foreach (var device in new[] { pinned, other })
        {
            await device.EnrolAsync(server.NewToken(TokenRole.Enrol));
            await device.PollAsync();
        }
        using var client = await PageClient.LogInAsync(server, TokenRole.Operator);
        await client.ReadAsync("/devices");
        var question = await (await client.PostAsync("/devices", ("device", $"{other.Id}"), ("action", "hold"))).Content.ReadAsStringAsync();
        question.Should().NotContain("that ends");
        server.Policies().Assign(pinned.Id, new AssignmentRequest("pin", $"{old}", "the fair <b>", null), new Actor("bob"));
        question = await (await client.PostAsync("/devices", ("device", $"{pinned.Id}"), ("device", $"{other.Id}"), ("action", "hold"))).Content.ReadAsStringAsync();
        question.Should().Contain("Of one of them something was said before; that ends.").And.Contain($"/commits/{old}").And.Contain("the fair &lt;b&gt;").And.Contain("by bob").And.NotContain("<b>");
    }

    [Fact]
    public async Task After_a_question_and_after_what_fails_the_list_is_as_it_was()
    {
        await using var server = await TestServer.StartAsync();
        server.WriteSource("file", "one");
        server.Publish();
        using var device = new TestDevice(server);
        await device.EnrolAsync(server.NewToken(TokenRole.Enrol), name: "gate & 1");
        await device.PollAsync();
        using var client = await PageClient.LogInAsync(server, TokenRole.Operator);
        const string wished = "/devices?q=gate%20%26&filter=name~gate%2A&after=0000000000000000";
        var list = Action(await client.ReadAsync(wished));
        list.Should().Be(wished);
        (string, string)[] chosen = [("device", $"{device.Id}"), ("action", "hold")];
        var question = await (await client.PostAsync(list, chosen)).Content.ReadAsStringAsync();
        Action(question).Should().Be(wished);
        question.Should().Contain($"href=\"{WebUtility.HtmlEncode(wished)}\">Back");
        // The question's own address is where a browser is led back to.
        var failed = await client.PostFromAsync(Action(question), [("Referer", server.Url + Action(question))], [.. chosen, ("sure", "yes"), ("reason", new string('x', 10_000))]);
        failed.Headers.Location!.ToString().Should().Be(wished);
        (await client.ReadAsync(wished)).Should().Contain("role=\"alert\"").And.Contain($"{device.Id}");
        (await client.PostAsync(Action(question), [.. chosen, ("sure", "yes")])).Headers.Location!.ToString().Should().Be(wished);
        // What is no wish is not passed on.
        (await client.PostAsync("/devices?evil=1&to=//evil.example&after=..", [.. chosen, ("sure", "yes")])).Headers.Location!.ToString().Should().Be("/devices");

        static string Action(string page) => WebUtility.HtmlDecode(System.Text.RegularExpressions.Regex.Match(page, "method=\"post\" action=\"(/devices\\?[^\"]*)\"").Groups[1].Value);
    }

    [Fact]
    public async Task What_programs_may_ask_is_listed_with_who_may()
    {
        await using var server = await TestServer.StartAsync();
        using var client = await PageClient.LogInAsync(server, TokenRole.Viewer);
        (await client.ReadAsync("/reference")).Should().Contain("POST /api/v1/poll").And.Contain("/openapi/management.json").And.Contain("GET /api/v1/devices").And.NotContain("href=\"/tokens\"");
        using var admin = await PageClient.LogInAsync(server, name: "eve");
        (await admin.ReadAsync("/reference")).Should().Contain("with a <a href=\"/tokens\">token</a> as");
    }

    [Fact]
    public async Task A_device_is_accepted_pinned_held_released_rejected_and_removed()
    {
        await using var server = await TestServer.StartAsync();
        server.WriteSource("file", "one");
        var old = server.Publish().Commit;
        server.WriteSource("file", "two");
        server.Publish();
        using var device = new TestDevice(server);
        await device.EnrolAsync();
        using var client = await PageClient.LogInAsync(server, TokenRole.Operator);
        var page = $"/devices/{device.Id}";
        (await client.ReadAsync(page)).Should().Contain("waits for somebody");
        (await client.DoAsync(page + "/accept")).Should().Contain("Accepted");
        (string, string)[] pin = [("action", "pin"), ("commit", old.ToString()[..12]), ("reason", "the old one works"), ("days", "3")];
        (await (await client.PostAsync(page + "/assign", pin)).Content.ReadAsStringAsync()).Should().Contain("Pin: 1 device changes").And.Contain($"value=\"{old}\"");
        server.Devices().Find(device.Id).Assignment.Should().BeNull("nothing is done before the question is answered");
        (await client.DoAsync(page + "/assign", [.. pin, ("sure", "yes")])).Should().Contain("the old one works").And.Contain("by a pin");
        server.Devices().Find(device.Id).Assignment!.Expires.Should().BeCloseTo(server.Time.GetUtcNow().AddDays(3), TimeSpan.FromMinutes(1));
        (await client.DoAsync(page + "/assign", ("action", "hold"))).Should().Contain("Held");
        (await client.DoAsync(page + "/assign", ("action", "follow"))).Should().Contain("Released");
        (await client.DoAsync(page + "/reject")).Should().Contain("was rejected and gets nothing");
        (await client.DoAsync(page + "/remove")).Should().Contain("is removed");
        (await client.GetAsync(page)).StatusCode.Should().Be(HttpStatusCode.NotFound);
        new Audit(server.Data, server.Time).List(new AuditFilter(Actor: "user ada", Subject: device.Id.ToString()), 10).Select(e => e.Verb)
            .Should().Equal("device.remove", "device.reject", "device.follow", "device.hold", "device.pin", "device.accept");
    }

    [Fact]
    public async Task Many_are_decided_at_once_and_rejecting_or_a_doubtful_serial_is_asked_about_first()
    {
        await using var server = await TestServer.StartAsync();
        TestDevice[] devices = [.. Enumerable.Range(0, 4).Select(_ => new TestDevice(server))];
        foreach (var device in devices)
            await device.EnrolAsync();
        using var client = await PageClient.LogInAsync(server, TokenRole.Operator);
        (string, string)[] Chosen(string decision, params TestDevice[] chosen) => [("decision", decision), .. chosen.Select(d => ("device", d.Id.ToString()))];
        await client.ReadAsync("/approvals");
        (await client.DoAsync("/approvals", Chosen("accept", devices[0], devices[1]))).Should().Contain("2 devices accepted");

        var question = await client.PostAsync("/approvals", Chosen("reject", devices[2], devices[3]));
        (await question.Content.ReadAsStringAsync()).Should().Contain("Reject 2 devices");
        server.Devices().Find(devices[2].Id).State.Should().Be(DeviceState.Pending);
        await client.DoAsync("/approvals", [.. Chosen("reject", devices[2], devices[3]), ("sure", "yes")]);
        server.Devices().Find(devices[2].Id).State.Should().Be(DeviceState.Rejected);
        foreach (var device in devices)
            device.Dispose();
    }

    [Fact]
    public async Task The_first_page_counts_those_who_wait_with_a_serial_that_another_device_has()
    {
        await using var server = await TestServer.StartAsync();
        using TestDevice accepted = new(server), waiting = new(server), other = new(server);
        await accepted.EnrolAsync(server.NewToken(TokenRole.Enrol));
        await waiting.EnrolAsync();
        await other.EnrolAsync();
        using var connection = server.Data.OpenDatabase().Connect();
        void Claim(TestDevice device, string serial) => connection.Execute("UPDATE devices SET serial = $serial WHERE id = $id", ("$serial", serial), ("$id", device.Id));
        Claim(accepted, "SN-1");
        Claim(waiting, "SN-1");
        Claim(other, "SN-2");
        using var client = await PageClient.LogInAsync(server, TokenRole.Operator);
        (await client.ReadAsync("/")).Should().Contain("2 devices to approve").And.Contain("1 claim to a serial that another device has");
        await client.DoAsync($"/devices/{accepted.Id}/reject");
        (await client.ReadAsync("/")).Should().Contain("2 devices to approve").And.NotContain("to a serial");
    }

    [Fact]
    public async Task Lists_are_paged_by_name_searched_literally_and_exported_harmlessly()
    {
        await using var server = await TestServer.StartAsync();
        for (var number = 0; number < 120; number++)
        {
            using var device = new TestDevice(server);
            await device.EnrolAsync(name: number == 7 ? "=HYPERLINK(\"http://evil\",\"x\")" : number == 8 ? "hundred%_off" : $"device-{number:000}");
        }
        using var client = await PageClient.LogInAsync(server, TokenRole.Viewer);
        var seen = new List<string>();
        for (var path = "/devices"; path.Length > 0;)
        {
            var page = await client.ReadAsync(path);
            seen.AddRange(System.Text.RegularExpressions.Regex.Matches(page, "device-[0-9]{3}").Select(m => m.Value));
            var next = System.Text.RegularExpressions.Regex.Match(page, "rel=\"next\" href=\"([^\"]+)\"");
            path = next.Success ? WebUtility.HtmlDecode(next.Groups[1].Value) : "";
        }
        seen.Should().HaveCount(118).And.BeInAscendingOrder().And.OnlyHaveUniqueItems();
        (await client.ReadAsync("/devices?q=%25_")).Should().Contain("hundred%_off").And.NotContain("device-0");
        (await client.ReadAsync("/devices?q=DEVICE-011")).Should().Contain("device-011").And.NotContain("device-012");
        var csv = await client.ReadAsync("/devices.csv");
        csv.Split('\n', StringSplitOptions.RemoveEmptyEntries).Should().HaveCount(121);
        csv.Should().Contain("\"'=HYPERLINK(").And.NotContain(",=HYPERLINK");
    }

    [Fact]
    public async Task A_large_fleet_is_counted_once_for_many_and_marks_are_found()
    {
        await using var server = await TestServer.StartAsync();
        using var device = new TestDevice(server);
        await device.EnrolAsync(server.NewToken(TokenRole.Enrol));
        foreach (var boot in new[] { "00000001", "00000002", "00000001" })
            await device.PollAsync(new PollRequest(BranchName.Parse("stable"), "good", 1, 0, BootId: boot));
        using var client = await PageClient.LogInAsync(server, TokenRole.Viewer);
        (await client.ReadAsync("/")).Should().Contain("1 key in use at two places");
        (await client.ReadAsync("/devices?standing=cloned")).Should().Contain(device.Id.ToString()).And.Contain("<span class=\"chip bad\">cloned</span>").And.NotContain(">forked</span>");
        (await client.ReadAsync($"/devices/{device.Id}")).Should().Contain("<span class=\"chip bad\">cloned</span>");
        server.Devices().Search(new DeviceFilter(Mark: DeviceMark.Forked), 10).Should().BeEmpty();
    }
}
