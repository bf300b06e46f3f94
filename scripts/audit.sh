#!/usr/bin/env bash
# Asks whether a package that this project uses, or one of those behind it, is known to be vulnerable: ends with 1 when one is, and when
# the question could not be asked properly. A source without advisories, or one that does not answer, is said and is no failure.
#   usage: scripts/audit.sh        CTREE_AUDIT_SOURCE: where the advisories come from
set -euo pipefail
cd "$(dirname "$0")/.."
SOURCE=${CTREE_AUDIT_SOURCE:-https://api.nuget.org/v3/index.json}
CONFIG=.work/audit.config LOG=.work/audit.log
mkdir -p .work

# One file with both: where packages come from on this machine, and who knows about them.
{
  echo '<configuration><packageSources><clear />'
  dotnet nuget list source --format short | sed -n 's|^E \(.*\)|\1|p' | nl -w1 -s' ' | sed 's|\([0-9]*\) \(.*\)|<add key="source\1" value="\2" />|'
  echo "</packageSources><auditSources><clear /><add key=\"audit\" value=\"$SOURCE\" allowInsecureConnections=\"true\" /></auditSources></configuration>"
} >"$CONFIG"

code=0
# In folders of its own, so that no build begins anew because of it.
dotnet restore ContentTree.sln --configfile "$CONFIG" --artifacts-path .work/audit --force -v quiet --nologo \
  -p:NuGetAudit=true -p:NuGetAuditMode=all -p:NuGetAuditLevel=low -p:TreatWarningsAsErrors=false >"$LOG" 2>&1 || code=$?
found=$(grep -o 'NU190[1-4]: .*' "$LOG" | sed 's/ \[.*//' | sort -u || true)
if [ -n "$found" ]; then
  echo "vulnerable packages:" >&2
  echo "$found" >&2
  exit 1
fi
if grep -q 'NU190[05]' "$LOG"; then
  echo "packages were NOT audited: $SOURCE has no advisories, or does not answer ($(grep -o 'NU190[05]' "$LOG" | sort -u | tr '\n' ' ')in $LOG)" >&2
  exit 0
fi
[ "$code" -eq 0 ] || { tail -n 5 "$LOG" >&2; exit 1; }
echo "packages were audited by $SOURCE: none is known to be vulnerable" >&2
