#!/usr/bin/env python3
"""Shows that the tests of attacks can fail: each check is switched off, one at a time, and its test has to go red.

   usage: Tests/mutants.py [WORDS]     only those whose name has one of the words in it

The checks are switched in a copy of the work tree, below .work/mutants, by a variable of the environment: it is built once, each test
runs once as it is and once without its check. A table on standard output; ends with 1 when a test stays green, or is red as it is."""
import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
COPY = os.path.join(ROOT, '.work/mutants')

# Attack, what is switched off, file, text, the same with OFF where the switch is, the test.
MUTANTS = [
    ('A1', 'too few signatures', 'Store/Trust/TrustRoot.cs', 'if (signers < threshold)', 'if (!OFF && signers < threshold)', 'Trust.TrustRootTests'),
    ('A1', 'the role of a key', 'Store/Trust/TrustRoot.cs', 'if (role.KeyIds.Contains(signature.KeyId) &&', 'if ((OFF ? root.Keys.ContainsKey(signature.KeyId) : role.KeyIds.Contains(signature.KeyId)) &&', 'Trust.StatementVectorTests'),
    ('A1', 'a developer key that nobody accepted', 'Store/Trust/TrustRoot.cs', '=> role != Role.Developer ||', '=> OFF || role != Role.Developer ||', 'Deploy.DeveloperKeyTests.Any_other_device_refuses_it_and_keeps_what_it_trusts'),
    ('A2', 'an older head', 'Store/Trust/HeadPolicy.cs', 'if (order == HeadOrder.Older)', 'if (!OFF && order == HeadOrder.Older)', 'Deploy.HeadAttackTests.An_older_head_is_refused'),
    ('A2', 'a second commit of one sequence', 'Store/Trust/HeadPolicy.cs', 'if (order == HeadOrder.Conflict)', 'if (!OFF && order == HeadOrder.Conflict)', 'Deploy.HeadAttackTests.Another_commit_with_the_same_sequence_is_refused'),
    ('A2', 'an older assignment', 'Store/Trust/AssignmentPolicy.cs', 'if (assignment.Counter < seen)', 'if (!OFF && assignment.Counter < seen)', 'Deploy.AssignmentTests.An_older_one_than_it_has_seen_is_passed_over'),
    ('A2', 'an older configuration', 'Store/Trust/ConfigurationPolicy.cs', 'if (configuration.Counter < seen)', 'if (!OFF && configuration.Counter < seen)', 'Deploy.ConfigurationTests.Somebody_elses_an_older_an_ended_and_another_keys_configuration_are_passed_over'),
    ('A3', 'marks of dismissed keys are forgotten', 'Deploy/State/SeenMarks.cs', '.Where(k => keys.Contains(k.Key));', '.Where(k => OFF || keys.Contains(k.Key));', 'Deploy.RootRotationTests.A_thiefs_highest_sequence_is_forgotten_with_his_key'),
    ('A3', 'counters of dismissed fleet keys are forgotten', 'Deploy/State/SeenMarks.cs', '.Where(a => _fleet.Contains(a.Key));', '.Where(a => OFF || _fleet.Contains(a.Key));', 'Deploy.AssignmentTests.What_a_dismissed_fleet_key_said_last_and_highest_binds_nobody'),
    ('A3', 'moments of dismissed timestamp keys are forgotten', 'Deploy/State/SeenMarks.cs', '.Where(t => _timestamp.Contains(t.Key));', '.Where(t => OFF || _timestamp.Contains(t.Key));', 'Deploy.TimestampTests.A_thiefs_timestamp_from_the_far_future_is_forgotten_with_his_key'),
    ('A4', 'the end of a head', 'Store/Trust/HeadPolicy.cs', 'if (time.IsPast(head.Expires))', 'if (!OFF && time.IsPast(head.Expires))', 'Deploy.HeadAttackTests.An_expired_head_is_refused'),
    ('A4', 'the end of a timestamp', 'Store/Trust/TimestampPolicy.cs', 'if (time.IsPast(timestamp.Expires))', 'if (!OFF && time.IsPast(timestamp.Expires))', 'Deploy.TimestampTests.One_that_is_over_is_refused_by_the_clock'),
    ('A4', 'no timestamp', 'Deploy/State/TrustState.cs', '&& !offered.IsAtHand ?', '&& !OFF && !offered.IsAtHand ?', 'Deploy.TimestampTests.None_is_refused'),
    ('A4', 'the floor of time', 'Store/Trust/TrustedTime.cs', 'Now = clock > floor ?', 'Now = OFF || clock > floor ?', 'Trust.HeadPolicyTests.A_clock_in_1970_makes_no_head_valid_again'),
    ('A5', "another branch's head", 'Store/Trust/TrustRoot.cs', 'return head.Branch == branch', 'return OFF || head.Branch == branch', 'Deploy.HeadAttackTests.A_head_of_another_branch_is_refused'),
    ('A5', "another head's timestamp", 'Store/Trust/TimestampPolicy.cs', 'if (timestamp.Head != head.Id', 'if (OFF) return;\n        if (timestamp.Head != head.Id', 'Deploy.TimestampTests.One_of_another_head_is_refused'),
    ('A5', "another device's assignment", 'Store/Trust/AssignmentPolicy.cs', 'if (assignment.Device != device)', 'if (!OFF && assignment.Device != device)', 'Deploy.AssignmentTests.Another_devices_or_branchs_is_passed_over'),
    ('A5', 'a plan for another commit', 'Store/Deltas/Plans/PlanDecoder.cs', 'if (ObjectId.Of(encoded) != to)', 'if (!OFF && ObjectId.Of(encoded) != to)', 'Deltas.DeltaRefusalTests.A_plan_for_another_commit_is_refused'),
    ('A6', 'memory that a delta asks for', 'Deploy/Transfer/DeltaPull.cs', 'return header.MemoryKiB <=', 'return OFF || header.MemoryKiB <=', 'Deploy.DeltaPullTests.A_header_that_asks_for_too_much_memory_costs_a_look'),
    ('A7', 'hardware', 'Deploy/Transfer/Fitness.cs', 'if (commit.Compatible.Count > 0 &&', 'if (!OFF && commit.Compatible.Count > 0 &&', 'Deploy.DeviceFaultTests.A_commit_for_other_hardware_is_not_taken'),
    ('A7', 'processor', 'Deploy/Transfer/Fitness.cs', 'if (commit.Architecture.Length > 0 &&', 'if (!OFF && commit.Architecture.Length > 0 &&', 'Deploy.DeviceFaultTests.Programs_for_another_processor_are_not_taken'),
    ('A8', 'the hash of what a mirror sends', 'Deploy/Transfer/RepositoryClient.cs', 'return ObjectId.Of(content) == name.Id', 'return OFF || ObjectId.Of(content) == name.Id', 'Deploy.SourceTests'),
    ('A9', 'one key counts once', 'Store/Trust/TrustRoot.cs', 'var signers = SignersOf(root, roleName, envelope, what).Count;', 'var signers = OFF ? envelope.Signatures.Count(s => root.Roles[roleName].KeyIds.Contains(s.KeyId)) : SignersOf(root, roleName, envelope, what).Count;', 'Trust.RootChainTests'),
    ('A9', 'the old threshold under a new root', 'Store/Trust/TrustRoot.cs', 'RequireSignatures(_root, Role.Root, envelope, what);\n        var next', 'if (!OFF) RequireSignatures(_root, Role.Root, envelope, what);\n        var next', 'Trust.RootChainTests.Both_thresholds_have_to_be_reached'),
    ('A9', 'the new threshold under a new root', 'Store/Trust/TrustRoot.cs', 'RequireSignatures(root, Role.Root, envelope, what);\n        return new TrustRoot', 'if (!OFF) RequireSignatures(root, Role.Root, envelope, what);\n        return new TrustRoot', 'Trust.TufConformanceTests'),
    ('A9', 'a version that is left out', 'Store/Trust/TrustRoot.cs', 'return next.Version == Version + 1', 'return OFF || next.Version == Version + 1', 'Trust.RootChainTests'),
    ('A9', "a branch that is not composition's", 'Store/Trust/TrustRoot.cs', 'role.Branches.Any(prefix =>', 'role.Branches.Any(prefix => OFF ||', 'Deploy.CompositionCheckTests.A_branch_that_is_not_theirs_does_not_move_by_composition_keys'),
    ('A9', 'parts that nobody released', 'Deploy/Transfer/CompositionCheck.cs', 'if (!head.IsReleased)', 'if (!OFF && !head.IsReleased)', 'Deploy.CompositionCheckTests'),
    ('A9', 'what the parts come to', 'Deploy/Transfer/CompositionCheck.cs', 'if (!Composition.Follows(commit, expected))', 'if (!OFF && !Composition.Follows(commit, expected))', 'Deploy.CompositionCheckTests'),
    ('A11', 'a refused root is not written', 'Deploy/State/TrustState.cs', 'var next = present.Next(bytes);', 'if (OFF) { using var t = Posix.OpenDirectory(root.Trust); DurableFiles.Replace(t, "root.json"u8, bytes); }\n        var next = present.Next(bytes);', 'Deploy.RootRotationTests.A_false_root_changes_nothing'),
    ('A12', 'one spelling of what is signed', 'Store/Json/CanonicalJson.cs', 'if (!Encode(value)', 'if (!OFF && !Encode(value)', 'Trust.StatementVectorTests'),
    ('A13', 'keys of other curves', 'Store/Trust/PublicKey.cs', 'if (subjectPublicKeyInfo.Length !=', 'if (!OFF && subjectPublicKeyInfo.Length !=', 'Trust.EcdsaEdgeCaseTests'),
    ('A14', 'the magic of a tree', 'Store/Objects/TreeReader.cs', 'SequenceEqual(TreeWriter.Magic))', 'SequenceEqual(TreeWriter.Magic) && !OFF)', 'Trees.HostileTreeTests.A_tree_that_no_encoder_writes_gets_nowhere'),
    ('A15', 'upper case in ids', 'Store/Objects/ObjectId.cs', "|| text.ContainsAnyInRange('A', 'Z'))", "|| (!OFF && text.ContainsAnyInRange('A', 'Z')))", 'Objects.NameTests.An_id_in_upper_case_is_a_second_spelling_and_refused'),
    ('A16', 'the tree that a delta makes', 'Store/Deltas/Application/DeltaApplication.cs', 'if (RebuildRoot(trees) != _plan.Commit.Tree)', 'if (RebuildRoot(trees) != _plan.Commit.Tree && !OFF)', 'Deltas.DeltaFuzzTests.A_mutated_delta_is_refused_or_makes_the_signed_tree_and_leaves_nothing_false'),
    ('A17', 'all that a commit reaches', 'Store/Local/StorePull.cs', 'new StoreClosure(_store).Check(commit.Tree);', 'if (!OFF) new StoreClosure(_store).Check(commit.Tree);', 'Local.LocalStoreTests.A_commit_is_absent_until_everything_it_reaches_is_here'),
    ('A20', 'names that lead up, in trees', 'Store/Objects/EntryName.cs', '!bytes.SequenceEqual(".."u8) &&', '(OFF || !bytes.SequenceEqual(".."u8)) &&', 'Trees.HostileTreeTests.A_tree_that_no_encoder_writes_gets_nowhere'),
    ('A20', 'names with a slash or NUL, in trees', 'Store/Objects/EntryName.cs', "bytes.IndexOfAny((byte)'/', (byte)0) < 0", "(OFF || bytes.IndexOfAny((byte)'/', (byte)0) < 0)", 'Trees.HostileTreeTests.A_tree_that_no_encoder_writes_gets_nowhere'),
    ('A20', 'absolute names, in archives', 'Store/Objects/EntryPath.cs', 'if (path.StartsWith("/"u8))', 'if (!OFF && path.StartsWith("/"u8))', 'Server.HostileArchiveTests'),
    ('A20', 'names of configuration keys', 'Store/Trust/ConfigurationKey.cs', "|| !text.Split('.').All(IsSegment))", "|| (!OFF && !text.Split('.').All(IsSegment)))", 'Deploy.ConfigurationTests.A_name_that_is_no_key_is_passed_over'),
    ('A21', 'what is below a symlink, in archives', 'Store/Trees/TreeAssembly.cs', 'at = next.IsDirectory ? next :', 'at = next.IsDirectory || OFF ? (next.IsDirectory ? next : _root) :', 'Server.HostileArchiveTests'),
    ('A22', 'names twice or out of order', 'Store/Objects/TreeReader.cs', 'if (entries.Count > 0 && entries[^1].Name >= entry.Name)', 'if (!OFF && entries.Count > 0 && entries[^1].Name >= entry.Name)', 'Trees.HostileTreeTests.A_tree_that_no_encoder_writes_gets_nowhere'),
    ('A24', 'a FIFO in place of an object', 'Store/Local/PublicObjects.cs', '.Type == FileType.Regular && isPublic(file)', '.Type == FileType.Regular | OFF && (OFF || isPublic(file))', 'Local.PublicObjectsTests'),
    ('A25', 'entries in all', 'Store/Objects/TreeTotals.cs', 'if ((_entries += entries) > Tree.MaxTotalEntries)', 'if ((_entries += entries) > Tree.MaxTotalEntries && !OFF)', 'Trees.HostileTreeTests.A_small_tree_of_a_million_million_directories_is_not_begun'),
    ('A25', 'nesting', 'Store/Objects/TreeTotals.cs', 'if (_depth > Tree.MaxDepth)', 'if (!OFF && _depth > Tree.MaxDepth)', 'Trees.HostileTreeTests.A_tree_deeper_than_any_path_is_not_begun_also_where_a_part_of_it_was_seen_before'),
    ('A25', 'pieces of sparse files', 'Server/Publishing/Sources/Tar/SparseStream.cs', 'if (offset < end ||', 'if (!OFF && offset < end || !OFF &&', 'Server.HostileArchiveTests'),
    ('A27', 'attributes of an overlay, in trees', 'Store/Objects/TreeReader.cs', 'if (!Xattr.BelongsToTree(name))', 'if (!OFF && !Xattr.BelongsToTree(name))', 'Trees.HostileTreeTests.A_tree_that_no_encoder_writes_gets_nowhere'),
    ('A27', 'attributes that are too large', 'Store/Trees/SourceXattrs.cs', '<= Metadata.MaxXattrBytes\n', '<= (OFF ? int.MaxValue : Metadata.MaxXattrBytes)\n', 'Trees.ImportTests.Too_large_attributes_are_refused_by_path'),
    ('A28', 'inodes that were written to', 'Store/Local/CheckoutHand.cs', 'return stat.ModifiedNanoseconds ==', 'return OFF || stat.ModifiedNanoseconds ==', 'Local.LocalStoreTests.An_inode_that_was_written_to_is_not_linked_and_one_that_was_only_touched_is_made_anew'),
    ('A30', 'nonces', 'Server/Endpoints/DeviceAccess.cs', 'if (!nonces.TryUse(signature, now - skew))', 'if (!nonces.TryUse(signature, now - skew) && !OFF)', 'Server.DeviceApiTests.A_recorded_request_cannot_be_sent_again'),
    ('A30', 'signatures of requests', 'Server/Endpoints/DeviceAccess.cs', 'if (check != RequestSignatureCheck.Valid)', 'if (!OFF && check != RequestSignatureCheck.Valid)', 'Server.DeviceApiTests'),
    ('A34', 'what only some may read', 'Store/Local/PublicObjects.cs', 'return IsPublic(metadata) &&', 'return (OFF || IsPublic(metadata)) &&', 'Local.PublicObjectsTests'),
    ('A34', 'private branches, for devices', 'Server/Privacy/ReadAccess.cs', 'if (privateOnes.Contains(branch) && !entitlements', 'if (!OFF && privateOnes.Contains(branch) && !entitlements', 'Server.PrivateBranchTests.A_poll_brings_a_private_head_to_the_allowed_only_and_for_others_the_branch_does_not_exist'),
    ('A34', 'private objects in packs', 'Server/Privacy/ReadAccess.cs', 'if (!_index.Reaches(name, allowed))', 'if (!OFF && !_index.Reaches(name, allowed))', 'Server.PrivateBranchTests'),
    ('A37', 'null in lists', 'Store/Protocol/ProtocolMessage.cs', 'else if (reader.TokenType == JsonTokenType.Null &&', 'else if (!OFF && reader.TokenType == JsonTokenType.Null &&', 'Server.OddRequestTests.A_list_with_null_in_it_is_a_bad_request'),
    ('A46', 'tokens without TLS', 'Server/Commands/CommandContext.cs', 'if (url.Scheme == Uri.UriSchemeHttp && !url.IsLoopback &&', 'if (!OFF && url.Scheme == Uri.UriSchemeHttp && !url.IsLoopback &&', 'Server.WireTests.No_token_is_sent_without_tls_to_another_machine_unless_somebody_allows_it'),
    ('A51', 'the token of a form', 'Server/Dashboard/Gate.cs', 'if (token is null || !CryptographicOperations', 'if (!OFF && token is null || !OFF && !CryptographicOperations', 'Dashboard.FormTests.A_form_without_the_sessions_own_token_changes_nothing'),
    ('A51', "a form's origin", 'Server/Dashboard/Gate.cs', 'if (isForeign || context', 'if (!OFF && isForeign || !OFF && context', 'Dashboard.FormTests.A_form_on_another_sites_page_changes_nothing_even_with_the_token'),
    ('A58', 'what steers a terminal', 'Server/Fleet/DeviceMessages.cs', 'private static bool IsSteering(char c) => char', 'private static bool IsSteering(char c) => !OFF && (char.IsControl(c) || IsTurning(c));\n\n    private static bool IsTurning(char c) => char', 'Server.DeviceApiTests.What_ends_a_line_colours_a_terminal_or_turns_text_around_is_in_nothing_that_a_device_says'),
    ('A80', 'addresses that are options', 'Server/Publishing/Sources/Git/GitAddress.cs', "if (url.Length == 0 || url.StartsWith('-')", "if (url.Length == 0 || !OFF && url.StartsWith('-')", 'Server.GitSourceTests.Addresses_that_git_would_take_for_something_else_are_refused'),
]

def copy():
    if os.path.isdir(COPY):
        for name in os.listdir(COPY):
            if name not in ('obj',):
                path = os.path.join(COPY, name)
                shutil.rmtree(path) if os.path.isdir(path) and not os.path.islink(path) else os.remove(path)
    files = subprocess.run(['git', 'ls-files', '-co', '--exclude-standard'], cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()
    for name in files:
        if os.path.isfile(os.path.join(ROOT, name)):
            os.makedirs(os.path.dirname(os.path.join(COPY, name)), exist_ok=True)
            shutil.copy2(os.path.join(ROOT, name), os.path.join(COPY, name))


def switch(mutants):
    for number, (attack, what, name, old, new, _) in mutants:
        path = os.path.join(COPY, name)
        text = open(path).read()
        if text.count(old) != 1:
            sys.exit(f'{attack}, {what}: {name} has it {text.count(old)} times:\n{old}')
        off = f'(System.Environment.GetEnvironmentVariable("CTREE_MUTANT") == "{number}")'
        open(path, 'w').write(text.replace(old, new.replace('OFF', off)))


def run(test, number):
    results = os.path.join(COPY, '.work', f'mutant-{number}')
    shutil.rmtree(results, ignore_errors=True)
    subprocess.run(['timeout', '900', 'dotnet', 'test', 'Tests/Tests.csproj', '-c', 'Release', '--no-build', '--nologo', '--filter', f'FullyQualifiedName~Tests.{test}',
                    '--logger', 'trx;LogFileName=tests.trx', '--results-directory', results],
                   cwd=COPY, env={**os.environ, 'CTREE_MUTANT': str(number)}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        counters = next(e for e in ET.parse(os.path.join(results, 'tests.trx')).iter() if e.tag.endswith('Counters'))
    except FileNotFoundError:
        return None, None
    return int(counters.get('passed')), int(counters.get('failed'))


def main():
    words = sys.argv[1:]
    mutants = [(n, m) for n, m in enumerate(MUTANTS, 1) if not words or any(w.lower() in ' '.join(m).lower() for w in words)]
    copy()
    switch(mutants)
    subprocess.run(['dotnet', 'build', 'Tests', '-c', 'Release', '-m:2', '-v', 'quiet', '--nologo', '-p:RunAnalyzers=false', '-p:TreatWarningsAsErrors=false'], cwd=COPY, check=True, stdout=sys.stderr)
    as_it_is = {test: run(test, 0) for test in dict.fromkeys(m[5] for _, m in mutants)}
    print('| # | switched off | test | as it is | without the check |\n| --- | --- | --- | --- | --- |', flush=True)
    bad = 0
    for number, (attack, what, _, _, _, test) in mutants:
        passed, failed = as_it_is[test]
        without = run(test, number)
        right = passed and failed == 0 and without[1]
        bad += not right
        print(f'| {attack} | {what} | `{test}` | {passed} pass, {failed} fail | {without[1]} fail{"" if right else " **BAD**"} |', flush=True)
    return 1 if bad else 0


if __name__ == '__main__':
    sys.exit(main())
