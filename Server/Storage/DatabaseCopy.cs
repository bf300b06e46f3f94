using System.Data.Common;
using System.Text.RegularExpressions;
using Npgsql;

namespace ContentTree.Server.Storage;

/// <summary>Everything in one database, as it is at one moment, into another one of the same schema, whatever their engines are: all of it or nothing.</summary>
internal static partial class DatabaseCopy
{
    /// <summary>The tables, each after those that its rows refer to.</summary>
    public static IReadOnlyList<string> Tables { get; } = [.. Migrations.Steps.SelectMany(step => TableMade().Matches(step)).Select(match => match.Groups[1].Value)];

    /// <summary>Replaces what is in a database.</summary>
    /// <returns>The number of rows.</returns>
    public static long Run(Database from, Database to)
    {
        using var source = from.Connect();
        using var reading = source.BeginTransaction(System.Data.IsolationLevel.RepeatableRead);
        using var target = to.Connect();
        using var writing = target.BeginWriting();
        foreach (var table in Tables.Reverse())
            target.Execute($"DELETE FROM {table}");
        var rows = Tables.Sum(table => Copy(source, target, table));
        writing.Commit();
        return rows;
    }

    private static long Copy(DbConnection source, DbConnection target, string table)
    {
        using var select = source.CreateCommand();
#pragma warning disable CA2100 // Names of tables and columns are those of the schema.
        select.CommandText = $"SELECT * FROM {table}";
#pragma warning restore CA2100
        using var row = select.ExecuteReader();
        var columns = Enumerable.Range(0, row.FieldCount).Select(row.GetName).ToArray();
        var insert = $"INSERT INTO {table} ({string.Join(", ", columns)}) VALUES ({string.Join(", ", columns.Select(column => "$" + column))})";
        var rows = 0L;
        for (; row.Read(); rows++)
        {
            try
            {
                target.Execute(insert, [.. columns.Select((column, i) => ("$" + column, row.IsDBNull(i) ? null : row.GetValue(i)))]);
            }
            catch (FormatException e)
            {
                throw new FormatException($"table {table}, {columns[0]} '{$"{row.GetValue(0)}".Replace('\0', '?')}': {e.Message}; nothing was moved", e);
            }
        }
        if (rows > 0 && target is NpgsqlConnection)
            ContinueNumbers(target, table, columns);
        return rows;
    }

    // Numbers that the engine gives go on after those that came with their rows.
    private static void ContinueNumbers(DbConnection target, string table, string[] columns)
    {
        foreach (var column in columns.Where(column => target.Query($"SELECT pg_get_serial_sequence('{table}', '{column}')", row => row.IsDBNull(0)) is [false]))
            target.Query($"SELECT setval(pg_get_serial_sequence('{table}', '{column}'), (SELECT max({column}) FROM {table}))", _ => 1);
    }

    [GeneratedRegex("CREATE TABLE ([a-z_]+)")]
    private static partial Regex TableMade();
}
