#!/usr/bin/env bash
# The person alone, to lay over anything, for browsers and for editors: examples/transparent.sh me.jpg folder
set -eu
mkdir -p "$2"
mien make --portrait "$1" --text "I can stand in front of anything." --background transparent -o "$2/person.webm"
mien make --portrait "$1" --text "I can stand in front of anything." --background transparent -o "$2/person.mov"
