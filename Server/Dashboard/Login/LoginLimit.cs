using System.Security.Cryptography;
using System.Text;
using ContentTree.Server.Storage;

namespace ContentTree.Server.Dashboard.Login;

/// <summary>
/// Slows guessing down: after a few failures each further one doubles the wait, by address and by name. In the database, so that a restart or
/// another process does not begin anew. A name waits shorter than an address: nobody is to lock somebody else out for long.
/// </summary>
internal sealed class LoginLimit(Database database, TimeProvider time)
{
    private const int Free = 5;
    private const int MaxRows = 10_000;
    private static readonly TimeSpan AddressWait = TimeSpan.FromMinutes(15);
    private static readonly TimeSpan NameWait = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Memory = TimeSpan.FromDays(1);

    /// <summary>How long this login has to wait; zero when it may be tried.</summary>
    public TimeSpan WaitOf(string name, string address)
    {
        using var connection = database.Connect();
        var longest = TimeSpan.Zero;
        foreach (var (subject, most) in Subjects(name, address))
        {
            var rows = connection.Query("SELECT failures, latest FROM login_failures WHERE subject = $subject", row => (Failures: row.Number("failures"), Latest: row.Time("latest")), ("$subject", subject));
            if (rows is [var row] && row.Failures >= Free)
            {
                var wait = TimeSpan.FromSeconds(Math.Min(Math.Pow(2, Math.Min(row.Failures - Free, 20)), most.TotalSeconds));
                if (row.Latest + wait - time.GetUtcNow() is var left && left > longest)
                    longest = left;
            }
        }
        return longest;
    }

    public void Fail(string name, string address)
    {
        var now = time.GetUtcNow();
        using var connection = database.Connect();
        using var transaction = connection.BeginWriting();
        foreach (var (subject, _) in Subjects(name, address))
            connection.Execute("""
                INSERT INTO login_failures (subject, failures, latest) VALUES ($subject, 1, $now)
                ON CONFLICT (subject) DO UPDATE SET failures = login_failures.failures + 1, latest = $now
                """, ("$subject", subject), ("$now", now));
        connection.Execute("DELETE FROM login_failures WHERE latest < $old", ("$old", now - Memory));
        connection.Execute("DELETE FROM login_failures WHERE subject IN (SELECT subject FROM login_failures ORDER BY latest DESC LIMIT 1000000 OFFSET $most)", ("$most", MaxRows));
        transaction.Commit();
    }

    /// <summary>Who has got in has not been guessing: takes his own try back. What was counted of the address before stays.</summary>
    public void Succeed(string name, string address)
    {
        using var connection = database.Connect();
        using var transaction = connection.BeginWriting();
        connection.Execute("DELETE FROM login_failures WHERE subject = $subject", ("$subject", NameOf(name)));
        connection.Execute("UPDATE login_failures SET failures = failures - 1 WHERE subject = $subject", ("$subject", AddressOf(address)));
        transaction.Commit();
    }

    private static (string Subject, TimeSpan Most)[] Subjects(string name, string address) => [(NameOf(name), NameWait), (AddressOf(address), AddressWait)];

    private static string AddressOf(string address) => "address " + address;

    // What was typed into the field of the name may have been a password.
    private static string NameOf(string name) => "name " + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(name)));
}
