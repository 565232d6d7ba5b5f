#!/bin/sh
# Writes the lock files: versions and hashes of every dependency, and no download host.
set -eu
cd "$(dirname "$0")/../.."
uv=${UV:-.venv/bin/uv}
compile() { # compile OUT ARGS...
    out=$1; shift
    "$uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes \
        --no-header --no-annotate --no-emit-index-url --no-emit-find-links "$@" -o "deploy/locks/$out"
}
compile runtime.lock pyproject.toml
compile build.lock --group build
compile dev.lock pyproject.toml --group dev -c deploy/locks/runtime.lock
compile portal.lock deploy/package/requirements.in -c deploy/locks/runtime.lock
compile model.lock --group model --no-deps
