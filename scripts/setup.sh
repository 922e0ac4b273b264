#!/usr/bin/env bash
# Makes sure that what MassRouter needs is on this machine. Run it as often as you like.
#
#   scripts/setup.sh [run|test]     default: test
#
# For PostgreSQL and for Redis the first of these that works is taken: the server that DATABASE_URL or
# REDIS_URL names, programs on this machine, packages of the distribution, a Docker container. Kafka, for
# the tests only, is run from its published jars by Java and fetched by Maven (those of this machine, else
# the distribution's packages), else in a container, else replaced by kfake; the output says which it is.
# Messages go to stderr. Stdout has only "export ..." lines for the caller to eval; they name containers
# that were started, and the caller removes those (MASSROUTER_CONTAINERS, by id) when it is done.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=shell.sh
. "$(dirname "${BASH_SOURCE[0]}")/shell.sh"
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly mode="${1:-test}"
readonly min_postgres=15 min_go=26 min_node=20 min_java=17 rabbitmq=3.10.8
containers=()
made=()

# On failure nothing stays behind: neither containers nor files that steered the package manager.
cleanup() {
	local status=$?
	undo_package_settings
	if [ "$status" -ne 0 ] && [ "${#containers[@]}" -gt 0 ]; then
		stop_containers "${containers[@]}"
	fi
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# --- Go -----------------------------------------------------------------------------------------------

check_go() {
	if ! has go && [ -x /usr/local/go/bin/go ]; then
		PATH="$PATH:/usr/local/go/bin"
		emit PATH "$PATH"
	fi
	has go || fail "Go 1.$min_go or newer is needed and there is no go on PATH: see https://go.dev/doc/install"
	local version
	version="$(GOTOOLCHAIN=local go env GOVERSION)"
	if [[ ! "$version" =~ ^go1\.([0-9]+) ]] || [ "${BASH_REMATCH[1]}" -lt "$min_go" ]; then
		fail "Go 1.$min_go or newer is needed, this is $version ($(command -v go)): see https://go.dev/doc/install"
	fi
}

emit() { printf 'export %s=%q\n' "$1" "$2"; }

# --- packages of the distribution -----------------------------------------------------------------------

# as_root COMMAND... runs a command as root when that needs no question to the user.
as_root() {
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	else
		sudo -n "$@"
	fi
}

can_install() {
	has apt-get || return 1
	[ "$(id -u)" -eq 0 ] && return 0
	has sudo && sudo -n true 2>/dev/null
}

apt_updated=""
apt_update() {
	[ -n "$apt_updated" ] && return 0
	say "updating the package lists"
	as_root apt-get update -qq >&2 || say "apt-get update failed; going on with the lists that are there"
	apt_updated=yes
}

# candidate NAME prints the version that apt would install, nothing when there is none.
candidate() {
	LC_ALL=C apt-cache policy "$1" 2>/dev/null | awk '$1 == "Candidate:" && $2 != "(none)" {print $2}'
}

# install_packages NAME... installs without starting any service of theirs: we run servers ourselves, on
# ports of our own.
install_packages() {
	say "installing $*"
	steer /usr/sbin/policy-rc.d 755 $'#!/bin/sh\nexit 101\n'
	steer /etc/postgresql-common/createcluster.d/massrouter-setup.conf 644 $'create_main_cluster = false\n'
	local status=0 output
	output="$(as_root env DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 \
		apt-get install -y -qq --no-install-recommends -o Dpkg::Options::=--force-confold "$@" 2>&1)" || status=$?
	[ "$status" -eq 0 ] || say "$output"
	undo_package_settings
	return "$status"
}

# steer PATH MODE CONTENT writes a file for the time of an installation, unless there is one already.
steer() {
	[ -e "$1" ] && return 0
	as_root mkdir -p "$(dirname "$1")"
	printf '%s' "$3" | as_root tee "$1" >/dev/null
	made+=("$1")
	as_root chmod "$2" "$1"
}

undo_package_settings() {
	local path
	for path in "${made[@]}"; do
		as_root rm -f "$path"
	done
	made=()
}

# --- PostgreSQL -----------------------------------------------------------------------------------------

# postgres_programs succeeds when initdb and postgres of a version we can use are found; the product looks
# in the same places.
postgres_programs() {
	local dirs=() dir major
	if has postgres; then
		dirs+=("$(dirname "$(readlink -f "$(command -v postgres)")")")
	fi
	dirs+=(/usr/lib/postgresql/*/bin /usr/pgsql-*/bin /opt/homebrew/opt/postgresql@*/bin)
	if has pg_config; then
		dirs+=("$(pg_config --bindir)")
	fi
	for dir in "${dirs[@]}"; do
		[ -x "$dir/postgres" ] && [ -x "$dir/initdb" ] || continue
		major="$("$dir/postgres" --version | sed -n 's/.*PostgreSQL) \([0-9]*\).*/\1/p')"
		[ "${major:-0}" -ge "$min_postgres" ] && return 0
	done
	return 1
}

install_postgres() {
	can_install || return 1
	apt_update
	local name best=0
	while read -r name _; do
		local major="${name#postgresql-}"
		if [ "$major" -ge "$min_postgres" ] && [ "$major" -gt "$best" ] && [ -n "$(candidate "$name")" ]; then
			best="$major"
		fi
	done < <(apt-cache search --names-only '^postgresql-[0-9]+$')
	[ "$best" -gt 0 ] && install_packages "postgresql-$best" && postgres_programs
}

docker_postgres() {
	docker_answers || return 1
	say "starting PostgreSQL in a container"
	local password port options=()
	password="$(random_text)"
	if [ "$mode" = run ]; then
		# The data of a developer's server outlives the container; so does the password that made it.
		[ -s .data.password ] || (umask 077 && printf '%s\n' "$password" >.data.password)
		password="$(cat .data.password)"
		options+=(--volume "massrouter-dev-$(pwd -P | cksum | cut -d' ' -f1):/var/lib/postgresql/data")
	else
		options+=(--tmpfs /var/lib/postgresql/data)
	fi
	start_container 5432 "${options[@]}" --env POSTGRES_PASSWORD="$password" postgres:16 -c max_connections=300 || return 1
	await_container postgres "$container" pg_isready --quiet --host 127.0.0.1 --username postgres || return 1
	emit DATABASE_URL "postgres://postgres:$password@127.0.0.1:$port/postgres?sslmode=disable"
}

check_postgres() {
	if [ -n "${DATABASE_URL:-}" ]; then
		say "PostgreSQL: the server that DATABASE_URL names"
	elif postgres_programs; then
		return 0
	elif install_postgres; then
		say "PostgreSQL: installed"
	elif docker_postgres; then
		say "PostgreSQL: in a container"
	else
		fail "PostgreSQL $min_postgres or newer is needed. Install its server programs (Debian, Ubuntu: apt-get install" \
			"postgresql; Fedora: dnf install postgresql-server; macOS: brew install postgresql@16), or start Docker, or set" \
			"DATABASE_URL to a server on which databases may be created."
	fi
}

# --- Redis ----------------------------------------------------------------------------------------------

redis_programs() { has redis-server || has valkey-server; }

install_redis() {
	can_install || return 1
	apt_update
	local name
	for name in redis-server valkey-server; do
		[ -n "$(candidate "$name")" ] || continue
		install_packages "$name" || return 1
		# The package wants its service at boot; nobody asked for one.
		if has systemctl; then
			as_root systemctl disable --quiet "$name" >/dev/null 2>&1 || say "left the $name service enabled"
		fi
		redis_programs
		return
	done
	return 1
}

docker_redis() {
	docker_answers || return 1
	say "starting Redis in a container"
	local port
	start_container 6379 redis:7 --save '' || return 1
	await_container redis "$container" redis-cli ping || return 1
	emit REDIS_URL "redis://127.0.0.1:$port/0"
}

check_redis() {
	if [ -n "${REDIS_URL:-}" ]; then
		say "Redis: the server that REDIS_URL names"
	elif redis_programs; then
		return 0
	elif install_redis; then
		say "Redis: installed"
	elif docker_redis; then
		say "Redis: in a container"
	elif [ "$mode" = run ]; then
		say "Redis: none found, massrouter dev runs its own"
	else
		fail "Redis is needed. Install it (Debian, Ubuntu: apt-get install redis-server; Fedora: dnf install redis;" \
			"macOS: brew install redis), or start Docker, or set REDIS_URL to a server."
	fi
}

# --- Docker ---------------------------------------------------------------------------------------------

docker_answers() { has docker && docker info >/dev/null 2>&1; }

random_text() { od -An -N16 -tx1 /dev/urandom | tr -d ' \n'; }

container=""

# start_container PORT ARGUMENTS... starts a container on a free port of this machine only; it sets
# container, and the caller's port.
start_container() {
	local inside="$1"
	shift
	container="$(docker run --detach --publish "127.0.0.1::$inside" "$@")" || return 1
	containers+=("$container")
	port="$(docker port "$container" "$inside/tcp" | head -n1)"
	port="${port##*:}"
	[ -n "$port" ]
}

# await_container NAME ID COMMAND... waits until the command succeeds in the container.
await_container() {
	local name="$1" id="$2" tries
	shift 2
	for ((tries = 0; tries < 120; tries++)); do
		docker exec "$id" "$@" >/dev/null 2>&1 && return 0
		sleep 0.5
	done
	say "$name in container $id does not answer"
	return 1
}

# --- Node, for the tests with the official JavaScript clients and with a sign-in provider that is not ours ---

check_node() {
	local dir version
	for dir in internal/sdktest/node internal/oidctest/node; do
		[ -f "$dir/package.json" ] || continue
		has node || install_node || fail "Node $min_node or newer is needed by $dir: see https://nodejs.org/en/download"
		version="$(node --version)"
		[ "$(node_major)" -ge "$min_node" ] || fail "Node $min_node or newer is needed by $dir, this is $version: see https://nodejs.org/en/download"
		has npm || fail "npm is needed by $dir; it comes with Node (Debian, Ubuntu: apt-get install npm)"
		# npm writes this file last, so an interrupted installation is repeated.
		if [ ! "$dir/node_modules/.package-lock.json" -nt "$dir/package-lock.json" ]; then
			say "installing Node packages in $dir"
			npm ci --prefix "$dir" --no-audit --no-fund --ignore-scripts --loglevel=error >&2 || fail "npm ci in $dir failed"
			touch "$dir/node_modules/.package-lock.json"
		fi
	done
}

node_major() { node --version | sed 's/^v\([0-9]*\).*/\1/'; }

install_node() {
	can_install || return 1
	apt_update
	local offered
	offered="$(candidate nodejs)"
	offered="${offered%%.*}"
	[[ "$offered" =~ ^[0-9]+$ ]] && [ "$offered" -ge "$min_node" ] && install_packages nodejs npm
}

# --- RabbitMQ, for the tests of the event bus -------------------------------------------------------------

rabbitmq_program() { [ -x /usr/lib/rabbitmq/bin/rabbitmq-server ] || [ -x /opt/homebrew/opt/rabbitmq/sbin/rabbitmq-server ]; }

# The version that the tests are known to pass on is taken where the distribution has it.
install_rabbitmq() {
	can_install || return 1
	apt_update
	local offered
	offered="$(candidate rabbitmq-server)"
	[ -n "$offered" ] || return 1
	[ "${offered%%-*}" = "$rabbitmq" ] || say "RabbitMQ: the distribution has $offered, not $rabbitmq"
	install_packages "rabbitmq-server=$offered" || return 1
	if has systemctl; then
		as_root systemctl disable --quiet rabbitmq-server >/dev/null 2>&1 || say "left the rabbitmq-server service enabled"
	fi
	rabbitmq_program
}

check_rabbitmq() {
	if rabbitmq_program; then
		return 0
	elif install_rabbitmq; then
		say "RabbitMQ: installed"
	else
		say "no RabbitMQ: the tests of its event bus are skipped (Debian, Ubuntu: apt-get install rabbitmq-server)"
	fi
}

# --- Kafka, for the tests of exports and of the bus --------------------------------------------------------

# check_kafka fetches the jars, pinned by internal/kafkatest, and says what the tests will run against.
check_kafka() {
	local kind status=0
	kind="$(kafka_kind)" || status=$?
	if [ "$status" -eq 3 ] && install_java; then
		status=0
		kind="$(kafka_kind)" || status=$?
	fi
	case "$status" in
	0) say "Kafka in the tests: $kind" ;;
	3)
		say "WARNING: Kafka in the tests: $kind"
		say "WARNING: install Java $min_java and Maven (Debian, Ubuntu: apt-get install default-jre-headless maven), or start Docker"
		;;
	*) fail "the broker of the tests cannot be prepared: see above" ;;
	esac
}

# kafka_kind is not "go run", which hides the exit code.
kafka_kind() {
	local program status=0
	program="$(mktemp)"
	go build -o "$program" ./internal/kafkatest/kafkakind && "$program" || status=$?
	rm -f "$program"
	return "$status"
}

install_java() {
	can_install || return 1
	apt_update
	local version
	for version in 17 21 25; do
		[ -n "$(candidate "openjdk-$version-jre-headless")" ] || continue
		install_packages "openjdk-$version-jre-headless" maven
		return
	done
	return 1
}

# --- the C compiler, for the race detector -----------------------------------------------------------------

check_compiler() {
	has "$(go env CC)" && return 0
	if can_install; then
		apt_update
		install_packages gcc libc6-dev && return 0
	fi
	say "no C compiler: tests run without the race detector (Debian, Ubuntu: apt-get install gcc libc6-dev)"
}

# ------------------------------------------------------------------------------------------------------------

case "$mode" in
run)
	check_go
	check_postgres
	check_redis
	;;
test)
	check_go
	check_postgres
	check_redis
	check_rabbitmq
	check_kafka
	check_compiler
	check_node
	;;
*) fail "unknown mode $mode: run or test" ;;
esac
if [ "${#containers[@]}" -gt 0 ]; then
	emit MASSROUTER_CONTAINERS "${containers[*]}"
fi
