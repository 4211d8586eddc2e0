#!/usr/bin/env bash
# Prints a Python that Mien runs on: the one named as $1, else the first that fits. One sentence when there is none.
set -eu

fits() {
  command -v "$1" >/dev/null 2>&1 &&
    "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null
}

for candidate in ${1:-python3 python3.13 python3.12 python3.11}; do
  if fits "$candidate"; then
    if ! "$candidate" -c 'import venv, ensurepip' 2>/dev/null; then
      echo "$candidate lacks venv. Install it (on Debian and Ubuntu: apt install python3-venv)." >&2
      exit 1
    fi
    command -v "$candidate"
    exit 0
  fi
done
echo "Mien needs Python 3.11, 3.12 or 3.13, and ${1:-python3} is not one. Name yours: PYTHON=python3.12 make setup" >&2
exit 1
