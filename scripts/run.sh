#!/usr/bin/env bash
# Sets up, builds and starts everything on this machine. Arguments go to "massrouter dev".
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=shell.sh
. "$(dirname "${BASH_SOURCE[0]}")/shell.sh"
cd "$(dirname "${BASH_SOURCE[0]}")/.."

load_setup run
make --no-print-directory build >&2

if [[ " $* " != *" --data"* ]]; then
	set -- --data .data "$@"
fi
if [ -z "${MASSROUTER_CONTAINERS:-}" ]; then
	exec bin/massrouter dev "$@"
fi

# Containers have to be removed when the program has ended, so this shell stays. Job control gives the program
# a process group of its own, so that it gets each signal once: from here.
child=""
cleanup() {
	# shellcheck disable=SC2086 # a list of ids
	stop_containers $MASSROUTER_CONTAINERS
}
trap cleanup EXIT
trap '[ -z "$child" ] || kill -INT "$child" 2>/dev/null || true' INT
trap '[ -z "$child" ] || kill -TERM "$child" 2>/dev/null || true' TERM
set -m
bin/massrouter dev "$@" </dev/null &
child=$!
set +m
status=0
# wait returns early when a signal was passed on; the program is then still finishing its calls.
while kill -0 "$child" 2>/dev/null; do
	status=0
	wait "$child" || status=$?
done
exit "$status"
