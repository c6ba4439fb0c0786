"""Tests that a guide gives its labels in order, and that a broken one is refused by name."""

from pathlib import Path

import pytest

from gonerd.errors import ConfigError
from gonerd.guide import load_guide, read_front_matter, shipped

GUIDE = """---
name: ships
version: 3
labels:
  ZED: "Vessels."
  ALPHA: "Ports."
---

# Ships

Mark every vessel.
---
Not front matter.
"""


def write_guide(folder: Path, content: str) -> Path:
    """Write a guide of one's own."""
    path = folder / "ships.md"
    path.write_text(content, encoding="utf-8", newline="")
    return path


def test_the_shipped_guide_is_found_by_its_name() -> None:
    guide = load_guide("gonerd")

    assert guide.reference == f"gonerd@{guide.version}"
    assert list(guide.labels) == ["PER", "ORG", "LOC", "MISC"]
    assert all(sentence.endswith(".") for sentence in guide.labels.values())
    assert guide.text.startswith("# ")


@pytest.mark.parametrize("kind", ["builders", "annotation_guides", "data_cards"])
def test_what_comes_with_the_code_is_found(kind: str) -> None:
    assert shipped(kind).is_dir()


@pytest.mark.parametrize("line_end", ["\n", "\r\n"], ids=["unix", "windows"])
def test_a_guide_is_found_by_its_path(tmp_path: Path, line_end: str) -> None:
    guide = load_guide(str(write_guide(tmp_path, GUIDE.replace("\n", line_end))))

    assert (guide.name, guide.version, guide.reference) == ("ships", 3, "ships@3")
    assert guide.labels == {"ZED": "Vessels.", "ALPHA": "Ports."}
    assert guide.text == "# Ships\n\nMark every vessel.\n---\nNot front matter.\n"


def test_labels_keep_the_order_of_the_guide(tmp_path: Path) -> None:
    assert list(load_guide(str(write_guide(tmp_path, GUIDE))).labels) == ["ZED", "ALPHA"]


@pytest.mark.parametrize("name", ["gonred", "", "none/such", "none.md"])
def test_a_guide_that_does_not_exist_is_refused_with_those_that_do(name: str) -> None:
    with pytest.raises(ConfigError) as error:
        load_guide(name)
    assert str(error.value) == (
        f"guide {name!r}: no such guide; expected one of gonerd, or the path of a .md file."
    )


@pytest.mark.parametrize(
    "markdown",
    [
        "",
        "# Ships\n",
        "---\nname: ships\n",
        " ---\nname: ships\n---\n",
        "text\n---\nname: x\n---\n",
    ],
    ids=["empty", "none", "never closed", "indented", "not at the start"],
)
def test_markdown_without_front_matter_is_refused(markdown: str) -> None:
    with pytest.raises(ConfigError) as error:
        read_front_matter(markdown, "ships.md")
    assert str(error.value) == (
        "ships.md: no front matter; expected YAML between two lines of '---'."
    )


@pytest.mark.parametrize(
    ("matter", "value"),
    [("- a\n- b", "['a', 'b']"), ("ships", "'ships'"), ("7", "7"), ("", "None")],
    ids=["list", "string", "number", "nothing"],
)
def test_front_matter_without_keys_is_refused(matter: str, value: str) -> None:
    with pytest.raises(ConfigError) as error:
        read_front_matter(f"---\n{matter}\n---\ntext", "ships.md")
    assert str(error.value) == f"ships.md: front matter is {value}; expected keys with values."


@pytest.mark.parametrize(
    "matter",
    ["name: [ships", "a: b: c", "\tname: x", "name: !!python/object:os.system x", "x: \x07"],
    ids=["open bracket", "two colons", "tab", "python object", "control character"],
)
def test_front_matter_that_is_not_yaml_is_refused(matter: str) -> None:
    with pytest.raises(ConfigError) as error:
        read_front_matter(f"---\n{matter}\n---\ntext", "ships.md")
    assert str(error.value).startswith("ships.md: front matter is not YAML (")
    assert str(error.value).endswith("); expected YAML.")


def test_an_impossible_date_in_front_matter_is_refused() -> None:
    with pytest.raises(ConfigError) as error:
        read_front_matter("---\nname: ships\nfrom: 2026-02-30\n---\ntext", "ships.md")
    assert str(error.value).startswith("ships.md: front matter is not YAML (")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("name: ships\n", "", id="no name"),
        pytest.param("name: ships", "name: 17", id="name a number"),
        pytest.param("name: ships", 'name: ""', id="name empty"),
        pytest.param("version: 3\n", "", id="no version"),
        pytest.param("version: 3", "version: true", id="version a boolean"),
        pytest.param("version: 3", 'version: "3"', id="version a string"),
        pytest.param("version: 3", "version: 1.5", id="version a float"),
        pytest.param('  ZED: "Vessels."\n  ALPHA: "Ports."\n', "  {}\n", id="no labels"),
        pytest.param('"Vessels."', "", id="label without a sentence"),
        pytest.param("ZED:", "NO:", id="label that YAML reads as false"),
        pytest.param("ZED:", "17:", id="label a number"),
        pytest.param("ZED:", '"":', id="label empty"),
        pytest.param("ZED:", '"BIG SHIP":', id="label with a blank"),
    ],
)
def test_a_guide_of_wrong_form_is_refused(tmp_path: Path, old: str, new: str) -> None:
    assert old in GUIDE
    path = write_guide(tmp_path, GUIDE.replace(old, new))
    matter, _ = read_front_matter(path.read_text(encoding="utf-8"), str(path))

    with pytest.raises(ConfigError) as error:
        load_guide(str(path))
    assert str(error.value) == (
        f"{path}: front matter {matter!r}; expected name (a string), version (a whole number) "
        "and labels (each one word, with a sentence)."
    )


def test_a_guide_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ships.md"
    path.write_bytes(GUIDE.encode() + b"\xeb")

    with pytest.raises(ConfigError) as error:
        load_guide(str(path))
    assert str(error.value).startswith(f"{path}: ")
