using ContentTree.Store.Protocol;

namespace ContentTree.Server.Storage;

/// <summary>
/// The signed requests of the last minutes: each counts once, on whichever server of this data it arrives and whether or not one was started
/// anew. As many as devices send within the allowed skew, and none older.
/// </summary>
internal sealed class Nonces(Database database)
{
    private const int SweepSeconds = 30;

    private long _swept;

    /// <summary>Writes a request down; false when it was there.</summary>
    /// <param name="signature">Of a request whose signature and time were found right.</param>
    /// <param name="oldest">What was signed before this is refused by its time and need not be known.</param>
    public bool TryUse(RequestSignature signature, DateTimeOffset oldest)
    {
        // A power cut may cost the last of them, not the file: then a request counts twice that nobody could record.
        using var connection = database.ConnectHastily();
        var seconds = oldest.ToUnixTimeSeconds();
        var swept = Interlocked.Read(ref _swept);
        if (seconds >= swept + SweepSeconds && Interlocked.CompareExchange(ref _swept, seconds, swept) == swept)
            connection.Execute("DELETE FROM nonces WHERE time < $oldest", ("$oldest", seconds));
        return connection.Execute("INSERT INTO nonces (device, nonce, time) VALUES ($device, $nonce, $time) ON CONFLICT DO NOTHING",
            ("$device", signature.Device), ("$nonce", signature.Nonce), ("$time", signature.Time)) == 1;
    }
}
