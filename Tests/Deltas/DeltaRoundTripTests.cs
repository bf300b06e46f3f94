using ContentTree.Store.Deltas;
using ContentTree.Store.Deltas.Generation;
using ContentTree.Store.Deltas.Plans;
using ContentTree.Store.Objects;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Deltas;

public sealed class DeltaRoundTripTests : IDisposable
{
    private readonly DeltaWorkshop _workshop = new();

    public void Dispose() => _workshop.Dispose();

    [Fact]
    [Trait("Category", "Slow")]
    public void From_nothing_every_kind_of_entry_arrives()
    {
        AwkwardTree.Make(_workshop["v1"]);
        var commit = _workshop.Publish("v1");
        var complete = _workshop.Apply(_workshop.MakeDelta(null, commit));
        complete.Id.Should().Be(commit);
        _workshop.Describe(complete).Should().Be(AwkwardTree.Describe(_workshop["v1"]));
    }

    [Fact]
    [Trait("Category", "Slow")]
    public void Every_kind_of_change_arrives()
    {
        AwkwardTree.Make(_workshop["v1"]);
        Shell.Run("cp -a v1 v2", _workshop["."]);
        Shell.Run("""
            set -e
            printf more >> plain; : > plain-now-empty; printf x > empty; : > one-byte
            head -c 1000 /dev/urandom | cat large - > grown; mv grown large
            rm 4095; cp 4096 copied; mv 4097 renamed; chmod 0640 mode-0400; chown 3:4 owner-nobody
            rm link; mkdir link; printf f > link/file; rm -r wide; ln -s x wide; rm pipe; mknod pipe c 1 5
            mv deep moved-deep; mkdir -p new/a/b; printf n > new/a/b/c; cp -a new new-again
            mkdir lib-6.1-54; chmod 0700 sticky; setfattr -n user.note -v other attributes
            rm dangling; ln -s elsewhere dangling
            """, _workshop["v2"]);
        var (v1, v2) = (_workshop.Publish("v1"), _workshop.Publish("v2"));
        _workshop.Apply(_workshop.MakeDelta(null, v1));
        _workshop.Describe(_workshop.Apply(_workshop.MakeDelta(v1, v2))).Should().Be(AwkwardTree.Describe(_workshop["v2"]));
        _workshop.Describe(_workshop.Apply(_workshop.MakeDelta(v2, v1))).Should().Be(AwkwardTree.Describe(_workshop["v1"]));
    }

    [Fact]
    public void A_directory_whose_number_rose_is_coded_against_the_old_one()
    {
        Shell.Run("""
            set -e
            mkdir -p v1/lib/6.1-54/a v2/lib/6.1-55/a
            head -c 300000 /dev/urandom > v1/lib/6.1-54/a/module; (head -c 299990 v1/lib/6.1-54/a/module; echo 55) > v2/lib/6.1-55/a/module
            """, _workshop["."]);
        var (v1, v2) = (_workshop.Publish("v1"), _workshop.Publish("v2"));
        _workshop.Apply(_workshop.MakeDelta(null, v1));
        var delta = _workshop.MakeDelta(v1, v2);
        delta.Length.Should().BeLessThan(1000);
        _workshop.Describe(_workshop.Apply(delta)).Should().Be(AwkwardTree.Describe(_workshop["v2"]));
    }

    [Fact]
    public void A_file_with_another_name_is_coded_against_the_old_one_that_is_like_it()
    {
        Shell.Run("""
            set -e
            mkdir -p v1/opt/daemon v2/usr/libexec
            head -c 200000 /dev/urandom > v1/opt/decoy
            head -c 300000 /dev/urandom > v1/opt/daemon/alpha
            (head -c 100000 v1/opt/daemon/alpha; echo changed; tail -c +100010 v1/opt/daemon/alpha) > v2/usr/libexec/omega
            """, _workshop["."]);
        var (v1, v2) = (_workshop.Publish("v1"), _workshop.Publish("v2"));
        _workshop.Apply(_workshop.MakeDelta(null, v1));
        var delta = _workshop.MakeDelta(v1, v2);
        delta.Length.Should().BeLessThan(1000);
        _workshop.Describe(_workshop.Apply(delta)).Should().Be(AwkwardTree.Describe(_workshop["v2"]));
    }

    [Theory]
    [Trait("Category", "Slow")]
    [InlineData(false)]
    [InlineData(true)]
    public void A_large_file_is_cut_into_slices(bool preferSpeed)
    {
        Shell.Run("""
            set -e
            mkdir v1 v2
            head -c 3000000 /dev/urandom > v1/large
            (head -c 1000000 v1/large; echo inserted; tail -c +1000001 v1/large | tr 'a' 'b') > v2/large
            """, _workshop["."]);
        var (v1, v2) = (_workshop.Publish("v1"), _workshop.Publish("v2"));
        var options = new DeltaOptions { PartBytes = 700_000, PreferSpeed = preferSpeed };
        _workshop.Apply(_workshop.MakeDelta(null, v1, options));
        var delta = _workshop.MakeDelta(v1, v2, options);
        DeltaHeader.Decode(delta.AsSpan(0, DeltaHeader.LengthOf(delta))).Parts.Should().HaveCount(5);
        _workshop.Describe(_workshop.Apply(delta)).Should().Be(AwkwardTree.Describe(_workshop["v2"]));
    }

    [Fact]
    public void A_slice_that_was_applied_is_not_wanted_again_while_its_content_lacks_others()
    {
        Shell.Run("mkdir v1; head -c 2000000 /dev/urandom > v1/large", _workshop["."]);
        var delta = _workshop.MakeDelta(null, _workshop.Publish("v1"), new DeltaOptions { PartBytes = 700_000 });
        using var pull = _workshop.Store.BeginPull();
        using var application = _workshop.Open(pull, delta);
        application.Apply(0, DeltaWorkshop.PartOf(delta, application.Header.Parts[0]));
        application.Needs(0).Should().BeFalse("written twice, the content would be whole before it is");
        application.Needs(1).Should().BeTrue();
    }

    [Fact]
    public void What_takes_longest_to_decode_comes_first_and_slices_stay_together()
    {
        Shell.Run("""
            set -e
            mkdir v1; head -c 900000 /dev/urandom > v1/noise; seq 1 150000 > v1/text; head -c 700000 /dev/zero > v1/zero; head -c 400000 /dev/urandom > v1/zz-noise
            """, _workshop["."]);
        var delta = _workshop.MakeDelta(null, _workshop.Publish("v1"), new DeltaOptions { PartBytes = 300_000 });
        var forge = new DeltaForge(delta, null);
        var plan = PlanDecoder.Decode(forge.Plan, forge.Header.To, _ => throw new InvalidOperationException(), null);
        var parts = plan.Parts.Zip(forge.Header.Parts, (items, part) => (items[0].Content, items[0].Start, part.CodedLength)).ToArray();
        var contents = parts.GroupBy(p => p.Content).ToArray();
        contents.Should().HaveCount(4);
        contents.Should().Contain(slices => slices.Count() > 1);
        contents.SelectMany(slices => slices).Should().Equal(parts, "slices of one content follow each other");
        contents.Should().OnlyContain(slices => slices.Select(s => s.Start).SequenceEqual(slices.Select(s => s.Start).Order()));
        contents.Select(slices => slices.Last().CodedLength).Should().BeInDescendingOrder();
    }

    [Fact]
    public void A_plan_that_a_device_would_refuse_is_not_written()
    {
        Shell.Run("mkdir v1; echo x > v1/x; echo y > v1/y", _workshop["."]);
        var commit = _workshop.Repository.ReadCommit(_workshop.Publish("v1"));
        foreach (var wrong in new[] { commit with { Bytes = commit.Bytes - 1 }, commit with { Entries = commit.Entries - 1 } })
        {
            var make = () => _workshop.MakeDelta(null, _workshop.Write(wrong));
            make.Should().Throw<CorruptDeltaException>().WithMessage("*than its commit*");
        }
    }

    [Fact]
    public void The_same_tree_again_takes_nothing_but_the_commit()
    {
        Shell.Run("mkdir v1; echo x > v1/x; cp -a v1 v2", _workshop["."]);
        var (v1, v2) = (_workshop.Publish("v1"), _workshop.Publish("v2"));
        _workshop.Apply(_workshop.MakeDelta(null, v1));
        var delta = _workshop.MakeDelta(v1, v2);
        delta.Length.Should().BeLessThan(200);
        _workshop.Apply(delta).Id.Should().Be(v2);
    }
}
