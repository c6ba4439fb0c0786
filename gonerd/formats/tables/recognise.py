"""The columns of a table into the parts they play: tokens and tags, or a text and its spans.

Names are tried first, then what the cells hold. Where two columns could play a part that decides
what is an entity, nothing is guessed: the error names the option that settles it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gonerd.errors import ConfigError
from gonerd.formats.annotation_tools.text_field import Evidence, find_text_field
from gonerd.formats.layers import ReadOptions
from gonerd.formats.tables.column_names import (
    ANNOTATORS,
    ASIDES,
    IDS,
    ROLES,
    SPACES,
    SPANS,
    STATUSES,
    TEXTS,
    TOKEN_ENDS,
    TOKEN_STARTS,
    TOKENS,
    plain,
    rank,
)
from gonerd.formats.tables.rows import Table
from gonerd.formats.tables.span_cells import Shape, find_shape, spans_in
from gonerd.formats.tables.tag_choice import (
    Search,
    ambiguous,
    find_names,
    find_tags,
    find_tokens,
    find_words,
    fits_tokens,
    tags_in,
    words_in,
)

_NAME = (str, int)
_PLAIN = {
    "id": (IDS, _NAME),
    "annotator": (ANNOTATORS, _NAME),
    "guide": (("guide",), str),
    "coverage": (("coverage", "reviewedranges"), list),
    "status": (STATUSES, str),
    "spaces": (SPACES, list),
    "starts": (TOKEN_STARTS, list),
    "ends": (TOKEN_ENDS, list),
}
_RELEASE = {"id", "text", "tokens", "ner_tags", "token_starts", "token_ends", "spans", "num_tokens"}
_ENOUGH = 200
"""Rows by whose labels it is known whether labels are numbers."""
_PREFIXES = ("B-", "I-", "E-", "L-", "S-", "U-")
_TEXT_OF_OURS = "text_sha256"


@dataclass(frozen=True, kw_only=True, slots=True)
class Parts:
    """Which column plays which part, and how the entities are read."""

    columns: Mapping[str, str]
    """Role and column."""
    shape: Shape | None = None
    """Of the column `spans`; None where it holds none."""
    names: tuple[str, ...] = ()
    """What numbers among tags or labels stand for."""
    is_release: bool = False
    """Whether these are the rows of a release of ours: gold, over the whole of each text."""
    are_pieces: bool = False
    """Whether spans are tagged tokens (`B-PER`, `I-PER`) that make entities together."""
    is_arrow: bool = False
    """Whether numbers come out of columns of 32 bits, so that 0.9 may be 0.8999999761581421."""
    unread: tuple[str, ...] = ()
    """Columns of tags that are passed over, since spans say where in the text."""

    def of(self, role: str, row: Mapping[str, Any]) -> Any:
        """Take the cell that plays a role; None where no column does."""
        return row.get(self.columns[role]) if role in self.columns else None


def recognise(table: Table, options: ReadOptions) -> Parts | None:
    """Find the part of each column; None where no column holds entities."""
    cells = {name: [row.get(name) for _, row in table.rows] for name in table.columns}
    search = Search(table=table, options=options, cells=cells, given=_given(table, options, cells))
    known = _plain_parts(search)
    rest = Search(
        table=table,
        options=options,
        cells={name: held for name, held in cells.items() if name not in known.values()},
        given=search.given,
    )
    tokens = find_tokens(rest)
    spans, shape = (None, None) if "tags" in search.given else _find_spans(rest, tokens)
    if spans is None or "tags" in search.given or (shape and not shape.has_offsets):
        tags = None if "spans" in search.given else find_tags(rest, tokens)
        if tags is not None:
            return _by_tags(rest, known, tokens, tags)
    if spans is None:
        return None
    return _by_spans(rest, known, tokens, spans, shape)


def _by_tags(search: Search, known: Mapping[str, str], tokens: str | None, tags: str) -> Parts:
    tokens = tokens or find_words(search, tags)
    columns = {**known, "tokens": tokens, "tags": tags}
    text = _named_text(search, tokens, tags)
    if text is not None:
        columns["text"] = text
    values = [
        tag for cell in search.cells[tags] for sentence in tags_in(cell) or [] for tag in sentence
    ]
    return Parts(columns=columns, names=find_names(search, tags, values, tags, ""))


def _by_spans(
    search: Search,
    known: Mapping[str, str],
    tokens: str | None,
    spans: str,
    shape: Shape | None,
) -> Parts | None:
    text = _find_text(search, spans, tokens, shape)
    if text is None and tokens is None and _TEXT_OF_OURS not in search.cells:
        raise ConfigError(
            f"{search.table.where}: spans in {spans!r}, and no column for their text; expected a "
            "column of strings.\nName it: --column text=COLUMN"
        )
    columns = {**known, "spans": spans}
    columns |= {role: name for role, name in (("text", text), ("tokens", tokens)) if name}
    names: tuple[str, ...] = ()
    labels: list[Any] = []
    if shape is not None:
        some = search.cells[spans][:_ENOUGH]
        labels = [one.label for cell in some for one in spans_in(cell, shape)[0]]
        names = find_names(search, spans, labels, f"{spans}.{shape.keys['label']}")
    unread = [
        name
        for name in search.free(spans, tokens)
        if text and tokens and search.all(name, list) and fits_tokens(search, name, tokens)
    ]
    return Parts(
        columns=columns,
        shape=shape,
        names=names,
        is_release=set(search.table.columns) >= _RELEASE,
        are_pieces=_TEXT_OF_OURS not in search.cells and _are_tags(labels),
        is_arrow=search.table.is_arrow,
        unread=tuple(unread),
    )


def _are_tags(labels: Sequence[Any]) -> bool:
    """Say whether every label is a prefix and a label, as of tokens and not of entities."""
    return bool(labels) and all(
        isinstance(label, str) and label[:2] in _PREFIXES and len(label) > 2 for label in labels
    )


def _given(
    table: Table, options: ReadOptions, cells: Mapping[str, Sequence[Any]]
) -> dict[str, str]:
    """Check the columns that the user names; `--layer` is the one that holds the entities."""
    for role, name in options.columns.items():
        if role not in ROLES:
            raise ConfigError(
                f"--column {role}={name}: {role!r} is no part that a column plays; "
                f"expected one of {', '.join(ROLES)}."
            )
    given = dict(options.columns)
    if options.layer is not None:
        held = cells.get(options.layer, [])
        role = "spans" if find_shape(held, [None] * len(held)) else "tags"
        given.setdefault(role, options.layer)
    given = {role: name for role, name in given.items() if name in cells}
    if "tags" in given and "spans" in given:
        raise ConfigError(
            f"{table.where}: one column for tags and one for spans; expected one of them.\n"
            f"Give --column tags={given['tags']} or --column spans={given['spans']}."
        )
    return given


def _plain_parts(search: Search) -> dict[str, str]:
    """Find the parts that hold no entities: who, which, and what is said of the tokens."""
    found: dict[str, str] = {}
    for role, (names, kind) in _PLAIN.items():
        named = [name for wanted in names for name in search.free() if plain(name) == wanted]
        if role in search.given:
            found[role] = search.given[role]
        elif fitting := [name for name in named if search.all(name, kind)]:  # type: ignore[arg-type]
            found[role] = fitting[0]
    return found


def _find_spans(search: Search, tokens: str | None) -> tuple[str | None, Shape | None]:
    """Find the column of spans, and the shape they have there."""
    texts = _evidence(search, tokens)
    if name := search.given.get("spans"):
        shape = find_shape(search.cells[name], texts)
        if shape is None and any(search.cells[name]):
            raise ConfigError(
                f"{search.table.where}: column {name!r} holds no spans that could be read; "
                "expected places, or words, with their labels."
            )
        return name, shape
    shapes: dict[str, Shape] = {}
    empty: list[str] = []
    for name in sorted(search.free(tokens), key=lambda name: rank(name, SPANS)):
        is_named = plain(name) in SPANS
        if plain(name) in (*TOKENS, *ASIDES) or _could_be_tags(search, name, tokens):
            continue
        shape = find_shape(search.cells[name], texts)
        if shape is not None and (shape.has_offsets or is_named):
            shapes[name] = shape
        elif is_named and search.all(name, (list, dict)) and not _flat(search.cells[name]):
            empty.append(name)
    best = [name for name in shapes if plain(name) in SPANS] or list(shapes)
    best = [name for name in best if shapes[name].has_offsets] or best
    if len(best) > 1:
        raise ambiguous(search.table, "spans", best)
    if best:
        return best[0], shapes[best[0]]
    return (empty[0] if len(empty) == 1 else None), None


def _could_be_tags(search: Search, name: str, tokens: str | None) -> bool:
    held = [cell for cell in search.cells[name] if cell]
    return bool(held) and tokens is not None and fits_tokens(search, name, tokens)


def _flat(cells: Iterable[Any]) -> list[Any]:
    """List what stands in lists, however deep; objects are empty where their lists are."""
    found: list[Any] = []
    level = list(cells)
    while level:
        lists = [one for one in level if isinstance(one, list | dict)]
        found += [one for one in level if not isinstance(one, list | dict) and one is not None]
        level = [
            inner for one in lists for inner in (one.values() if isinstance(one, dict) else one)
        ]
    return found


def _evidence(search: Search, tokens: str | None) -> list[str | None]:
    """Gather the words of each row, in which the words of its spans should stand."""
    strings = [name for name in search.cells if search.all(name, str)]
    rows: list[str | None] = []
    for index in range(len(search.table.rows)):
        texts = [search.cells[name][index] or "" for name in strings]
        sentences = words_in(search.cells[tokens][index]) if tokens else None
        rows.append("\n".join([*texts, *(" ".join(words) for words in sentences or [])]))
    return rows


def _find_text(search: Search, spans: str, tokens: str | None, shape: Shape | None) -> str | None:
    """Find the column of texts; several that are called so are told apart by the spans."""
    if "text" in search.given:
        return search.given["text"]
    strings = [name for name in search.free(spans, tokens) if search.all(name, str)]
    named = [name for wanted in TEXTS for name in strings if plain(name) == wanted]
    if len(named) == 1 or (named and plain(named[0]) == "text"):
        return named[0]
    if not named and (tokens is not None or "tokens" in search.given):
        return None
    candidates = named or [
        name for name in strings if any(" " in (cell or "") for cell in search.cells[name])
    ]
    if len(candidates) < 2 or shape is None:
        return candidates[0] if candidates else None
    records = []
    for index, cell in enumerate(search.cells[spans]):
        fields = {name: search.cells[name][index] or "" for name in candidates}
        found = [
            (one.start, one.end, one.surface)
            for one in spans_in(cell, shape)[0]
            if type(one.start) is int and type(one.end) is int
        ]
        records.append(Evidence(fields=fields, marks=found))
    return find_text_field(records, search.table.where)


def _named_text(search: Search, tokens: str, tags: str) -> str | None:
    """Find the column of texts beside tokens, or the tokens' own where they are a string."""
    if "text" in search.given:
        return search.given["text"]
    if search.all(tokens, str):
        return tokens
    strings = [name for name in search.free(tokens, tags) if search.all(name, str)]
    return next((name for wanted in TEXTS for name in strings if plain(name) == wanted), None)
