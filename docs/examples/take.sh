#!/usr/bin/env bash
# Hand every result to a command: take.sh OUTBOX WORK COMMAND [ARGUMENT]...
# It gets the path of a JSON file as its last argument, and each result at least once, until it has ended with 0.
# WORK is a folder of your own on the outbox's file system: there, taking a result is a rename.
set -euo pipefail
outbox=$1 work=$2
shift 2
mkdir -p "$work/taken" "$work/done"

look() {
    local file id
    find "$outbox" -type f -name '*.json' ! -name '.*' -print0 |
        while IFS= read -r -d '' file; do
            id=$(jq -r .id "$file")
            mv -- "$file" "$work/taken/$id.json"
        done
    for file in "$work"/taken/*.json; do
        [ -e "$file" ] || continue
        # After a power cut a result may come again: with the id that it had.
        [ -e "$work/done/${file##*/}" ] || "$@" "$file"
        mv -- "$file" "$work/done/"
    done
}

# An event only says that it is worth a look; what there is, the look finds. So nothing is missed that an event was
# lost for: without one, the next look is a minute later.
exec 3< <(exec inotifywait --quiet --monitor --recursive --event moved_to --format . "$outbox")
watcher=$!
trap 'kill "$watcher"' EXIT
while true; do
    look "$@"
    # 128 and above: a minute has passed. Else the watcher has ended.
    read -r -t 60 -u 3 _ || [ $? -gt 128 ]
    # All events of a burst are worth one look.
    while read -r -t 0.1 -u 3 _; do :; done
done
