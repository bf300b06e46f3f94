using System.Net.Http.Json;
using ContentTree.Server.Storage;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Trust;

namespace ContentTree.Tests.Server;

/// <summary>Keys that say they follow on another one.</summary>
public sealed class DeviceKeyTests : IAsyncLifetime
{
    private TestServer _server = null!;
    private TestDevice _device = null!;
    private TestDevice _next = null!;

    public async Task InitializeAsync()
    {
        _server = await TestServer.StartAsync();
        (_device, _next) = (new TestDevice(_server), new TestDevice(_server));
        await _device.EnrolAsync(_server.NewToken(TokenRole.Enrol));
    }

    public async Task DisposeAsync()
    {
        _device.Dispose();
        _next.Dispose();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task One_that_the_present_key_has_signed_for_is_taken_and_the_old_one_ends_with_its_first_use()
    {
        var answer = await ShowAsync(_next, _device.Id, First(), Link(_device, _next));
        (await answer.Content.ReadFromJsonAsync(ProtocolJson.Default.EnrolAnswer))!.Should().Match<EnrolAnswer>(a => a.Device == _device.Id && a.State == DeviceState.Accepted);
        (await _device.ReportAsync()).EnsureSuccessStatusCode();
        (await _next.ReportAsync()).EnsureSuccessStatusCode();
        await (await _device.ReportAsync()).ShouldBeProblemAsync(ProblemCode.DeviceUnknown);
        _server.Devices().Find(_device.Id).Cloned.Should().BeNull();
        await (await _device.EnrolAsync(_server.NewToken(TokenRole.Enrol))).ShouldBeProblemAsync(ProblemCode.BadSignature);
        _server.Devices().Find(_device.Id).Cloned.Should().NotBeNull("somebody has the key that it had before");
        (await _next.ReportAsync()).EnsureSuccessStatusCode();
        _server.Devices().List(10).Should().ContainSingle();
    }

    [Fact]
    public async Task One_that_a_stranger_or_nobody_has_signed_for_is_refused_and_changes_nothing()
    {
        using var stranger = new TestDevice(_server);
        await (await ShowAsync(_next, _device.Id, First(), Link(stranger, _next))).ShouldBeProblemAsync(ProblemCode.BadRequest);
        await (await ShowAsync(_next, _device.Id, First(), new KeyLink(_next.Key.Public.Pem))).ShouldBeProblemAsync(ProblemCode.BadRequest);
        await (await ShowAsync(_next, _device.Id, new KeyLink(stranger.Key.Public.Pem), Link(stranger, _next))).ShouldBeProblemAsync(ProblemCode.BadSignature);
        await (await ShowAsync(_next, _device.Id)).ShouldBeProblemAsync(ProblemCode.BadSignature);
        // Signed for another device's next key: the device is in the text.
        await (await ShowAsync(_next, _device.Id, First(), KeyChain.Link(stranger.Id, _device.Key, _next.Key.Public))).ShouldBeProblemAsync(ProblemCode.BadRequest);
        await (await _next.ReportAsync()).ShouldBeProblemAsync(ProblemCode.DeviceUnknown);
        (await _device.ReportAsync()).EnsureSuccessStatusCode();
        new DeviceKeys(_server.Data.OpenDatabase(), TimeProvider.System).Of(_device.Id).Should().ContainSingle();
        _server.Devices().Find(_device.Id).Cloned.Should().BeNull("anybody can make keys of his own");
    }

    [Fact]
    public async Task Who_shows_the_chain_without_holding_its_last_key_is_refused()
    {
        using var thief = new TestDevice(_server);
        await (await ShowAsync(thief, _device.Id, First(), Link(_device, _next))).ShouldBeProblemAsync(ProblemCode.BadRequest);
    }

    [Fact]
    public async Task Another_devices_key_is_no_next_key()
    {
        await _next.EnrolAsync(_server.NewToken(TokenRole.Enrol));
        await (await ShowAsync(_next, _device.Id, First(), Link(_device, _next))).ShouldBeProblemAsync(ProblemCode.BadSignature);
        (await _next.ReportAsync()).EnsureSuccessStatusCode();
    }

    [Fact]
    public async Task More_keys_than_a_device_keeps_are_refused_before_they_are_read()
    {
        var many = Enumerable.Repeat(new KeyLink("x"), KeyChain.MaxKeys + 1).ToArray();
        await (await ShowAsync(_next, _device.Id, many)).ShouldBeProblemAsync(ProblemCode.BadRequest);
    }

    [Fact]
    public async Task A_rejected_device_stays_rejected_with_its_next_key()
    {
        _server.Devices().Decide(_device.Id, DeviceState.Rejected);
        await ShowAsync(_next, _device.Id, First(), Link(_device, _next));
        await (await _next.ReportAsync()).ShouldBeProblemAsync(ProblemCode.DeviceRejected);
    }

    [Fact]
    public async Task Next_keys_of_a_device_that_nobody_accepted_leave_one_row_and_no_note_and_are_counted()
    {
        _server.Options = _server.Options with { MaxStrangers = 5 };
        await _server.RestartAsync();
        using var pending = new TestDevice(_server);
        await pending.EnrolAsync();
        for (var i = 0; i < 4; i++)
        {
            using var next = new TestDevice(_server);
            (await ShowAsync(next, pending.Id, new KeyLink(pending.Key.Public.Pem), KeyChain.Link(pending.Id, pending.Key, next.Key.Public))).EnsureSuccessStatusCode();
        }
        using var last = new TestDevice(_server);
        await (await ShowAsync(last, pending.Id, new KeyLink(pending.Key.Public.Pem), KeyChain.Link(pending.Id, pending.Key, last.Key.Public))).ShouldBeProblemAsync(ProblemCode.TooMany);
        (await pending.EnrolAsync()).EnsureSuccessStatusCode();
        using var connection = _server.Data.OpenDatabase().Connect();
        connection.Query("SELECT count(*) FROM device_keys", row => row.GetInt64(0)).Should().Equal(1);
        connection.Query("SELECT count(*) FROM audit WHERE verb = 'device.key'", row => row.GetInt64(0)).Should().Equal(0);
    }

    [Fact]
    public async Task Lists_of_keys_are_counted_before_their_signatures_are_checked_whatever_token_comes_with_them()
    {
        _server.Options = _server.Options with { MaxStrangers = 2 };
        await _server.RestartAsync();
        using var stranger = new TestDevice(_server);
        for (var i = 0; i < 2; i++)
            await (await ShowAsync(_next, _device.Id, First(), Link(stranger, _next))).ShouldBeProblemAsync(ProblemCode.BadRequest);
        await (await ShowAsync(_next, _device.Id, First(), Link(stranger, _next))).ShouldBeProblemAsync(ProblemCode.TooMany);
        await (await stranger.SendAsync(Routes.Enrol, new EnrolRequest(stranger.Key.Public.Pem, "lab-7", "scope-2", "x86_64", BranchName.Parse("stable"), "no token", Device: _next.Id, Keys: [First(), Link(_next, stranger)]), ProtocolJson.Default.EnrolRequest))
            .ShouldBeProblemAsync(ProblemCode.TooMany);
        (await _device.EnrolAsync()).EnsureSuccessStatusCode();
    }

    [Fact]
    public async Task A_next_key_that_is_shown_again_is_noted_once_and_one_after_it_replaces_it()
    {
        using var other = new TestDevice(_server);
        for (var i = 0; i < 3; i++)
            (await ShowAsync(_next, _device.Id, First(), Link(_device, _next))).EnsureSuccessStatusCode();
        (await ShowAsync(other, _device.Id, First(), Link(_device, other))).EnsureSuccessStatusCode();
        await (await _next.ReportAsync()).ShouldBeProblemAsync(ProblemCode.DeviceUnknown);
        (await other.ReportAsync()).EnsureSuccessStatusCode();
        using var connection = _server.Data.OpenDatabase().Connect();
        connection.Query("SELECT count(*) FROM audit WHERE verb = 'device.key'", row => row.GetInt64(0)).Should().Equal(2);
    }

    [Fact]
    public async Task The_longest_list_of_keys_fits_into_a_request()
    {
        List<KeyLink> links = [First()];
        List<TestDevice> keys = [_device];
        while (links.Count < KeyChain.MaxKeys)
        {
            keys.Add(new TestDevice(_server));
            links.Add(KeyChain.Link(_device.Id, keys[^2].Key, keys[^1].Key.Public));
        }
        (await ShowAsync(keys[^1], _device.Id, [.. links])).EnsureSuccessStatusCode();
        keys.Skip(1).ToList().ForEach(key => key.Dispose());
    }

    private KeyLink First() => new(_device.Key.Public.Pem);

    private KeyLink Link(TestDevice signer, TestDevice next) => KeyChain.Link(_device.Id, signer.Key, next.Key.Public);

    private static Task<HttpResponseMessage> ShowAsync(TestDevice signer, KeyId device, params KeyLink[] links)
    {
        var request = new EnrolRequest(signer.Key.Public.Pem, "lab", "scope-2", "x86_64", BranchName.Parse("stable"), Device: device, Keys: links.Length > 0 ? links : null);
        return signer.SendAsync(Routes.Enrol, request, ProtocolJson.Default.EnrolRequest);
    }
}
