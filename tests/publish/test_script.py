"""Tests that the loading script is Python that says what the release holds."""

import ast
from typing import Any

import pytest

from gonerd.bio import tag_names
from gonerd.publish.script import loading_script

FILES = {
    "default": {"train": ("data/train-00000.parquet",), "test": ["data/test-00000.parquet"]},
    "annotations": {"train": ["annotations/train-00000.parquet"]},
}


def constants(script: str) -> dict[str, Any]:
    """Read the plain values that a script sets at its top."""
    found = {}
    for node in ast.parse(script).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            try:
                found[node.targets[0].id] = ast.literal_eval(node.value)
            except ValueError:
                continue
    return found


@pytest.mark.parametrize(
    "labels",
    [["PER", "ORG", "LOC", "MISC"], [], ["O'Brien", '"', "{x}", "\\", "\u00c5"]],
    ids=["usual", "none", "hostile"],
)
def test_the_script_compiles_and_holds_tags_and_files(labels: list[str]) -> None:
    script = loading_script("own-data_2", tag_names(labels), FILES)
    compile(script, "own.py", "exec")
    held = constants(script)
    assert held["TAGS"] == tag_names(labels)
    assert held["FILES"] == {
        config: {split: list(names) for split, names in splits.items()}
        for config, splits in FILES.items()
    }
    assert ast.get_docstring(ast.parse(script)) == (
        "Load own-data_2 with datasets 2.x or 3.x: see the README.md of the release."
    )


def test_each_import_stands_on_a_line_of_its_own() -> None:
    """Versions 2.x of datasets read imports line by line, and know just `import x`."""
    script = loading_script("own", tag_names(["PER"]), FILES)
    imports = [
        node
        for node in ast.walk(ast.parse(script))
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert all(isinstance(node, ast.Import) and len(node.names) == 1 for node in imports)
    lines = [line for line in script.splitlines() if line.startswith(("import ", "from "))]
    assert len(lines) == len(imports)
    assert {name.name.split(".")[0] for node in imports for name in node.names} == {
        "datasets",
        "pyarrow",
    }


def test_a_release_without_layers_has_a_script_without_them() -> None:
    script = loading_script("own", tag_names(["PER"]), {"default": FILES["default"]})
    compile(script, "own.py", "exec")
    assert list(constants(script)["FILES"]) == ["default"]
