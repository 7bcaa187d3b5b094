#!/bin/sh
# Starts Parlance. Finds a Python, then leaves the rest to tts_server/launcher/launcher.py; `./run.sh --help` lists the commands.

self=$0
while [ -L "$self" ]; do
    link=$(readlink -- "$self")
    case $link in
        /*) self=$link ;;
        *) self=$(dirname -- "$self")/$link ;;
    esac
done
here=$(CDPATH='' cd -- "$(dirname -- "$self")" && pwd -P) || exit 1
launcher=$here/tts_server/launcher/launcher.py

# -I keeps the caller's folder and PYTHON* variables out of the launcher.
start() {
    python=$1
    shift
    exec "$python" -I "$launcher" "$@"
}

# The usual case: the environment is there and its Python runs.
ready=${PARLANCE_VENV:-$here/.venv}/bin/python
if [ -x "$ready" ] && "$ready" -I -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then
    start "$ready" "$@"
fi

# Best is a tested Python that can make environments; else one that cannot (the launcher says what to install), else a newer one.
check='import sys; v = sys.version_info[:2]; sys.stdout.write("%d.%d" % v); sys.exit(1 if v < (3, 10) else 2 if v > (3, 14) else 0)'
old='' incomplete='' newer=''
for candidate in python3 python3.14 python3.13 python3.12 python3.11 python3.10 python; do
    command -v "$candidate" >/dev/null 2>&1 || continue
    version=$("$candidate" -E -c "$check" 2>/dev/null)
    case $? in
        0)
            if "$candidate" -I -c 'import ensurepip, venv' 2>/dev/null; then
                start "$candidate" "$@"
            fi
            incomplete=${incomplete:-$candidate}
            ;;
        1) [ -n "$version" ] && old=$version ;;
        2) newer=${newer:-$candidate} ;;
    esac
done
for candidate in $incomplete $newer; do
    start "$candidate" "$@"
done

{
    if [ -n "$old" ]; then
        echo "Parlance needs Python 3.10 or newer; the newest one found here is $old."
    else
        echo "Parlance needs Python 3.10 or newer, and no Python was found."
    fi
    echo "Install one, then start again:"
    if command -v apt-get >/dev/null 2>&1; then
        echo "    sudo apt install python3 python3-venv"
    elif command -v dnf >/dev/null 2>&1; then
        echo "    sudo dnf install python3.12"
    elif command -v brew >/dev/null 2>&1; then
        echo "    brew install python@3.12"
    fi
    echo "Every system: https://www.python.org/downloads/"
} >&2
exit 1
