#!/bin/sh
# Starts a command of Parlance, by default the server. A new, empty volume gets the voices that come with Parlance.
set -eu

library=${VOICE_LIBRARY_PATH:-/data/voices}
if [ ! -e "$library/standard" ]; then
    mkdir -p "$library" 2>/dev/null && cp -R /app/voices/standard "$library/" 2>/dev/null ||
        echo "The voices of Parlance could not be copied into $library; the server runs without them." >&2
fi
exec python -m tts_server "$@"
