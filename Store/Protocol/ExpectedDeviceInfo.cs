using ContentTree.Store.Objects;
using ContentTree.Store.Trust;

namespace ContentTree.Store.Protocol;

/// <summary>A device that is let in when it comes, by its serial.</summary>
/// <param name="Serial">What it says is printed on its board.</param>
/// <param name="Added">Since when it is expected.</param>
/// <param name="By">Who said so.</param>
/// <param name="Key">The SHA-256 of its public key; without one whoever says the serial first is let in.</param>
/// <param name="Groups">The groups that it is put into.</param>
/// <param name="Labels">What is written on it.</param>
/// <param name="Used">When a device was let in by this; nobody else is.</param>
/// <param name="Device">Which.</param>
public sealed record ExpectedDeviceInfo(
    string Serial, DateTimeOffset Added, string By, ObjectId? Key = null, IReadOnlyList<string>? Groups = null, IReadOnlyDictionary<string, string>? Labels = null,
    DateTimeOffset? Used = null, KeyId? Device = null);

/// <summary>Devices that are let in when they come, by serial.</summary>
/// <param name="Cursor">Ask again with it for those that follow; null at the end.</param>
public sealed record ExpectedDeviceList(IReadOnlyList<ExpectedDeviceInfo> Devices, string? Cursor = null);

/// <summary>What came of a list of expected devices.</summary>
/// <param name="Added">Lines that were new.</param>
/// <param name="Known">Lines that said what was known already.</param>
/// <param name="Waiting">Devices with such a serial that came before the list and wait: a person decides about these.</param>
public sealed record ExpectedAnswer(long Added, long Known, long Waiting);
