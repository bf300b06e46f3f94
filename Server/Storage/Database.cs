using System.Data.Common;

namespace ContentTree.Server.Storage;

/// <summary>
/// Devices, their events, tokens, policies and rollouts. What is published is not in it; without it devices enrol again and nothing else is
/// lost. SQL that every engine runs is written once, for all of them; what they do differently is behind this.
/// </summary>
internal abstract class Database
{
    /// <summary>How long somebody waits for another one's writing to end.</summary>
    protected const int BusySeconds = 15;

    // What one that is not empty has in it: anything that a server was ever told.
    private static readonly string[] Telling = ["tokens", "devices", "users", "audit"];

    /// <summary>How messages name it; no password is in it.</summary>
    public abstract string Name { get; }

    /// <summary>Other servers may have it at the same time.</summary>
    public abstract bool IsShared { get; }

    /// <summary>Bytes that it takes, about.</summary>
    public abstract long Size { get; }

    /// <summary>Whether nobody has told it anything yet.</summary>
    public bool IsUntold
    {
        get
        {
            using var connection = Connect();
            return Telling.All(table => connection.Query($"SELECT 1 FROM {table} LIMIT 1", _ => 1).Count == 0);
        }
    }

    /// <summary>An open connection; whoever asked disposes it.</summary>
    public abstract DbConnection Connect();

    /// <summary>For what a power cut may take back.</summary>
    public abstract DbConnection ConnectHastily();

    /// <summary>Writes the database as it is at one moment to a new SQLite file; others go on reading and writing meanwhile.</summary>
    public abstract void CopyTo(string path);

    /// <summary>The SQL for the values of a column in many rows as one text, with commas between them.</summary>
    public abstract string Joined(string column);

    /// <summary>A number that is another one after anybody has written something.</summary>
    /// <param name="connection">One that stays open from look to look.</param>
    public abstract long Changes(DbConnection connection);

    /// <summary>Hears of what other servers have written (<see cref="ChangeBell"/>), for as long as the connection lasts.</summary>
    /// <param name="heard">Called once it listens, since nobody knows what came before, and then each time.</param>
    public virtual Task ListenAsync(Action heard, CancellationToken cancellation) => Task.CompletedTask;

    /// <summary>Brings the schema up to date.</summary>
    /// <exception cref="IOException">A newer server made it.</exception>
    protected void Migrate()
    {
        using var connection = Connect();
        if (SchemaVersion(connection) == Migrations.Steps.Count)
            return;
        PrepareToMigrate(connection);
        using var transaction = connection.BeginWriting();
        // Read again: another process may have taken the steps while this one waited for the lock.
        var version = SchemaVersion(connection);
        if (version > Migrations.Steps.Count)
            throw new IOException($"{Name}: made by a newer ctree-server (schema {version}, this one knows {Migrations.Steps.Count}); upgrade this one");
        for (var step = (int)version; step < Migrations.Steps.Count; step++)
            connection.ExecuteAtLength(InDialect(Migrations.Steps[step]));
        WriteSchemaVersion(connection, Migrations.Steps.Count);
        transaction.Commit();
    }

    /// <summary>How many steps of the schema were taken; 0 in an empty database.</summary>
    protected abstract long SchemaVersion(DbConnection connection);

    /// <summary>Inside the transaction of the steps.</summary>
    protected abstract void WriteSchemaVersion(DbConnection connection, int version);

    /// <summary>What must happen before their transaction.</summary>
    protected virtual void PrepareToMigrate(DbConnection connection)
    {
    }

    /// <summary>A step of the schema as this engine says it.</summary>
    protected virtual string InDialect(string step) => step;
}
