namespace ContentTree.Tests; public class T { [Fact] public void Works() => 1.Should().Be(1); }
