namespace ContentTree.Store.Json;

/// <summary>The words that an enum's values are written as.</summary>
internal sealed class Words<T>(params (T Value, string Word)[] pairs) where T : struct, Enum
{
    /// <exception cref="FormatException">A value without a word: a number cast to the enum.</exception>
    public string Of(T value)
    {
        foreach (var pair in pairs)
        {
            if (EqualityComparer<T>.Default.Equals(pair.Value, value))
                return pair.Word;
        }
        throw new FormatException($"{value} is no {typeof(T).Name}");
    }

    public bool TryParse(string word, out T value)
    {
        foreach (var pair in pairs)
        {
            value = pair.Value;
            if (pair.Word == word)
                return true;
        }
        value = default;
        return false;
    }
}
