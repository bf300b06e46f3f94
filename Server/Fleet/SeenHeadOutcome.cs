using ContentTree.Store.Objects;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Fleet;

/// <summary>What a head means that a device has sent.</summary>
internal abstract record SeenHeadOutcome
{
    private SeenHeadOutcome(VerifiedHead head) => Head = head;

    public VerifiedHead Head { get; }

    /// <summary>Nothing new.</summary>
    public sealed record Known : SeenHeadOutcome
    {
        public Known(VerifiedHead head) : base(head)
        {
        }
    }

    /// <summary>The server had lost it.</summary>
    public sealed record Learnt : SeenHeadOutcome
    {
        public Learnt(VerifiedHead head) : base(head)
        {
        }
    }

    /// <summary>One sequence names two commits: the number was used again before the server knew of it.</summary>
    public sealed record Fork : SeenHeadOutcome
    {
        public Fork(VerifiedHead head, ObjectId other) : base(head) => Other = other;

        /// <summary>What the server has at that position.</summary>
        public ObjectId Other { get; }
    }
}
