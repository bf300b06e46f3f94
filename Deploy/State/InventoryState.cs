using ContentTree.Store.Protocol;

namespace ContentTree.Deploy.State;

/// <summary>What the server was told the device is made of. <c>state/inventory.json</c>.</summary>
/// <param name="Told">Null when it is to be told.</param>
internal sealed record InventoryState(DeviceInventory? Told = null)
{
    public string Schema { get; init; } = "ctree.inventory/1";
}
