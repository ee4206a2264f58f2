#!/bin/sh
# Makes an image from Debian's packages alone, for machines that reach no registry: base.sh IMAGE. Needs root, debootstrap.
set -eu
image=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
debootstrap --variant=minbase --include=python3,python3-venv,ca-certificates bookworm "$folder" \
  "${DEBIAN_MIRROR:-http://deb.debian.org/debian}" >&2
rm -rf "$folder"/var/cache/apt/* "$folder"/var/lib/apt/lists/* "$folder"/var/cache/debconf/*
tar -C "$folder" -c . | docker import --change 'ENV PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin' - "$image" >&2
