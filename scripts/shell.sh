# shellcheck shell=bash
# Shared by the scripts of this folder; sourced, never run.

# A newer toolchain is never downloaded behind the developer's back.
export GOTOOLCHAIN="${GOTOOLCHAIN:-local}"

say() { printf '%s\n' "$*" >&2; }

fail() {
	say "error: $*"
	exit 1
}

has() { command -v "$1" >/dev/null 2>&1; }

# stop_containers ID... removes the containers that setup.sh started.
stop_containers() {
	local id
	for id in "$@"; do
		docker rm --force --volumes "$id" >/dev/null 2>&1 || say "could not remove container $id"
	done
}

# load_setup MODE runs setup.sh and takes over the variables that it prints.
load_setup() {
	local exports
	exports="$("${BASH_SOURCE[0]%/*}/setup.sh" "$1")" || exit 1
	eval "$exports"
}
