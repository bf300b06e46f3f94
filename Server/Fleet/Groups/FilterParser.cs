using System.Text;

namespace ContentTree.Server.Fleet.Groups;

/// <summary>
/// Reads a filter: <c>or</c> of <c>and</c> of <c>not</c>, brackets, and comparisons <c>field==value</c>, <c>!=</c>, <c>~</c> (with <c>*</c> and
/// <c>?</c>), <c>!~</c>, <c>&lt;</c> and <c>&gt;</c> (times), <c>in (a, b)</c>. docs/operations.md lists the fields.
/// </summary>
internal sealed class FilterParser(string text, DateTimeOffset now, bool isForGroup)
{
    private const int MaxLength = 1000;
    private const int MaxComparisons = 50;
    private const int MaxDepth = 20;

    private static readonly string[] Operators = ["==", "!=", "!~", "~", "<", ">"];

    private readonly List<(string Name, object? Value)> _parameters = [];
    private readonly FilterFields _fields = new(now, isForGroup);
    private int _at;
    private int _comparisons;
    private int _depth;

    /// <exception cref="FormatException">It is none; the message says where.</exception>
    public FleetFilter Parse()
    {
        if (text.Length > MaxLength)
            throw new FormatException($"a filter has at most {MaxLength} characters");
        var sql = Either();
        SkipSpace();
        return _at == text.Length ? new FleetFilter(text.Trim(), sql, _parameters) : throw Wrong("'and', 'or' or the end");
    }

    private string Either()
    {
        var sql = Both();
        while (TakeWord("or"))
            sql = $"({sql} OR {Both()})";
        return sql;
    }

    private string Both()
    {
        var sql = One();
        while (TakeWord("and"))
            sql = $"({sql} AND {One()})";
        return sql;
    }

    private string One()
    {
        if (++_depth > MaxDepth)
            throw new FormatException($"a filter has at most {MaxDepth} brackets and 'not' in each other");
        var sql = TakeWord("not") ? $"NOT {One()}" : Take("(") ? Bracket() : Comparison();
        _depth--;
        return sql;
    }

    private string Bracket()
    {
        var sql = $"({Either()})";
        return Take(")") ? sql : throw Wrong("')'");
    }

    private string Comparison()
    {
        if (++_comparisons > MaxComparisons)
            throw new FormatException($"a filter has at most {MaxComparisons} comparisons");
        var field = Value("a field such as name, group or label.site");
        if (TakeWord("in"))
            return AnyOf(field);
        var found = Array.Find(Operators, Take) ?? throw Wrong("==, !=, ~, !~, <, > or in (...)");
        return _fields.Compare(field, found, Value("a value"), Parameter);
    }

    private string AnyOf(string field)
    {
        if (!Take("("))
            throw Wrong("'('");
        var parts = new List<string>();
        do
        {
            if (++_comparisons > MaxComparisons)
                throw new FormatException($"a filter has at most {MaxComparisons} comparisons");
            parts.Add(_fields.Compare(field, "==", Value("a value"), Parameter));
        }
        while (Take(","));
        return Take(")") ? $"({string.Join(" OR ", parts)})" : throw Wrong("',' or ')'");
    }

    private string Parameter(object? value)
    {
        var name = $"$f{_parameters.Count}";
        _parameters.Add((name, value));
        return name;
    }

    private string Value(string expected)
    {
        SkipSpace();
        if (_at < text.Length && text[_at] == '"')
            return Quoted();
        var start = _at;
        while (_at < text.Length && !char.IsWhiteSpace(text[_at]) && !"()=!<>~,\"".Contains(text[_at], StringComparison.Ordinal))
            _at++;
        return _at > start ? text[start.._at] : throw Wrong(expected);
    }

    private string Quoted()
    {
        var value = new StringBuilder();
        for (_at++; _at < text.Length && text[_at] != '"'; _at++)
        {
            if (text[_at] == '\\' && _at + 1 < text.Length)
                _at++;
            value.Append(text[_at]);
        }
        if (_at++ >= text.Length)
            throw Wrong("a closing '\"'");
        return value.ToString();
    }

    private bool TakeWord(string word)
    {
        SkipSpace();
        var end = _at + word.Length;
        if (string.CompareOrdinal(text, _at, word, 0, word.Length) != 0 || (end < text.Length && !char.IsWhiteSpace(text[end]) && text[end] != '('))
            return false;
        _at = end;
        return true;
    }

    private bool Take(string sign)
    {
        SkipSpace();
        if (string.CompareOrdinal(text, _at, sign, 0, sign.Length) != 0)
            return false;
        _at += sign.Length;
        return true;
    }

    private void SkipSpace()
    {
        while (_at < text.Length && char.IsWhiteSpace(text[_at]))
            _at++;
    }

    private FormatException Wrong(string expected) =>
        new($"the filter '{text}' cannot be read at character {_at + 1}: expected {expected}");
}
