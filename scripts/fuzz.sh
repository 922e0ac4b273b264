#!/usr/bin/env bash
# Runs each fuzz target for FUZZTIME, starting from the inputs in its testdata. A folder's tests are built once; then as many
# targets run at once as there are processors, each with one worker: starting and stopping them takes longer than one core.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=shell.sh
. "$(dirname "${BASH_SOURCE[0]}")/shell.sh"
cd "$(dirname "${BASH_SOURCE[0]}")/.."

export FUZZTIME="${FUZZTIME:-1m}"
work="$(mktemp -d)"
export work
trap 'rm -rf "$work"' EXIT

# targets prints "folder name" for each fuzz target of this module.
targets() {
	local file
	git ls-files --cached --others --exclude-standard '*_test.go' | { grep -v '^internal/sdktest/' || true; } |
		while read -r file; do
			[ -f "$file" ] || continue
			sed -n "s,^func \(Fuzz[A-Za-z0-9_]*\)(.*,$(dirname "$file") \1,p" "$file"
		done | sort
}

# over TARGET LOG says whether a target that failed has only come to its time's end, with no failing input: Go before 1.27 now and then takes the end
# for an error (go.dev/issue/75804).
over() {
	[ "$(sed -n "/^--- FAIL: $1 (/,\$p" "$2" | sed '1d')" = "    context deadline exceeded
FAIL" ]
}

# fuzz FOLDER TARGET runs one, in its folder: there a failing input is kept. 255 ends the others.
fuzz() {
	local folder="$1" target="$2"
	local log="$work/${folder//\//_}.$target.log"
	if ! (cd "$folder" && "$work/$folder.test" -test.run='^$' -test.fuzz="^$target\$" -test.fuzztime="$FUZZTIME" -test.parallel=1 -test.fuzzminimizetime=100x \
		-test.fuzzcachedir="$work/cache/$folder") >"$log" 2>&1 && ! over "$target" "$log"; then
		cat "$log" >&2
		say "error: $target found a failing input; it is kept in $folder/testdata/fuzz"
		return 255
	fi
	say "fuzzed $folder $target for $FUZZTIME: $(sed -n 's/^fuzz: elapsed: [^,]*, //p' "$log" | tail -n 1)"
}
export -f fuzz over say

targets >"$work/targets"
while read -r folder <&3; do
	mkdir -p "$(dirname "$work/$folder")"
	go test -c -fuzz=. -o "$work/$folder.test" "./$folder"
done 3< <(cut -d ' ' -f 1 "$work/targets" | uniq)

# shellcheck disable=SC2016 # the inner shell expands them
xargs -P "$(nproc)" -L 1 bash -c 'fuzz "$1" "$2"' fuzz <"$work/targets" ||
	fail "fuzzing found something"
