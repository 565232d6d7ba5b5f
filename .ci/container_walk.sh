#!/usr/bin/env bash
# The exported package for real: with containers in both topologies, and with its own two commands.
# Needs a container engine with Compose, and Chromium. Starts and removes only things of its own.
#
# usage: .ci/container_walk.sh [pytest options, for instance -k cluster]
set -euo pipefail
cd "$(dirname "$0")/.."
exec </dev/null
testbed=${STUDIO_TESTBED:-../shared/testbed}
if ! docker info >/dev/null 2>&1; then
    if [ ! -x "$testbed/docker-up" ]; then
        echo "There is no container engine here. Start Docker, or set STUDIO_TESTBED to a test bed." >&2
        exit 1
    fi
    "$testbed/docker-up"
fi
make --no-print-directory setup-dev
started=$SECONDS
.venv/bin/python -m pytest tests/container -m container -p no:randomly -s "$@"
echo "container walk: $((SECONDS - started)) s; screens in artifacts/screens, logs in artifacts/containers"
