#!/usr/bin/env bash
# Branch coverage of the code that decides what enters a device: a table on standard output, every place with a branch that was not taken on
# standard error. Runs the tests of those parts, not all.
#   usage: Tests/coverage.sh [FILTER]     needs the test project built (dotnet build Tests -c Release)
set -euo pipefail
cd "$(dirname "$0")/.."
FILTER=${1:-'FullyQualifiedName~Tests.Trust|FullyQualifiedName~Tests.Objects|FullyQualifiedName~Tests.Trees|FullyQualifiedName~Tests.Boot|FullyQualifiedName~Tests.Deltas|FullyQualifiedName~Tests.Fuzz|FullyQualifiedName~Tests.Json'}
OUT=.work/coverage
rm -rf "$OUT"
CTREE_FUZZ=${CTREE_FUZZ:-5000} dotnet test Tests -c Release --no-build --nologo --filter "$FILTER" \
  --collect 'Code Coverage;Format=Cobertura' --results-directory "$OUT" >&2
python3 - "$OUT" <<'PYTHON'
import glob, sys, xml.etree.ElementTree as ET
PARTS = {
    'verifier': ['Store/Trust/TrustRoot', 'Store/Trust/Envelope', 'Store/Trust/Statement', 'Store/Trust/HeadStatement', 'Store/Trust/RootStatement', 'Store/Trust/HeadPolicy', 'Store/Trust/PublicKey', 'Store/Json/'],
    'path guard': ['Store/Objects/EntryName', 'Store/Objects/TreeReader', 'Store/Objects/TreeTotals', 'Store/Objects/Tree.cs', 'Store/Objects/BranchName', 'Store/Objects/ObjectName'],
    'slot reader': ['BootFile/BootRecord', 'BootFile/BootSlots', 'BootFile/SlotFile', 'BootFile/BootChoice', 'BootFile/DeploymentName', 'BootFile/DeploymentMarker'],
    'delta decoder': ['Deltas/DeltaHeader', 'Deltas/Plans/PlanDecoder', 'Deltas/Plans/PartsDecoder', 'Deltas/Plans/TreeEdits', 'Deltas/Application/', 'Deltas/Coding/ContextDecoder', 'Deltas/Coding/BitDecoder'],
}
lines = {}
for report in glob.glob(sys.argv[1] + '/*/*.xml'):
    for cls in ET.parse(report).iter('class'):
        name = cls.get('filename')
        for line in cls.iter('line'):
            key = (name, int(line.get('number')))
            covered, total = (0, 0)
            if line.get('branch') in ('true', 'True'):
                covered, total = map(int, line.get('condition-coverage').split('(')[1].rstrip(')').split('/'))
            old = lines.get(key, (0, 0, 0))
            lines[key] = (max(old[0], int(line.get('hits'))), max(old[1], covered), max(old[2], total))
print('| part | branches | covered | lines | covered | not taken |\n| --- | --- | --- | --- | --- | --- |')
for part, names in PARTS.items():
    mine = {k: v for k, v in lines.items() if any(n in k[0] for n in names)}
    branches, taken = sum(v[2] for v in mine.values()), sum(v[1] for v in mine.values())
    count, hit = len(mine), sum(1 for v in mine.values() if v[0])
    missing = sorted({f"{k[0].split('/')[-1]}:{k[1]}" for k, v in mine.items() if v[1] < v[2]})
    for place in missing:
        print(part, place, file=sys.stderr)
    shown = ' '.join(missing[:6]) + (f' and {len(missing) - 6} more' if len(missing) > 6 else '')
    print(f'| {part} | {branches} | {100 * taken / max(1, branches):.1f} % | {count} | {100 * hit / max(1, count):.1f} % | {shown} |')
PYTHON
