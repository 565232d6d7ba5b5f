#!/bin/sh
# Keeps the seven newest backups and removes the others.
set -eu
folder=${1:?usage: rotate.sh FOLDER}
ls -1t "$folder"/*.tar.gz 2>/dev/null | tail -n +8 | while read -r old; do
    echo "removing $old"
    rm -- "$old"
done
