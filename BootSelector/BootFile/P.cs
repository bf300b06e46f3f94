namespace ContentTree.BootFile; internal static class P { }
