#!/usr/bin/env bash
# The same words for a phone, a screen and a feed: examples/formats.sh me.jpg folder
set -eu
mkdir -p "$2"
for aspect in 9:16 16:9 1:1; do
  mien make --portrait "$1" --text "Hello, wherever you are." --aspect "$aspect" -o "$2/hello-${aspect/:/x}.mp4"
done
