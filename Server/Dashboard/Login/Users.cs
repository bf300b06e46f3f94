using System.Data.Common;
using ContentTree.Server.Storage;
using ContentTree.Store.Protocol;
using ContentTree.Store.Repositories;

namespace ContentTree.Server.Dashboard.Login;

/// <summary>Who may log in. A change that takes something away ends the user's sessions.</summary>
internal sealed class Users(Database database, TimeProvider time)
{
    private const int MaxName = 64;

    public static IReadOnlyList<string> Roles { get; } = [TokenRole.Viewer, TokenRole.Publisher, TokenRole.Operator, TokenRole.Approver, TokenRole.Admin];

    /// <summary>Who else may vouch for somebody.</summary>
    public static IReadOnlyList<string> Sources { get; } = [ProxyLogin.Source, IssuerLogin.Source];

    public IReadOnlyList<User> List()
    {
        using var connection = database.Connect();
        return connection.Query("SELECT * FROM users ORDER BY name", Read);
    }

    public bool IsEmpty()
    {
        using var connection = database.Connect();
        return connection.Query("SELECT 1 FROM users LIMIT 1", _ => 1).Count == 0;
    }

    /// <exception cref="FormatException">The name, role or password cannot be used.</exception>
    /// <exception cref="BranchMovedException">There is a user of this name.</exception>
    /// <param name="groups">What the user is limited to; null for the whole fleet.</param>
    public User Add(string name, string role, string password, IReadOnlyList<string>? groups = null)
    {
        Require(name, role);
        var limit = OnlyGroups.Text(role, groups);
        PasswordHash.Require(name, password);
        var hash = PasswordHash.Create(password);
        using var connection = database.Connect();
        if (connection.Execute("INSERT INTO users (name, role, password, created, only_groups) VALUES ($name, $role, $password, $now, $groups) ON CONFLICT DO NOTHING",
            ("$name", name), ("$role", role), ("$password", hash), ("$now", time.GetUtcNow()), ("$groups", limit)) == 0)
            throw new BranchMovedException($"there is a user {name} already");
        return new User(name, role, time.GetUtcNow(), Groups: groups);
    }

    /// <summary>Somebody for whom another login will vouch: what he is limited to counts from his first login on.</summary>
    /// <exception cref="FormatException">The name, the login or the limit cannot be used.</exception>
    /// <exception cref="BranchMovedException">There is a user of this name.</exception>
    /// <param name="groups">What the user is limited to; null for the whole fleet.</param>
    public User Expect(string name, string source, IReadOnlyList<string>? groups)
    {
        // Until somebody has vouched for him he has no role that anybody gave him.
        Require(name, TokenRole.Viewer);
        if (!Sources.Contains(source))
            throw new FormatException($"'{source}' is no other login: {string.Join(", ", Sources)}");
        var limit = OnlyGroups.Text(TokenRole.Viewer, groups);
        using var connection = database.Connect();
        if (connection.Execute("INSERT INTO users (name, role, password, created, source, only_groups) VALUES ($name, $role, '', $now, $source, $groups) ON CONFLICT DO NOTHING",
            ("$name", name), ("$role", TokenRole.Viewer), ("$now", time.GetUtcNow()), ("$source", source), ("$groups", limit)) == 0)
            throw new BranchMovedException($"there is a user {name} already");
        return new User(name, TokenRole.Viewer, time.GetUtcNow(), Source: source, Groups: groups);
    }

    /// <summary>Whoever has a login link is this user from now on, and admin.</summary>
    /// <exception cref="FormatException">The name or password cannot be used.</exception>
    public User Install(string name, string password)
    {
        RequireUsable(name, password);
        var hash = PasswordHash.Create(password);
        using var connection = database.Connect();
        using var transaction = connection.BeginWriting();
        connection.Execute("""
            INSERT INTO users (name, role, password, created) VALUES ($name, $role, $password, $now)
            ON CONFLICT (name) DO UPDATE SET role = $role, password = $password, disabled = NULL, source = '', only_groups = NULL
            """, ("$name", name), ("$role", TokenRole.Admin), ("$password", hash), ("$now", time.GetUtcNow()));
        EndSessions(connection, name);
        transaction.Commit();
        return new User(name, TokenRole.Admin, time.GetUtcNow());
    }

    /// <summary>Somebody for whom another login vouches: known from now on by this name, with the role that it gives.</summary>
    /// <returns>Null when the name is a user's with a password here, or somebody else vouches for it, or it is disabled.</returns>
    /// <exception cref="FormatException">No user can have this name.</exception>
    public User? Vouch(string name, string role, string source)
    {
        Require(name, role);
        using var connection = database.Connect();
        connection.Execute("""
            INSERT INTO users (name, role, password, created, source) VALUES ($name, $role, '', $now, $source)
            ON CONFLICT (name) DO UPDATE SET role = $role WHERE users.source = $source
            """, ("$name", name), ("$role", role), ("$now", time.GetUtcNow()), ("$source", source));
        return connection.Query("SELECT * FROM users WHERE name = $name AND source = $source AND disabled IS NULL", Read, ("$name", name), ("$source", source)) is [var user] ? user : null;
    }

    /// <exception cref="NotFoundException">There is no such user.</exception>
    public void SetRole(string name, string role)
    {
        Require(name, role);
        if (Find(name) is { Groups: { } groups } user)
            _ = OnlyGroups.Text(LimitedAs(user, role), groups.Count > 0 ? groups : ["gone"]);
        Change(name, "UPDATE users SET role = $value WHERE name = $name", role, isLess: role != TokenRole.Admin);
    }

    /// <summary>Limits a user to some groups and their devices, or to nothing.</summary>
    /// <param name="groups">Null for the whole fleet.</param>
    /// <exception cref="NotFoundException">There is no such user.</exception>
    /// <exception cref="FormatException">No such limit for that user's role.</exception>
    public void SetGroups(string name, IReadOnlyList<string>? groups)
    {
        var user = Find(name);
        Change(name, "UPDATE users SET only_groups = $value WHERE name = $name", OnlyGroups.Text(LimitedAs(user, user.Role), groups), isLess: groups is not null);
    }

    /// <exception cref="NotFoundException">There is no such user.</exception>
    public User Find(string name) => List().FirstOrDefault(u => u.Name == name) ?? throw new NotFoundException($"no user {name}");

    /// <exception cref="NotFoundException">There is no such user.</exception>
    public void SetPassword(string name, string password)
    {
        PasswordHash.Require(name, password);
        if (List().FirstOrDefault(u => u.Name == name) is { Source.Length: > 0 } elsewhere)
            throw new FormatException($"{name} logs in by {elsewhere.Source} and has no password here");
        Change(name, "UPDATE users SET password = $value WHERE name = $name", PasswordHash.Create(password), isLess: false);
    }

    /// <exception cref="FormatException">No user can have this name or this password.</exception>
    public static void RequireUsable(string name, string password)
    {
        Require(name, TokenRole.Admin);
        PasswordHash.Require(name, password);
    }

    /// <summary>Nobody gets in by this name until it is enabled.</summary>
    /// <exception cref="NotFoundException">There is no such user.</exception>
    public void SetDisabled(string name, bool isDisabled) =>
        Change(name, "UPDATE users SET disabled = $value WHERE name = $name", isDisabled ? time.GetUtcNow() : null, isLess: isDisabled);

    /// <summary>The user whose password this is; null when it is not, there is none, or it is disabled.</summary>
    public User? Check(string name, string password)
    {
        using var connection = database.Connect();
        var found = connection.Query("SELECT * FROM users WHERE name = $name", row => (User: Read(row), Hash: row.Text("password")), ("$name", name));
        var isRight = PasswordHash.Verify(password, found is [{ User.Source.Length: 0 } one] ? one.Hash : null);
        return isRight && found is [{ User: { Disabled: null } user }] ? user : null;
    }

    private void Change(string name, string sql, object? value, bool isLess)
    {
        using var connection = database.Connect();
        using var transaction = connection.BeginWriting();
        // Who is limited to groups is none of those who can let others in again.
        if (isLess && connection.Query("SELECT 1 FROM users WHERE role = $admin AND disabled IS NULL AND only_groups IS NULL AND name <> $name LIMIT 1", _ => 1, ("$admin", TokenRole.Admin), ("$name", name)).Count == 0 &&
            connection.Query("SELECT 1 FROM users WHERE name = $name AND role = $admin AND disabled IS NULL AND only_groups IS NULL", _ => 1, ("$admin", TokenRole.Admin), ("$name", name)).Count > 0)
            throw new BranchMovedException($"{name} is the last admin; make another one first");
        if (connection.Execute(sql, ("$name", name), ("$value", value)) == 0)
            throw new NotFoundException($"no user {name}");
        EndSessions(connection, name);
        transaction.Commit();
    }

    // To whom another login gives the role, it may give any: the limit stays.
    private static string LimitedAs(User user, string role) => user.Source.Length > 0 ? TokenRole.Viewer : role;

    private static void EndSessions(DbConnection connection, string name) => connection.Execute("DELETE FROM sessions WHERE user_name = $name", ("$name", name));

    private static void Require(string name, string role)
    {
        if (name.Length is 0 or > MaxName || !name.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_' or '@' or '+'))
            throw new FormatException($"a user's name has 1 to {MaxName} letters, digits, '.', '-', '_', '@' and '+'");
        if (!Roles.Contains(role))
            throw new FormatException($"'{role}' is no role: {string.Join(", ", Roles)}");
    }

    private static User Read(DbDataReader row) => new(row.Text("name"), row.Text("role"), row.Time("created"), row.TimeOrNull("disabled"), row.Text("source"), OnlyGroups.Read(row));
}
