#!/usr/bin/env bash
# Runs every test: go vet, the Go tests (with the race detector where money and concurrency live), the tests
# with the official clients, and each fuzz target for a short time. The last line counts them all.
#
#   SHORT=1      leaves out the race detector, the client modules, fuzzing and what "go test -short" leaves out
#   CI=true      a skipped test is a failure
#   FUZZTIME=3s  time for each fuzz target
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=shell.sh
. "$(dirname "${BASH_SOURCE[0]}")/shell.sh"
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly short="${SHORT:-}"
work="$(mktemp -d)"
redis=""

cleanup() {
	if [ -n "$redis" ]; then
		kill "$redis" 2>/dev/null || true
		wait "$redis" 2>/dev/null || true
	fi
	# shellcheck disable=SC2086 # a list of ids
	stop_containers ${MASSROUTER_CONTAINERS:-}
	rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# start_redis runs a private Redis on a free port when no server is named.
start_redis() {
	local program port try
	program="$(command -v redis-server || command -v valkey-server)"
	for ((try = 0; try < 20; try++)); do
		port=$((20000 + RANDOM % 12000))
		"$program" --bind 127.0.0.1 --port "$port" --save '' --appendonly no --dir "$work" \
			--logfile "$work/redis.log" --pidfile "$work/redis.pid" &
		redis=$!
		local wait
		for ((wait = 0; wait < 100; wait++)); do
			kill -0 "$redis" 2>/dev/null || break # the port was taken
			if grep -q 'Ready to accept connections' "$work/redis.log" 2>/dev/null; then
				export REDIS_URL="redis://127.0.0.1:$port/0"
				return 0
			fi
			sleep 0.05
		done
		kill "$redis" 2>/dev/null || true
		wait "$redis" 2>/dev/null || true
		redis=""
	done
	fail "could not start $program: $(tail -n 3 "$work/redis.log")"
}

# raced prints the packages whose tests run under the race detector: where a race would cost money.
raced() {
	local rooms=() room
	for room in domain commands eventstore projections gateway identity; do
		[ -d "$room" ] && rooms+=("./$room/...")
	done
	[ "${#rooms[@]}" -eq 0 ] || go list "${rooms[@]}"
}

# go_tests runs all Go tests and writes their events to stdout.
go_tests() {
	local status=0 race=() plain=() package
	go list ./... >"$work/all" || return 1
	: >"$work/raced"
	if [ -z "$short" ] && has "$(go env CC)" && [ "$(go env CGO_ENABLED)" = 1 ]; then
		raced >"$work/raced"
	fi
	while read -r package; do
		if grep -qxF "$package" "$work/raced"; then
			race+=("$package")
		else
			plain+=("$package")
		fi
	done <"$work/all"
	if [ "${#race[@]}" -gt 0 ]; then
		say "testing ${#race[@]} packages with the race detector"
		go test -json -count=1 -timeout=20m -race "${race[@]}" || status=1
	fi
	if [ "${#plain[@]}" -gt 0 ]; then
		say "testing ${#plain[@]} packages"
		go test -json -count=1 -timeout=20m ${short:+-short} "${plain[@]}" || status=1
	fi
	if [ -z "$short" ] && [ -f internal/sdktest/go.mod ]; then
		say "testing with the official clients"
		(cd internal/sdktest && go test -json -count=1 -timeout=20m ./...) || status=1
	fi
	if [ -z "$short" ] && [ -f internal/tlogtest/go.mod ]; then
		say "testing the transparency log with tools that are not ours"
		(cd internal/tlogtest && go test -json -count=1 -timeout=20m ./...) || status=1
	fi
	if [ -z "$short" ] && [ -f internal/oidctest/go.mod ]; then
		say "testing sign-in with providers that are not ours"
		(cd internal/oidctest && go test -json -count=1 -timeout=20m ./...) || status=1
	fi
	return "$status"
}

load_setup test
if [ -z "${REDIS_URL:-}" ]; then
	start_redis
fi

if [ "${CI:-}" = true ] && [ -z "$short" ] && ! has "$(go env CC)"; then
	fail "CI needs a C compiler: the race detector is part of the tests"
fi
go vet ./...
go build -trimpath -o "$work/testsummary" ./scripts/testsummary

options=()
if [ "${CI:-}" = true ]; then
	options+=(-fail-on-skip)
fi
go_tests | "$work/testsummary" "${options[@]}" >"$work/summary" || {
	cat "$work/summary"
	exit 1
}
if [ -z "$short" ]; then
	FUZZTIME="${FUZZTIME:-3s}" scripts/fuzz.sh
fi
cat "$work/summary"
