using ContentTree.Store.Packs;

namespace ContentTree.Deploy.Transfer;

/// <summary>Takes what packs bring, over several requests and cuts.</summary>
internal interface IPackSink : IPackTarget, IDisposable
{
    /// <summary>Bytes of this object that are here already, so that only the rest is asked for.</summary>
    long Held(int index);
}
