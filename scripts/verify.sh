#!/usr/bin/env bash
# Checks that what is committed is consistent: lint, generated files, module files, and the project's own rules
# (scripts/verify). Reports all problems before it fails.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=shell.sh
. "$(dirname "${BASH_SOURCE[0]}")/shell.sh"
cd "$(dirname "${BASH_SOURCE[0]}")/.."

failed=()

# check NAME COMMAND... runs one check and remembers its failure.
check() {
	local name="$1"
	shift
	say "verify: $name"
	"$@" >&2 || failed+=("$name")
}

# fingerprint prints a checksum for each file that is or could be committed.
fingerprint() {
	git ls-files -z --cached --others --exclude-standard |
		{ xargs -0 sha256sum 2>/dev/null || true; } | sort -k2
}

# generated compares the tree before and after generating, so it works with uncommitted changes too.
generated() {
	local before after
	before="$(fingerprint)"
	make --no-print-directory generate || return 1
	after="$(fingerprint)"
	[ "$before" = "$after" ] && return 0
	say "generated files were not up to date (they are now):"
	diff <(printf '%s\n' "$before") <(printf '%s\n' "$after") | sed -n 's/^[<>] [0-9a-f]* */  /p' | sort -u >&2
	return 1
}

tidy() {
	local module status=0
	for module in . tools internal/sdktest internal/tlogtest internal/oidctest; do
		if [ -f "$module/go.mod" ]; then
			(cd "$module" && go mod tidy -diff) || status=1
		fi
	done
	return "$status"
}

shell_syntax() {
	local script status=0
	for script in scripts/*.sh .ci/run; do
		bash -n "$script" || status=1
	done
	if has shellcheck; then
		shellcheck -x scripts/*.sh .ci/run || status=1
	fi
	return "$status"
}

git rev-parse --is-inside-work-tree >/dev/null 2>&1 || fail "verify compares with what git knows: run it in a clone"
check "lint configuration" bin/tools/golangci-lint config verify
check lint make --no-print-directory lint
check "generated files" generated
check "module files" tidy
check "shell scripts" shell_syntax
check "project rules" go run ./scripts/verify

if [ "${#failed[@]}" -gt 0 ]; then
	fail "verify failed: $(printf '%s, ' "${failed[@]}" | sed 's/, $//')"
fi
say "verify: all checks passed"
