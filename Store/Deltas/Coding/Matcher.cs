using System.Buffers.Binary;

namespace ContentTree.Store.Deltas.Coding;

/// <summary>
/// Finds how a new file is made of an old one: walks along the present alignment and leaves it where another one
/// matches clearly better. Keeps its tables from file to file.
/// </summary>
internal sealed class Matcher(int maxPositions = Matcher.DefaultPositions) : IDisposable
{
    /// <summary>20 million positions are 80 MiB, the heads of the chains 16 MiB more, and what is near 5 MiB.</summary>
    public const int DefaultPositions = 20 << 20;

    private const int MaxDepth = 64;
    private const int MaxCompared = 4096;
    private const int GoodMatch = 512;
    private const int NearDepth = 16;
    private readonly MatchIndex _index = new();
    private NearIndex? _near;

    /// <summary>Indexes an old file; <see cref="Match"/> may then be called with several margins.</summary>
    public void Prepare(ReadOnlySpan<byte> old) => _index.Build(old, maxPositions);

    /// <summary>Gives the memory of the index back; the next file begins with <see cref="Prepare"/>.</summary>
    public void Release() => _index.Release();

    public void Dispose() => _index.Dispose();

    /// <param name="old">The bytes given to <see cref="Prepare"/>.</param>
    /// <param name="margin">How many bytes another alignment must match more: 4 for machine code, 16 for text.</param>
    /// <returns>Operations that make exactly the new bytes, none of them empty.</returns>
    public List<MatchOperation> Match(ReadOnlySpan<byte> old, ReadOnlySpan<byte> fresh, int margin)
    {
        if (_index.IsSparse)
            (_near ??= new NearIndex()).Clear();
        var walk = new Walk(old, fresh, _index, _index.IsSparse ? _near : null, margin);
        if (old.Length >= 2 * MatchIndex.KeyLength && fresh.Length >= 2 * MatchIndex.KeyLength)
            walk.Run();
        else if (fresh.Length > 0)
            walk.Operations.Add(new MatchOperation(0, 0, fresh.Length));
        return walk.Operations;
    }

    private ref struct Walk(ReadOnlySpan<byte> old, ReadOnlySpan<byte> fresh, MatchIndex index, NearIndex? near, int margin)
    {
        private readonly ReadOnlySpan<byte> _old = old;
        private readonly ReadOnlySpan<byte> _new = fresh;

        // Old position minus new position, and where the copy that is being walked began in the new file.
        private long _alignment;
        private int _begin;

        public List<MatchOperation> Operations { get; } = [];

        public void Run()
        {
            var at = 0;
            while ((at = SkipEqual(at)) + MatchIndex.KeyLength <= _new.Length)
            {
                var (position, length) = Longest(at);
                if (length > 0 && length > EqualHere(at, length) + margin)
                {
                    Finish(at, position);
                    at += length;
                }
                else
                    at++;
            }
            Finish(_new.Length, _old.Length);
        }

        private readonly int SkipEqual(int at)
        {
            var position = at + _alignment;
            if (position < 0 || position >= _old.Length)
                return at;
            return at + _new[at..].CommonPrefixLength(_old[(int)position..]);
        }

        private readonly (long Position, int Length) Longest(int at)
        {
            var key = BinaryPrimitives.ReadUInt64LittleEndian(_new[at..]);
            var best = (Position: -1L, Length: 0);
            if (!index.MayHold(key))
            {
                near?.Cover(_old, at + _alignment);
                return best;
            }
            var limit = _new.Slice(at, Math.Min(MaxCompared, _new.Length - at));
            var position = index.First(key);
            for (var depth = 0; position >= 0 && depth < MaxDepth && best.Length < GoodMatch; depth++, position = index.Next(position))
                Compare(limit, position, ref best);
            if (near == null || best.Length >= GoodMatch)
                return best;
            near.Cover(_old, at + _alignment);
            var close = near.First(key);
            for (var depth = 0; close >= 0 && depth < NearDepth && best.Length < GoodMatch; depth++, close = near.Next(close))
                Compare(limit, close, ref best);
            return best;
        }

        private readonly void Compare(ReadOnlySpan<byte> limit, long position, ref (long Position, int Length) best)
        {
            var candidate = _old[(int)position..];
            if (best.Length > 0 && (best.Length >= limit.Length || best.Length >= candidate.Length || candidate[best.Length] != limit[best.Length]))
                return;
            var length = limit.CommonPrefixLength(candidate);
            if (length >= MatchIndex.KeyLength && length > best.Length)
                best = (position, length);
        }

        // Equal bytes on the present alignment.
        private readonly int EqualHere(int at, int length)
        {
            var equal = 0;
            for (var i = 0; i < length; i++)
            {
                var position = at + i + _alignment;
                if (position >= 0 && position < _old.Length && _old[(int)position] == _new[at + i])
                    equal++;
            }
            return equal;
        }

        // Ends the copy before the new position `next`, which is aligned with `position` of the old file.
        private void Finish(int next, long position)
        {
            var from = (int)(_begin + _alignment);
            var forward = Forward(from, next);
            var backward = next < _new.Length ? Backward(next, position) : 0;
            var overlap = forward + backward - (next - _begin);
            if (overlap > 0)
            {
                var kept = Split(from + forward - overlap, _begin + forward - overlap, (int)position - backward, overlap);
                (forward, backward) = (forward - overlap + kept, backward - kept);
            }
            var literal = next - backward - _begin - forward;
            if (forward + literal > 0)
                Operations.Add(new MatchOperation(from, forward, literal));
            (_begin, _alignment) = (next - backward, position - next);
        }

        // How far the copy should go: where twice the equal bytes minus all bytes is largest.
        private readonly int Forward(int from, int next)
        {
            var (score, best, length) = (0, 0, 0);
            var limit = Math.Min(next - _begin, _old.Length - from);
            for (var i = 0; i < limit; i++)
            {
                score += _old[from + i] == _new[_begin + i] ? 1 : -1;
                if (score > best)
                    (best, length) = (score, i + 1);
            }
            return length;
        }

        // How far back the next copy should begin.
        private readonly int Backward(int next, long position)
        {
            var (score, best, length) = (0, 0, 0);
            var limit = (int)Math.Min(next - _begin, position);
            for (var i = 1; i <= limit; i++)
            {
                score += _old[(int)position - i] == _new[next - i] ? 1 : -1;
                if (score > best)
                    (best, length) = (score, i);
            }
            return length;
        }

        // Of bytes that both copies want, how many the first should have.
        private readonly int Split(int first, int at, int second, int overlap)
        {
            var (score, best, length) = (0, 0, 0);
            for (var i = 0; i < overlap; i++)
            {
                score += (_old[first + i] == _new[at + i] ? 1 : 0) - (_old[second + i] == _new[at + i] ? 1 : 0);
                if (score > best)
                    (best, length) = (score, i + 1);
            }
            return length;
        }
    }
}
