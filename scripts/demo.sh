#!/usr/bin/env bash
# The main job, from nothing: set up, start the stack, submit the photo of a face as a client would, watch it, and
# show the season. Leaves the stack running. Exits with the exit code of the submission.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

"$ROOT/scripts/stack.sh" up
"$ROOT/scripts/fetch-photos.sh"
export_settings

say demo "toneup submit .local/photos/face.jpg --watch"
status=0
"$ROOT/target/${PROFILE:-debug}/toneup" submit "$LOCAL/photos/face.jpg" --watch --url "http://$API_LISTEN" || status=$?

printf '\nThe page: http://%s/   (stop everything: make down)\n' "$API_LISTEN"
exit "$status"
