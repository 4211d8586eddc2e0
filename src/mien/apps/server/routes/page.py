"""The page, the stage for OBS, and a plain list of the API."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from fastapi import APIRouter, FastAPI
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.staticfiles import StaticFiles

from mien.apps.server.common import TheDesk
from mien.apps.server.desk import Desk

router = APIRouter(include_in_schema=False)

FOLDER: Final = Path(__file__).parents[1] / "page"
_POLICY: Final = (
    "default-src 'self'; connect-src 'self' ws: wss:; img-src 'self' data: blob:; media-src 'self' blob:; "
    "style-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'"
)  # and the pages that may use the API may also hold the page in a frame
_NO_CACHE: Final = {"Cache-Control": "no-cache"}


def mount(app: FastAPI) -> None:
    """Serve the page's own files under /page/."""
    app.include_router(router)
    if FOLDER.is_dir():
        app.mount("/page", _Fresh(directory=FOLDER), name="page")


@router.get("/")
async def page(desk: TheDesk) -> Response:
    """The page."""
    return _file("index.html", desk)


@router.get("/stage")
async def stage(desk: TheDesk) -> Response:
    """The avatar alone, transparent, for OBS."""
    return _file("stage.html", desk)


@router.get("/favicon.ico")
async def icon() -> Response:
    """Browsers ask for it."""
    file = FOLDER / "favicon.svg"
    return FileResponse(file) if file.is_file() else Response(status_code=204)


@router.get("/docs")
async def docs() -> Response:
    """The API as a list, made by the browser from /openapi.json; nothing comes from elsewhere."""
    return HTMLResponse(_DOCS, headers={**_NO_CACHE, "Content-Security-Policy": _DOCS_POLICY})


class _Fresh(StaticFiles):
    """Modules of two versions must not meet in a browser's cache: it asks each time, and mostly hears "as before"."""

    def file_response(self, *arguments: Any, **more: Any) -> Response:
        response = super().file_response(*arguments, **more)
        response.headers.update(_NO_CACHE)
        return response


def _file(name: str, desk: Desk) -> Response:
    file = FOLDER / name
    if not file.is_file():
        raise HTTPException(404)
    policy = " ".join([_POLICY, *desk.options.origins])
    return FileResponse(file, headers={**_NO_CACHE, "Content-Security-Policy": policy})


_DOCS_POLICY: Final = "default-src 'none'; connect-src 'self'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
_DOCS: Final = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Mien: API</title>
<meta name="viewport" content="width=device-width">
<style>
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
summary{cursor:pointer;padding:.3rem 0}code{background:#8882;padding:0 .3em;border-radius:3px}
pre{background:#8881;padding:.7rem;overflow:auto;border-radius:6px;font-size:.85rem}
b{display:inline-block;min-width:4.5em}
</style>
<h1>Mien: API</h1><p>The whole of it, for programs: <a href="/openapi.json">/openapi.json</a>.</p><main></main>
<script>
const main = document.querySelector("main");
const add = (tag, text, to = main) => {
  const made = document.createElement(tag);
  made.textContent = text;
  to.append(made);
  return made;
};
fetch("/openapi.json").then((answer) => answer.json()).then((api) => {
  const named = (one) => one && one.$ref ? api.components.schemas[one.$ref.split("/").pop()] : one;
  for (const [path, methods] of Object.entries(api.paths)) {
    for (const [method, about] of Object.entries(methods)) {
      const box = add("details", "");
      const line = add("summary", "", box);
      add("b", method.toUpperCase(), line);
      add("code", path, line);
      line.append(" " + (about.description || about.summary || ""));
      const body = Object.values(about.requestBody?.content || {})[0];
      if (body) add("pre", "request: " + JSON.stringify(named(body.schema), null, 1), box);
      for (const [status, answer] of Object.entries(about.responses)) {
        const content = Object.values(answer.content || {})[0];
        const text = content && content.schema ? JSON.stringify(named(content.schema), null, 1) : "";
        add("pre", status + " " + text, box);
      }
    }
  }
});
</script></html>
"""
