"""The documentation agrees with the program: links, exit statuses, settings, model files, commands and options."""

from __future__ import annotations

import re
import tomllib
from contextlib import redirect_stdout
from dataclasses import asdict, fields
from functools import cache
from io import StringIO
from pathlib import Path

import pytest

import mien
from mien import bundles, config, errors, models, plugins
from mien.apps import cli
from mien.apps.jobs.states import State

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
IN_CHINESE = [
    "README",
    "docs/README",
    "docs/align",
    "docs/api",
    "docs/avatar-format",
    "docs/batch",
    "docs/cli",
    "docs/hearing",
    "docs/mimic",
    "docs/motion",
    "docs/page",
    "docs/quality",
    "docs/recorded-voices",
    "docs/script-marks",
    "docs/sending",
    "docs/serving",
    "docs/settings",
    "docs/streaming",
    "docs/studio",
    "docs/studio-web",
    "docs/thinking",
    "docs/training",
    "docs/troubleshooting",
    "docs/trust",
    "docs/voices",
]


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.S)
    for target in re.findall(r"\]\(([^)\s]+)\)|(?:src|href)=\"([^\"]+)\"", text):
        place = (target[0] or target[1]).partition("#")[0]
        if place and not re.match(r"[a-z]+:", place):
            assert (page.parent / place).exists(), f"{page.name} links to {place}"


@pytest.mark.parametrize("name", IN_CHINESE)
def test_pages_that_users_read_have_a_chinese_equal(name: str) -> None:
    english = ROOT / f"{name}.md"
    chinese = ROOT / f"{name.replace('docs/', 'docs/zh-CN/')}.md" if "/" in name else ROOT / f"{name}.zh-CN.md"
    first, second = english.read_text("utf-8"), chinese.read_text("utf-8")
    assert _shape(first) == _shape(second)


def _shape(text: str) -> list[str]:
    """Headings' levels, rows of tables and blocks of code, in order."""
    shape = []
    for line in text.splitlines():
        found = re.match(r"(#+) |(\|)|(```\w*)", line)
        if found:
            shape.append(found[1] or found[2] or found[3])
    return shape


@pytest.mark.parametrize("page", ["docs/cli.md", "docs/zh-CN/cli.md"])
def test_the_table_of_exit_statuses_is_the_program_s(page: str) -> None:
    text = (ROOT / page).read_text("utf-8")
    told = {int(status) for status in re.findall(r"^\| (\d+) \|", text, flags=re.M)}
    kinds = [k for k in vars(errors).values() if isinstance(k, type) and issubclass(k, errors.MienError)]
    assert told == {0} | {kind.exit_status for kind in kinds}


@pytest.mark.parametrize("page", ["docs/settings.md", "docs/zh-CN/settings.md"])
def test_the_settings_shown_are_all_there_are_with_their_defaults(page: str) -> None:
    block = re.search(r"```toml\n(.*?)```", (ROOT / page).read_text("utf-8"), flags=re.S)
    assert block
    shown = tomllib.loads(block[1])
    settings = config.Settings()
    real = {f.name: getattr(settings, f.name) for f in fields(settings) if f.name != "origin"}
    assert shown == {name: value if isinstance(value, bool) else asdict(value) for name, value in real.items()}


def test_the_table_of_model_files_is_the_catalogue() -> None:
    text = (ROOT / "docs/models.md").read_text("utf-8")
    rows = re.findall(r"^\| `(\w+)` \| .* \| ([\d.]+) \| (.*?) \| (\w+) \|$", text, flags=re.M)
    known = [(m.name, f"{m.size / 1e6:.1f}", m.licence, m.commercial) for m in models.catalogue().values()]
    assert rows == known


@pytest.mark.parametrize("page", ["docs/voices.md", "docs/zh-CN/voices.md"])
def test_the_tables_of_voices_are_the_catalogue_and_the_back_ends(page: str) -> None:
    text = (ROOT / page).read_text("utf-8")
    rows = re.findall(r"^\| `([\w-]+)` \| ([a-z ]+) \| .* \| ([\d.?]+) \| (.*?) \| (\w+) \|$", text, flags=re.M)
    known = [
        (b.name, " ".join(b.languages), f"{b.size / 1e6:.1f}" if b.size else "?", b.licence, b.commercial)
        for b in bundles.of("speak").values()
    ]
    assert rows == known
    assert all(f"| `{name}` |" in text for name in plugins.available("speak"))


@pytest.mark.parametrize("page", ["docs/hearing.md", "docs/zh-CN/hearing.md"])
def test_the_tables_of_hearing_are_the_catalogue_and_the_back_ends(page: str) -> None:
    text = (ROOT / page).read_text("utf-8")
    rows = re.findall(r"^\| `([\w-]+)` \| ([a-z ]+|\*) \| .* \| ([\d.?]+) \| (.*?) \| (\w+) \|$", text, flags=re.M)
    known = [
        (b.name, " ".join(b.languages) or "*", f"{b.size / 1e6:.1f}" if b.size else "?", b.licence, b.commercial)
        for b in bundles.of("hear").values()
    ]
    assert rows == known
    assert all(f"| `{name}` |" in text for name in plugins.available("hear"))


@pytest.mark.parametrize("page", ["docs/cli.md", "docs/zh-CN/cli.md"])
@pytest.mark.parametrize(
    "command",
    [["make"], ["voice", "say"], ["eval", "film"], *(["avatar", c] for c in ("create", "show", "export", "import"))],
)
def test_every_option_is_on_the_page(
    page: str, command: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert cli.main([*command, "--help"]) == 0
    options = set(re.findall(r"^│ +(--[\w-]+)", capsys.readouterr().out, flags=re.M))
    assert "--help" in options
    text = (ROOT / page).read_text("utf-8")
    assert {option for option in options if f"`{option}" not in text} == set()


@pytest.mark.parametrize("page", ["docs/motion.md", "docs/zh-CN/motion.md"])
def test_every_option_of_motion_is_on_its_page(
    page: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert cli.main(["motion", "--help"]) == 0
    options = set(re.findall(r"^│ +(--[\w-]+)", capsys.readouterr().out, flags=re.M)) - {"--help"}
    text = (ROOT / page).read_text("utf-8")
    assert options
    assert {option for option in options if f"`{option}" not in text} == set()


@pytest.mark.parametrize("page", ["docs/batch.md", "docs/zh-CN/batch.md"])
def test_every_option_and_state_of_batches_is_on_its_page(
    page: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert cli.main(["batch", "--help"]) == 0
    options = set(re.findall(r"^│ +(--[\w-]+)", capsys.readouterr().out, flags=re.M)) - {"--help"}
    text = (ROOT / page).read_text("utf-8")
    assert "--store" in options
    assert {option for option in options if f"`{option}" not in text} == set()
    assert all(f"| `{state}` |" in text for state in State)


@pytest.mark.parametrize("page", ["docs/thinking.md", "docs/zh-CN/thinking.md"])
def test_every_option_of_ask_and_every_thinker_is_on_its_page(
    page: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert cli.main(["ask", "--help"]) == 0
    options = set(re.findall(r"^│ +(--[\w-]+)", capsys.readouterr().out, flags=re.M)) - {"--help"}
    text = (ROOT / page).read_text("utf-8")
    assert {option for option in options if f"`{option}" not in text} == set()
    assert all(f"| `{name}` |" in text for name in plugins.available("think"))


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_python_shown_compiles_and_names_what_there_is(page: Path) -> None:
    for block in re.findall(r"```python\n(.*?)```", page.read_text("utf-8"), flags=re.S):
        compile(block, page.name, "exec")
        assert set(re.findall(r"\bmien\.(\w+)\(", block)) <= set(mien.__all__)


def test_the_map_shows_every_part() -> None:
    shown = (ROOT / "docs/architecture.md").read_text("utf-8")
    for path in (ROOT / "src/mien").iterdir():
        if path.is_dir() and list(path.rglob("*.py")):
            assert f"{path.name}/" in shown
        elif path.suffix == ".py" and not path.name.startswith("_"):
            assert path.name in shown


def _spoken() -> list[tuple[str, str, str]]:
    """Every command line in the documentation's code blocks: page, command, and its words."""
    found = []
    for page in PAGES:
        for block in re.findall(r"```(?:sh|bash|console)?\n(.*?)```", page.read_text("utf-8"), flags=re.S):
            whole = re.sub(r"\\\n\s*", " ", block)
            for line in re.findall(r"^(?:\$ )?(?:MIEN_\w+=\S+ )*mien (\w+(?: \S.*)?)$", whole, flags=re.M):
                command, _, words = line.partition(" ")
                found.append((page.name, command, words))
    return found


@cache
def _help(words: tuple[str, ...]) -> str:
    """What ``mien WORDS --help`` prints."""
    with redirect_stdout(StringIO()) as said:
        assert cli.main([*words, "--help"]) == 0
    return said.getvalue()


@pytest.mark.parametrize(("page", "command", "words"), _spoken())
def test_commands_and_options_shown_exist(page: str, command: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert command in cli.COMMANDS
    plain = re.sub(r'"[^"]*"|\'[^\']*\'', "TEXT", words.partition("#")[0])
    first = plain.split()[0] if plain.split() else ""
    group = command in ("avatar", "memory", "voice", "models", "eval", "train", "studio", "consent", "review")
    help_text = _help((command, first) if group else (command,))
    for option in re.findall(r"(?<!\S)(--?[a-z][\w-]*)", plain):
        assert option in ("--json", "--offline") or re.search(rf"(?<!\S){option}(?![\w-])", help_text), option
