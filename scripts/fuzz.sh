#!/usr/bin/env bash
# Runs each fuzz target for FUZZTIME, one after the other, starting from the inputs in its testdata.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=shell.sh
. "$(dirname "${BASH_SOURCE[0]}")/shell.sh"
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly fuzztime="${FUZZTIME:-1m}"
log="$(mktemp)"
trap 'rm -f "$log"' EXIT

# targets prints "folder name" for each fuzz target of this module.
targets() {
	local file
	git ls-files --cached --others --exclude-standard '*_test.go' | { grep -v '^internal/sdktest/' || true; } |
		while read -r file; do
			[ -f "$file" ] || continue
			sed -n "s,^func \(Fuzz[A-Za-z0-9_]*\)(.*,$(dirname "$file") \1,p" "$file"
		done | sort
}

while read -r folder target <&3; do
	say "fuzzing $folder $target for $fuzztime"
	if ! go test -run='^$' -fuzz="^$target\$" -fuzztime="$fuzztime" "./$folder" >"$log" 2>&1; then
		cat "$log" >&2
		fail "$target found a failing input; it is kept in $folder/testdata/fuzz"
	fi
	tail -n 3 "$log" | sed -n 's/^fuzz: /  /p' >&2
done 3< <(targets)
