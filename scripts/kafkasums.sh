#!/usr/bin/env bash
# Writes internal/kafkatest/jars.sum: the hashes of the jars that the pom.xml beside it leads to.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../internal/kafkatest"
jars="$(mktemp -d)"
trap 'rm -rf "$jars"' EXIT
mvn --batch-mode --quiet --file pom.xml dependency:copy-dependencies -DoutputDirectory="$jars"
(cd "$jars" && sha256sum -- *.jar | LC_ALL=C sort -k2) >jars.sum
