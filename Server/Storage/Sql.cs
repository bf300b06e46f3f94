using System.Data.Common;
using ContentTree.Store.Trust;
using Npgsql;

namespace ContentTree.Server.Storage;

/// <summary>A few words for SQL written by hand: parameters by name, times as Unix seconds, ids as text.</summary>
internal static class Sql
{
    /// <summary>Runs a statement; the number of rows it changed.</summary>
    /// <exception cref="FormatException">A parameter is a text with a NUL in it.</exception>
    public static int Execute(this DbConnection connection, string sql, params ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        using var command = Prepare(connection, sql, parameters);
        return command.ExecuteNonQuery();
    }

    /// <summary>Runs a statement that may take as long as it needs: what a step of the schema changes in every row of a large table.</summary>
    public static void ExecuteAtLength(this DbConnection connection, string sql)
    {
        using var command = Prepare(connection, sql, []);
        command.CommandTimeout = 0;
        command.ExecuteNonQuery();
    }

    /// <summary>All rows of a query.</summary>
    /// <exception cref="FormatException">A parameter is a text with a NUL in it.</exception>
    public static List<T> Query<T>(this DbConnection connection, string sql, Func<DbDataReader, T> read, params ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        using var command = Prepare(connection, sql, parameters);
        using var reader = command.ExecuteReader();
        var rows = new List<T>();
        while (reader.Read())
            rows.Add(read(reader));
        return rows;
    }

    /// <summary>Begins a transaction that decides by what it reads: nobody else's runs beside it.</summary>
    public static DbTransaction BeginWriting(this DbConnection connection)
    {
        var transaction = connection.BeginTransaction();
        // SQLite has one writer at a time by itself.
        if (connection is NpgsqlConnection)
            connection.Query("SELECT pg_advisory_xact_lock(hashtextextended(current_schema(), 0))", _ => 1);
        return transaction;
    }

    /// <summary>Begins a transaction that reads and writes what belongs to one device only: those of other devices may run beside it.</summary>
    public static DbTransaction BeginWriting(this DbConnection connection, KeyId device)
    {
        var transaction = connection.BeginTransaction();
        if (connection is NpgsqlConnection)
            connection.Query("SELECT pg_advisory_xact_lock_shared(hashtextextended(current_schema(), 0)), pg_advisory_xact_lock(hashtextextended(current_schema() || $device, 0))", _ => 1, ("$device", device));
        return transaction;
    }

    /// <summary>A text as <c>lower()</c> makes it on every engine: only A to Z become small.</summary>
    public static string Lower(string text) => string.Create(text.Length, text, (small, from) =>
    {
        for (var i = 0; i < small.Length; i++)
            small[i] = char.IsAsciiLetterUpper(from[i]) ? char.ToLowerInvariant(from[i]) : from[i];
    });

    public static string? TextOrNull(this DbDataReader row, string column) =>
        row.GetOrdinal(column) is var i && row.IsDBNull(i) ? null : row.GetString(i);

    public static string Text(this DbDataReader row, string column) => row.GetString(row.GetOrdinal(column));

    public static long Number(this DbDataReader row, string column) => row.GetInt64(row.GetOrdinal(column));

    public static long? NumberOrNull(this DbDataReader row, string column) =>
        row.IsDBNull(row.GetOrdinal(column)) ? null : row.Number(column);

    public static DateTimeOffset Time(this DbDataReader row, string column) => DateTimeOffset.FromUnixTimeSeconds(row.Number(column));

    public static DateTimeOffset? TimeOrNull(this DbDataReader row, string column) =>
        row.IsDBNull(row.GetOrdinal(column)) ? null : row.Time(column);

    private static DbCommand Prepare(DbConnection connection, string sql, ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        var command = connection.CreateCommand();
#pragma warning disable CA2100 // Every statement is a literal of this program; values travel as parameters.
        command.CommandText = connection is NpgsqlConnection ? sql.Replace('$', '@') : sql;
#pragma warning restore CA2100
        foreach (var (name, value) in parameters)
        {
            var parameter = command.CreateParameter();
            (parameter.ParameterName, parameter.Value) = (command is NpgsqlCommand ? name[1..] : name, ToStored(value));
            command.Parameters.Add(parameter);
        }
        return command;
    }

    private static object ToStored(object? value) => value switch
    {
        null => DBNull.Value,
        DateTimeOffset time => time.ToUnixTimeSeconds(),
        bool flag => flag ? 1L : 0L,
        int number => (long)number,
        byte[] or long => value,
        _ => Storable(value.ToString() ?? ""),
    };

    // PostgreSQL keeps none, and what one engine refuses the other one is not to take.
    private static string Storable(string text) => text.Contains('\0', StringComparison.Ordinal) ? throw new FormatException("a text with a NUL in it") : text;
}
