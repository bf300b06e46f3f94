using ContentTree.Server.Fleet.Groups;
using ContentTree.Store.Objects;

namespace ContentTree.Server.Fleet.Expected;

/// <summary>A line of a list of devices that are let in when they come.</summary>
/// <param name="Line">Its number in the list, for what is wrong with it.</param>
/// <param name="Serial">What the device says is printed on its board.</param>
/// <param name="Key">The SHA-256 of its public key; null where nobody knows it.</param>
/// <param name="Groups">The groups that it is put into.</param>
/// <param name="Labels">What is written on it.</param>
internal sealed record ExpectedDevice(int Line, string Serial, ObjectId? Key, IReadOnlyList<GroupName> Groups, IReadOnlyDictionary<string, string> Labels)
{
    /// <summary>As the database keeps the groups.</summary>
    public string GroupText => string.Join(' ', Groups);

    /// <summary>As the database keeps the labels; neither names nor values have spaces.</summary>
    public string LabelText => string.Join(' ', Labels.Select(l => $"{l.Key}={l.Value}"));
}
