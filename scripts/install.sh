#!/usr/bin/env bash
# install.sh VENV ARGUMENTS...: uv pip install into VENV. uv does not read pip's settings, so the package index that
# pip is set up with (a mirror, say) is passed on, unless uv has one of its own.
set -eu
venv=$1
shift
if [[ -z ${UV_DEFAULT_INDEX:-}${UV_INDEX_URL:-}${UV_CONFIG_FILE:-} && ! -e ${XDG_CONFIG_HOME:-$HOME/.config}/uv/uv.toml ]]; then
  index=$("$venv/bin/python" -m pip config list 2>/dev/null | sed -n "s/^[a-z:]*\.index-url='\(.*\)'$/\1/p" | tail -n 1)
  if [[ -n $index ]]; then
    export UV_DEFAULT_INDEX=$index
  fi
fi
exec "$venv/bin/uv" pip install --quiet --python "$venv/bin/python" "$@"
