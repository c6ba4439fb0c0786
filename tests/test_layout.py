"""The house keeps its own rules: import directions, names, documents that match the code."""

import ast
import re
from pathlib import Path

import pytest

import gonerd
from gonerd.guide import load_guide
from tests.conftest import ROOT

PACKAGE = ROOT / "gonerd"
MODULES = sorted(PACKAGE.rglob("*.py"))
STEPS = ("collect", "prelabel", "formats", "review", "reconcile", "publish", "student")
ABOVE = ("build", "consensus", "judge", "teach", "cli", "__main__")
"""What may import the steps."""


def imported(path: Path) -> set[str]:
    """List what a module imports, anywhere in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def place(path: Path) -> str:
    """Name the step a module belongs to, or the module itself at the root."""
    parts = path.relative_to(PACKAGE).parts
    return parts[0] if len(parts) > 1 else path.stem


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_imports_point_one_way(path: Path) -> None:
    mine = place(path)
    for name in imported(path):
        parts = name.split(".")
        if parts[0] in ("torch", "transformers") and mine != "student":
            pytest.fail(f"{path}: imports {parts[0]}; only the student may")
        if parts[0] != "gonerd" or len(parts) < 2:
            continue
        target = parts[1]
        if mine in STEPS:
            assert target not in ABOVE, f"{path}: a step imports {name}"
            assert target not in STEPS or target == mine, f"{path}: a step imports another, {name}"
        elif mine not in ABOVE:
            assert target not in (*STEPS, *ABOVE), f"{path}: the root imports {name}"


@pytest.mark.parametrize(
    "path",
    [*MODULES, *sorted((ROOT / "prelabeller").glob("*.py")), *sorted(ROOT.glob("tests/**/*.py"))],
    ids=lambda path: path.relative_to(ROOT).as_posix(),
)
def test_every_module_opens_with_what_it_does(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    if path.name == "__init__.py" and not text:
        return
    assert ast.get_docstring(ast.parse(text)), f"{path}: no docstring"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_code_is_ascii_and_public_things_say_what_they_do(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.isascii()
    assert len(text.splitlines()) <= 450
    for node in public_definitions(ast.parse(text)):
        assert ast.get_docstring(node), f"{path}: {node.name}"


def public_definitions(tree: ast.Module | ast.ClassDef) -> list[ast.FunctionDef | ast.ClassDef]:
    """List the public functions and classes of a module, and the methods of the latter."""
    found = [
        node
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
    ]
    methods = [
        m for node in found if isinstance(node, ast.ClassDef) for m in public_definitions(node)
    ]
    return [*found, *methods]


def test_no_room_is_called_by_nothing() -> None:
    banned = {"utils", "util", "helpers", "helper", "base", "common", "misc", "manager"}
    assert not banned & {path.stem for path in MODULES}


def test_public_names_are_sorted_and_exact() -> None:
    assert gonerd.__all__ == sorted(gonerd.__all__)
    assert all(hasattr(gonerd, name) for name in gonerd.__all__)


def test_every_command_stands_in_the_readme_with_its_own_words() -> None:
    from typer.main import get_command

    from gonerd.cli import app

    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `gonerd (\w+)[^`]*` \| (.+?) \|$", readme, re.MULTILINE))
    commands = get_command(app).commands  # type: ignore[attr-defined]
    assert sorted(rows) == sorted(commands)
    for name, command in commands.items():
        assert rows[name] == command.help.split("\n\n")[0].replace("\n", " ")


def test_every_module_is_in_the_readmes_tree_or_in_its_package() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    tree = readme.split("## Where things are")[1].split("```")[1]
    folder = ""
    listed = set()
    for line in tree.splitlines():
        match = re.match(r"^( *)(\S+)  ", line + "  ")
        if not match or not match.group(2):
            continue
        depth, name = len(match.group(1)) // 2, match.group(2)
        if depth == 0:
            folder = name if name.endswith("/") else ""
            listed.add(name)
        elif depth == 1:
            inside = name if name.endswith("/") else ""
            listed.add(folder + name)
        else:
            listed.add(folder + inside + name)
    assert all((ROOT / name).exists() for name in listed)
    for path in MODULES:
        if path.name == "__init__.py" and path.parent != PACKAGE:
            continue
        inside = ast.get_docstring(ast.parse((path.parent / "__init__.py").read_text()))
        in_package = re.search(rf"^{re.escape(path.name)}  ", inside or "", re.MULTILINE)
        assert path.relative_to(ROOT).as_posix() in listed or in_package, path


def test_every_builder_has_its_card_and_its_guide() -> None:
    from gonerd.build import load_plan

    builders = sorted((ROOT / "builders").glob("*.toml"))
    assert {path.stem for path in builders} == {
        path.stem for path in (ROOT / "data_cards").glob("*.md")
    }
    for path in builders:
        plan = load_plan(str(path), work=Path("work"))
        assert plan.builder.name == path.stem == plan.builder.card
        assert plan.guide.reference == load_guide(plan.builder.guide).reference


def test_the_builder_in_the_readme_is_a_whole_one(tmp_path: Path) -> None:
    import tomllib

    from gonerd.build import Builder
    from gonerd.config import from_table

    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = readme.split("```toml\n")[1].split("```")[0]
    assert from_table(Builder, tomllib.loads(shown), "README.md").name == "letters"


def test_the_version_in_the_changelog_is_open() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert "## Unreleased" in changelog
