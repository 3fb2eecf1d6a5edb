#!/bin/sh
# Finds a Python that Volant runs on and hands over to scripts/setup.py. Needs nothing but a shell.
# PYTHON=/path/to/python chooses another one.
set -eu
cd "$(dirname "$0")/.."

fits() {
    "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null
}

find_python() {
    for name in ${PYTHON:-} .venv/bin/python python3 python3.13 python3.12 python3.11; do
        if command -v "$name" >/dev/null 2>&1 && fits "$name"; then
            echo "$name"
            return
        fi
    done
}

python=$(find_python)
if [ -z "$python" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "setup: no Python 3.11 to 3.13 here, installing Debian's"
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends python3 python3-venv; } </dev/null >/dev/null
    python=$(find_python)
fi
if [ -z "$python" ]; then
    echo "setup: Volant needs Python 3.11, 3.12 or 3.13: apt-get install python3 python3-venv" >&2
    exit 1
fi
exec "$python" scripts/setup.py "$@"
