using ContentTree.Server.Storage;

namespace ContentTree.Server.Backups;

/// <summary>When the last complete backup was made. In the database, so that each of several servers knows of it.</summary>
internal sealed class LastBackup(Database database, string dataPath, TimeProvider time)
{
    /// <summary>Null before the first.</summary>
    public DateTimeOffset? Made
    {
        get
        {
            using var connection = database.Connect();
            return connection.Query("SELECT max(time) AS time FROM backups_made", row => row.TimeOrNull("time"))[0];
        }
    }

    /// <summary>How old one may get; null for any age.</summary>
    public TimeSpan? MaxAge => ServerSettings.Load(dataPath).BackupDays is > 0 and var days ? TimeSpan.FromDays(days) : null;

    /// <summary>When the last one was made, if that is too long ago. Where none was ever made nobody wants them.</summary>
    public DateTimeOffset? TooOld => Made is { } made && MaxAge is { } most && time.GetUtcNow() - made > most ? made : null;

    /// <summary>One was made just now, and nothing had to be left out.</summary>
    public void Note()
    {
        using var connection = database.Connect();
        using var transaction = connection.BeginWriting();
        connection.Execute("DELETE FROM backups_made");
        connection.Execute("INSERT INTO backups_made (time) VALUES ($now)", ("$now", time.GetUtcNow()));
        transaction.Commit();
    }
}
