using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using ContentTree.Server.Storage;
using ContentTree.Store;
using ContentTree.Store.Repositories;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Server.Compositions;

/// <summary>The recipes of a server: <c>recipes.json</c> in its data directory, by name, as they were written.</summary>
internal sealed class RecipeBook(DataDirectory data)
{
    public const string Name = "recipes.json";

    private const int MaxBytes = 1 << 20;

    private static readonly byte[] FileName = Encoding.ASCII.GetBytes(Name);

    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    /// <exception cref="FormatException">The file is damaged: nothing is composed then.</exception>
    public IReadOnlyDictionary<string, string> Read()
    {
        using var root = Posix.OpenDirectory(data.Path);
        return Read(root);
    }

    /// <summary>All of them, by name.</summary>
    /// <exception cref="FormatException">One of them is none, or made of what another one makes.</exception>
    public IReadOnlyList<Recipe> Load() => Parse(Read());

    /// <param name="check">Hears what is there, or null, and throws where it must stay.</param>
    /// <exception cref="FormatException">It is no recipe.</exception>
    public void Set(string name, string text, Action<string?>? check = null)
    {
        Change(recipes =>
        {
            check?.Invoke(recipes.GetValueOrDefault(name));
            recipes[name] = text;
            Parse(recipes);
        });
    }

    /// <summary>The branches that it made stay as they are.</summary>
    /// <exception cref="NotFoundException">There is none.</exception>
    public void Remove(string name, Action<string?>? check = null) => Change(recipes =>
    {
        check?.Invoke(recipes.GetValueOrDefault(name));
        if (!recipes.Remove(name))
            throw new NotFoundException($"no recipe '{name}'");
    });

    private static List<Recipe> Parse(IEnumerable<KeyValuePair<string, string>> recipes)
    {
        var parsed = recipes.OrderBy(r => r.Key, StringComparer.Ordinal).Select(r => Recipe.Parse(r.Key, r.Value)).ToList();
        Recipe.RequireApart(parsed);
        return parsed;
    }

    private void Change(Action<SortedDictionary<string, string>> change)
    {
        using var root = Posix.OpenDirectory(data.Path);
        using var file = Posix.OpenOrCreateAt(root, "recipes.lock"u8, 0x180);
        Posix.TryLock(file, exclusive: true, wait: true, "lock of recipes");
        var recipes = Read(root);
        change(recipes);
        var json = new JsonObject([.. recipes.Select(r => KeyValuePair.Create(r.Key, (JsonNode?)r.Value))]);
        var bytes = Encoding.UTF8.GetBytes(json.ToJsonString(Indented) + "\n");
        if (bytes.Length > MaxBytes)
            throw new FormatException($"all recipes together have more than {MaxBytes} bytes");
        DurableFiles.Replace(root, FileName, bytes);
    }

    private static SortedDictionary<string, string> Read(SafeFileHandle root)
    {
        if (DurableFiles.TryRead(root, FileName, MaxBytes) is not { } bytes)
            return new(StringComparer.Ordinal);
        try
        {
            var read = JsonSerializer.Deserialize<Dictionary<string, string>>(bytes) ?? [];
            return new(read, StringComparer.Ordinal);
        }
        catch (JsonException e)
        {
            throw new FormatException($"recipes.json is damaged ({e.Message}); put it back from a backup, or remove it and set the recipes again", e);
        }
    }
}
