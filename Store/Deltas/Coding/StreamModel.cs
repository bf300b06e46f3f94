namespace ContentTree.Store.Deltas.Coding;

/// <summary>Everything that both sides of the coder share: operations, copies and literals of one file after the other.</summary>
internal sealed unsafe class StreamModel<TCoder, TWidth> : IDisposable
    where TCoder : struct, IBitCoder
    where TWidth : struct, IContextWidth
{
    private const int PositionKind = 0;
    private const int CopyKind = 1;
    private const int LiteralKind = 2;
    private const int PieceBytes = Piece.MaxLength + (2 * Piece.Margin);
    private readonly ModelMemory _memory = new();
    private readonly DecisionCoder<TCoder, TWidth> _decisions;
    private readonly NumberModel<TCoder, TWidth> _numbers;
    private readonly CopyModel<TCoder, TWidth> _copies;
    private readonly LiteralModel<TCoder, TWidth> _literals;
    private readonly byte* _old;
    private readonly byte* _new;
    private uint _moveBits;
    private uint _copyBits;
    private uint _literalBits;

    public StreamModel()
    {
        _decisions = new(_memory);
        _numbers = new(_decisions, _memory, 3);
        _copies = new(_decisions, _memory);
        _literals = new(_decisions, _memory);
        _old = _memory.Take<byte>(PieceBytes);
        _new = _memory.Take<byte>(PieceBytes);
    }

    /// <summary>Bytes of all tables.</summary>
    public long Bytes => _memory.Bytes;

    public ref TCoder Coder => ref _decisions.Coder;

    /// <summary>Forgets everything; the next part begins.</summary>
    public void Start(TCoder coder)
    {
        _decisions.Coder = coder;
        _numbers.Clear();
        _copies.Clear();
        _literals.Clear();
        (_moveBits, _copyBits, _literalBits) = (0, 0, 0);
    }

    /// <summary>The new bytes of one file go through here, in pieces: <paramref name="flow"/> gives or takes them.</summary>
    public void Code(BaseBytes old, long newPosition, IPieceFlow flow)
    {
        var start = new byte[20];
        old.Read(0, start);
        _copies.StartFile(Relative.IsCode(start));
        new Span<byte>(_new, PieceBytes).Clear();
        var (expected, left) = (0L, flow.Length);
        while (left > 0)
        {
            var operation = CodeOperation(flow, expected);
            Check(operation, old.Length, left);
            expected = operation.OldPosition + operation.CopyLength;
            _copies.StartOperation();
            CodePieces(old, operation.OldPosition, newPosition + flow.Length - left, operation.CopyLength, flow, _copies.Code);
            left -= operation.CopyLength;
            CodePieces(old, expected, newPosition + flow.Length - left, operation.LiteralLength, flow, _literals.Code);
            left -= operation.LiteralLength;
        }
    }

    public void Dispose() => _memory.Dispose();

    private delegate void PieceCoder(in Piece piece);

    private MatchOperation CodeOperation(IPieceFlow flow, long expected)
    {
        var operation = TCoder.Decodes ? default : flow.Next();
        var move = operation.OldPosition - expected;
        var (moved, moveBits) = _numbers.Code((move << 1) ^ (move >> 63), PositionKind, _copyBits, _literalBits, _moveBits);
        var (copy, copyBits) = _numbers.Code(operation.CopyLength, CopyKind, _copyBits, _literalBits, moveBits);
        var (literal, literalBits) = _numbers.Code(operation.LiteralLength, LiteralKind, copyBits, _literalBits, moveBits);
        (_moveBits, _copyBits, _literalBits) = (moveBits, copyBits, literalBits);
        if (copy > int.MaxValue || literal > int.MaxValue)
            throw new CorruptDeltaException("an operation is too long");
        return new MatchOperation(expected + ((moved >> 1) ^ -(moved & 1)), (int)copy, (int)literal);
    }

    private static void Check(MatchOperation operation, long oldLength, long left)
    {
        var (position, copy, literal) = (operation.OldPosition, operation.CopyLength, operation.LiteralLength);
        if (copy == 0 && literal == 0)
            throw new CorruptDeltaException("an operation makes no bytes");
        if (copy > left || literal > left - copy)
            throw new CorruptDeltaException("an operation makes more bytes than are missing");
        if (position < 0 || position > oldLength || copy > oldLength - position)
            throw new CorruptDeltaException("an operation copies bytes that the old file does not have");
    }

    private void CodePieces(BaseBytes old, long oldPosition, long newPosition, int length, IPieceFlow flow, PieceCoder code)
    {
        for (var done = 0; done < length;)
        {
            var part = Math.Min(length - done, Piece.MaxLength);
            var bytes = new Span<byte>(_new + Piece.Margin, part);
            old.Read(oldPosition + done - Piece.Margin, new Span<byte>(_old, part + (2 * Piece.Margin)));
            if (!TCoder.Decodes)
                flow.Read(bytes);
            code(new Piece
            {
                New = _new + Piece.Margin,
                Old = _old + Piece.Margin,
                Length = part,
                NewPosition = newPosition + done,
                OldPosition = oldPosition + done,
                Copied = done,
            });
            if (TCoder.Decodes)
                flow.Write(bytes);
            // The last bytes are what the next piece looks back at.
            new Span<byte>(_new + part, Piece.Margin).CopyTo(new Span<byte>(_new, Piece.Margin));
            done += part;
        }
    }
}
