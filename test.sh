#!/usr/bin/env bash
# Sets up and runs every test; the last line counts them.
#   usage: test.sh           everything: formatting, unit, crash, end to end in a virtual machine
#          test.sh quick     what needs no program of its own, no machine and no browser: under five minutes
#          test.sh nightly   what breaks things, many times: some hours; CTREE_CRASH_SEED=N makes other choices than last night
set -uo pipefail
cd "$(dirname "$0")"
. scripts/packages.sh
need_dotnet || exit 1
need_packages "${RUN_PACKAGES[@]}" "${BUILD_PACKAGES[@]}" "${TEST_PACKAGES[@]}" || exit 1
unpack_packages .work/judges "${JUDGE_PACKAGES[@]}" || exit 1

mode=${1:-all}
case $mode in
  all) filter='' ;;
  quick)
    filter='Category!=Slow&Category!=Qemu&Category!=Crash&FullyQualifiedName!~Tests.Deploy.&FullyQualifiedName!~Tests.Boot.&FullyQualifiedName!~Tests.Crash.&FullyQualifiedName!~Tests.Dashboard.&FullyQualifiedName!~Tests.Agent.&(FullyQualifiedName!~Tests.Server.|FullyQualifiedName~Server.PublishTests|FullyQualifiedName~Server.DeviceApiTests|FullyQualifiedName~Server.MigrationsTests)'
    export CTREE_FUZZ=${CTREE_FUZZ:-5000} ;;
  nightly)
    filter='FullyQualifiedName~Tests.Crash.|FullyQualifiedName~Tests.Fuzz.|FullyQualifiedName~DeltaFuzzTests|FullyQualifiedName~HostilePackTests|FullyQualifiedName~HostileSlotsTests'
    export CTREE_CRASH_TRIALS=${CTREE_CRASH_TRIALS:-10000} CTREE_PUBLISH_TRIALS=${CTREE_PUBLISH_TRIALS:-600} CTREE_POWER_CUTS=${CTREE_POWER_CUTS:-20000}
    export CTREE_F2FS_CUTS=${CTREE_F2FS_CUTS:-1000} CTREE_CHAINED_CUTS=${CTREE_CHAINED_CUTS:-1000} CTREE_FUZZ=${CTREE_FUZZ:-1000000} CTREE_CRASH_SEED=${CTREE_CRASH_SEED:-$(date +%Y%m%d)} ;;
  *) sed -n '2,5s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac

mkdir -p .work/results
rm -f .work/results/*.trx
failed_steps=0
patience=30m
[ "$mode" != nightly ] || patience=6h
step() { # step NAME COMMAND... : a step that is not a test counts as one failure when it fails
  local name=$1; shift
  echo "== $name" >&2
  "$@" || { echo "FAILED: $name" >&2; failed_steps=$((failed_steps + 1)); return 1; }
}

[ "$mode" = quick ] || step "build the programs" ./build.sh || { echo "0 passed, 1 failed, 0 skipped"; exit 1; }
step "build the tests" dotnet build ContentTree.sln -c Release -v quiet --nologo || { echo "0 passed, 1 failed, 0 skipped"; exit 1; }
step "audit of packages" scripts/audit.sh
[ "$mode" != all ] || step "formatting" dotnet format ContentTree.sln --verify-no-changes --no-restore
# run NAME FILTER ENVIRONMENT... : tests, their results in .work/results/NAME.trx. A handful that fail are asked once more when the machine is
# quiet, and named when they pass then; but never those that look for faults by chance: what these found once is a fault.
run() {
  local name=$1 filter=$2 again; shift 2
  asked "$name" "$filter" "$@" && return
  echo "FAILED: tests: $name" >&2
  # A run that broke off has not asked them all.
  if [ "$(count_in "$name" failed)" -eq 0 ] || grep -q 'run was aborted' ".work/results/$name.trx"; then failed_steps=$((failed_steps + 1)); return; fi
  again=$(failures "$name")
  if [ "$(wc -l <<<"$again")" -gt 5 ] || grep -q -e '\.Tests\.Crash\.' -e '\.Tests\.Fuzz\.' <<<"$again"; then return; fi
  asked "$name-again" "$(sed 's/^/FullyQualifiedName=/' <<<"$again" | paste -sd '|')" "$@" || return
  unsteady+=$again$'\n'
  forgiven=$((forgiven + $(count_in "$name" failed)))
}
asked() { # asked NAME FILTER ENVIRONMENT... : true when all of them passed
  local name=$1 filter=$2; shift 2
  echo "== tests: $name" >&2
  env "$@" dotnet test Tests/Tests.csproj -c Release --no-build --nologo ${filter:+--filter "$filter"} \
    --logger "trx;LogFileName=$name.trx" --results-directory .work/results --blame-hang --blame-hang-timeout "$patience"
}
count_in() { grep -o "$2=\"[0-9]*\"" ".work/results/$1.trx" 2>/dev/null | head -n1 | grep -o '[0-9]*' || echo 0; }
failures() { grep -o '<UnitTestResult [^>]*outcome="Failed"' ".work/results/$1.trx" | grep -o 'testName="[^"(]*' | cut -d '"' -f 2 | sort -u; }
unsteady='' forgiven=0 runs=(tests)
run tests "$filter"

if [ "$mode" = all ]; then
  runs+=(postgresql bucket)
  # What people and devices ask of a server, asked of one on PostgreSQL.
  run postgresql '(FullyQualifiedName~Tests.Fleet.|FullyQualifiedName~Tests.Dashboard.|FullyQualifiedName~Server.Device|FullyQualifiedName~Server.Management|FullyQualifiedName~Server.Authorisation|FullyQualifiedName~Server.Audit|FullyQualifiedName~Server.Expectation|FullyQualifiedName~Server.OnceOnly|FullyQualifiedName~Server.Webhook|FullyQualifiedName~Server.BlackBox|FullyQualifiedName~Server.Monitoring|FullyQualifiedName~Server.Retention|FullyQualifiedName~Server.Follow)&Category!=Slow' \
    CTREE_TEST_STORAGE=postgresql
  # And of one whose objects are in a bucket besides.
  run bucket '(FullyQualifiedName~Server.Publish|FullyQualifiedName~Server.RemotePublish|FullyQualifiedName~Server.RemoteUse|FullyQualifiedName~Server.RepositoryServing|FullyQualifiedName~Server.PackApi|FullyQualifiedName~Server.DeltaMaking|FullyQualifiedName~Server.PrivateBranch|FullyQualifiedName~Server.BranchMove|FullyQualifiedName~Server.Composition|FullyQualifiedName~Server.DeviceApi|FullyQualifiedName~Server.Management|FullyQualifiedName~Server.Retention|FullyQualifiedName~Server.Replica)&FullyQualifiedName!~changed_on_its_way&FullyQualifiedName!~damaged_object_cuts' \
    CTREE_TEST_STORAGE=postgresql+s3
fi

count() { local sum=0 name; for name in "${runs[@]}"; do sum=$((sum + $(count_in "$name" "$1"))); done; echo "$sum"; }
passed=$(($(count passed) + forgiven)); failed=$(($(count failed) - forgiven + failed_steps)); skipped=$(($(count total) - $(count executed)))
[ -z "$unsteady" ] || printf 'failed at first and passed alone:\n%s' "$unsteady"
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
