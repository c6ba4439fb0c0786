"""Tests that WebAnno TSV is read as INCEpTION writes it, and that ours comes back."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gonerd.errors import ConfigError, RecordError
from gonerd.formats.layers import MARKED, Annotated, Mention, Pass, ReadOptions
from gonerd.formats.members import find_members
from gonerd.formats.step import bring_in
from gonerd.formats.uima.cas import FORMAT as CAS
from gonerd.formats.uima.webanno import FORMAT
from gonerd.records import Span
from tests.formats.given import annotated_documents, fitted, member, members_of, read_all
from tests.formats.real import real
from tests.formats.uima.uima_given import annotated, by_annotators, check_came_back, placed
from tests.strategies import HOSTILE_TEXTS

NAMED_ENTITY = "de.tudarmstadt.ukp.dkpro.core.api.ner.type.NamedEntity"
HEAD = f"#FORMAT=WebAnno TSV 3.3\n#T_SP={NAMED_ENTITY}|identifier|value\n\n\n"


def read_table(content: str, **options: str) -> Pass:
    """Read one file."""
    (found,) = read_all(FORMAT, [member(content, "d.tsv", "ana")], **options)
    return found


def rows(*cells: str) -> str:
    """Write a sentence of the tokens `Ana Roe went .` with these cells."""
    words = ["Ana", "Roe", "went", "."]
    places = [(0, 3), (4, 7), (8, 12), (13, 14)]
    lines = [
        f"1-{number}\t{start}-{end}\t{word}\t{cell}\t\n"
        for number, (word, (start, end), cell) in enumerate(
            zip(words, places, cells, strict=True), start=1
        )
    ]
    return "#Text=Ana Roe went .\n" + "".join(lines)


@given(st.lists(annotated_documents(), min_size=1, max_size=2, unique_by=lambda i: i.document.id))
def test_everything_comes_back_or_is_in_the_ledger(items: list[Annotated]) -> None:
    kept, _ = fitted(items, FORMAT)
    written = FORMAT.write(kept)

    check_came_back(kept, written, read_all(FORMAT, members_of(written, "one.tsv")))


@pytest.mark.parametrize("text", HOSTILE_TEXTS.values(), ids=HOSTILE_TEXTS)
def test_hostile_text_comes_back_with_spans_inside_tokens(text: str) -> None:
    whole = f"<{text}>"
    spans = (
        Span(start=0, end=len(whole), label="all"),
        Span(start=0, end=1, label="[x]|_;*->\t\n\\r"),
        Span(start=0, end=1, label="*"),
        Span(start=len(whole) - 1, end=len(whole), label="_"),
    )
    item = annotated(whole, *spans)

    written = FORMAT.write([item])

    assert not written.losses
    assert set(written.files) == {""}
    (found,) = read_all(FORMAT, members_of(written, "one.tsv"))
    check_came_back([item], written, [found])
    assert found.details == {"source": "s", "url": "u", "license": "mit", "language": "en"}


@pytest.mark.parametrize("text", HOSTILE_TEXTS.values(), ids=HOSTILE_TEXTS)
def test_hostile_text_comes_back_without_spans(text: str) -> None:
    item = annotated(text)
    written = FORMAT.write([item])
    check_came_back([item], written, read_all(FORMAT, members_of(written, "one.tsv")))


def test_a_document_is_written_as_inception_writes_it() -> None:
    text = " Bob\U0001f600 met\r\nAnaRoe.\n\nShe left."
    spans = [
        Span(start=1, end=5, label="PER"),
        Span(start=1, end=9, label="X"),
        Span(start=11, end=14, label="PER"),
    ]

    written = FORMAT.write([annotated(text, *spans)])

    content = written.files[""].decode()
    stamp = re.compile("#gonerd={.*}\n")
    assert stamp.search(content)
    assert stamp.sub("", content) == HEAD[:-1] + (
        "\n#gonerd.before= \n"
        "#Text=Bob\U0001f600 met\\r\n#Text=AnaRoe.\n#Text=\n#Text=\n"
        "1-1\t1-4\tBob\t*[1]|*[2]\tX[1]|PER[2]\t\n"
        "1-2\t4-6\t\U0001f600\t*[1]|*[2]\tX[1]|PER[2]\t\n"
        "1-3\t7-10\tmet\t*[1]\tX[1]\t\n"
        "1-4\t12-18\tAnaRoe\t_\t_\t\n"
        "1-4.1\t12-15\tAna\t*\tPER\t\n"
        "1-5\t18-19\t.\t_\t_\t\n"
        "\n#Text=She left.\n"
        "2-1\t21-24\tShe\t_\t_\t\n"
        "2-2\t25-29\tleft\t_\t_\t\n"
        "2-3\t29-30\t.\t_\t_\t\n"
    )


@pytest.mark.parametrize(
    ("span", "what", "why"),
    [
        ((3, 4), "span left out", "it touches no token"),
        ((0, 4), "span narrowed", "WebAnno TSV has no place for blank at its borders"),
    ],
)
def test_blank_at_a_border_is_in_the_ledger(span: tuple[int, int], what: str, why: str) -> None:
    item = annotated("Ana went.", Span(start=span[0], end=span[1], label="X"))

    (loss,) = FORMAT.write([item]).losses

    assert (loss.document_id, loss.start, loss.end, loss.what, loss.why) == (
        "d/1",
        *span,
        what,
        why,
    )


def test_annotators_have_folders_and_sentences_in_common() -> None:
    text = "He said. She went. They left."
    ana = annotated(text, Span(start=3, end=18, label="X"), annotator="ana")
    bo = annotated(text, annotator="bo/..")
    both = Annotated(document=ana.document, annotations=(*ana.annotations, *bo.annotations))

    written = FORMAT.write([both])

    assert set(written.files) == {"ana/d%2F1.tsv", "bo%2F../d%2F1.tsv"}
    texts = [re.findall("#Text=.*", content.decode()) for content in written.files.values()]
    assert texts[0] == texts[1] == ["#Text=He said. She went. ", "#Text=They left."]
    check_came_back([both], written, read_all(FORMAT, members_of(written, "")))


def test_stacked_mentions_are_told_apart_by_their_ids() -> None:
    found = read_table(
        HEAD
        + rows(
            "*[1]|*[2]\tPER[1]|ORG[2]",
            "*[1]|http://x[2]\tPER[1]|ORG[2]",
            "*[2]|*\tORG[2]|V",
            "_\t_",
        )
    )

    assert (found.text, found.unit, found.coverage) == ("Ana Roe went .", "UTF-16", MARKED)
    assert found.mentions == (
        Mention(start=0, end=7, label="PER", surface="Ana Roe"),
        Mention(start=0, end=12, label="ORG", surface="Ana Roe went"),
        Mention(start=8, end=12, label="V", surface="went"),
    )
    assert [(aside.kind, dict(aside.value)) for aside in found.asides] == [
        (
            "features",
            {
                "layer": NAMED_ENTITY,
                "start": 0,
                "end": 12,
                "features": {"identifier": "http://x"},
                "label": "ORG",
            },
        )
    ]


@pytest.mark.parametrize(
    ("cell", "label"),
    [
        pytest.param("*", "NamedEntity", id="null"),
        pytest.param(r"\*", "*", id="star"),
        pytest.param(r"\_", "_", id="underscore"),
        pytest.param(r"a\|b\[3\]", "a|b[3]", id="marks"),
        pytest.param(r"a\\[7]", "a\\", id="backslash and id"),
        pytest.param(r"a\->b\;c\t\n", "a->b;c\t\n", id="letters"),
        pytest.param("[7]", "NamedEntity", id="id alone"),
    ],
)
def test_values_are_unescaped(cell: str, label: str) -> None:
    (mention,) = read_table(HEAD + rows(f"*\t{cell}", "_\t_", "_\t_", "_\t_")).mentions
    assert (mention.start, mention.end, mention.label) == (0, 3, label)


@pytest.mark.parametrize(
    ("version", "written", "text"),
    [
        ("3.3", r"A\tb\\n\r\f\b", "A\tb\\n\r\f\b"),
        ("3.2", "A\\\x01b\\\\u0041", "A\x01b\\u0041"),
        ("3.1", r"A\u00e9\uD83D\uDE00\\\101", "A\u00e9\U0001f600\\A"),
        ("3.0", r"A\"b", 'A"b'),
    ],
)
def test_text_is_unescaped_as_its_version_escapes_it(version: str, written: str, text: str) -> None:
    found = read_table(f"#FORMAT=WebAnno TSV {version}\n\n\n#Text={written}\n1-1\t0-1\tA\t\n")
    assert found.text == text


@pytest.mark.parametrize(
    ("body", "text", "unit", "notes"),
    [
        pytest.param(
            "#Text=Ana .\n1-1\t2-5\tAna\n1-2\t6-7\t.\n\n#Text=Bo\n2-1\t11-13\tBo\n",
            "  Ana .\n   Bo",
            "UTF-16",
            ("text between sentences is not in the file; line ends and blanks stand for it",),
            id="gaps",
        ),
        pytest.param(
            "#Text=Ana .\n1-1\t0-3\tAna\n1-2\t4-5\t.\n\n#Text=Bo\n2-1\t5-7\tBo\n",
            "Ana .Bo",
            "UTF-16",
            (),
            id="no gap",
        ),
        pytest.param(
            "#Text=Ana\r\n1-1\t0-3\tAna\r\n\r\n#Text=Bo\r\n2-1\t4-6\tBo\r\n".replace("\r", ""),
            "Ana\nBo",
            "UTF-16",
            ("text between sentences is not in the file; line ends and blanks stand for it",),
            id="one",
        ),
        pytest.param(
            "#Text=Ana  \n#Text=\n1-1\t0-3\tAna\n\n#Text=Bo \n2-1\t6-8\tBo\n",
            "Ana  \nBo ",
            "UTF-16",
            (),
            id="blank after a sentence",
        ),
        pytest.param(
            "#Text= Ana\n1-1\t1-4\tAna\n\n#Text=  Bo\n2-1\t7-9\tBo\n",
            " Ana\n  Bo",
            "UTF-16",
            ("text between sentences is not in the file; line ends and blanks stand for it",),
            id="blank before a sentence",
        ),
        pytest.param(
            "#Text=\U0001f600\u00a0a\n1-1\t0-2\t\U0001f600\n1-2\t3-4\ta\n",
            "\U0001f600\u00a0a",
            "UTF-16",
            (),
            id="halves",
        ),
        pytest.param(
            "#Text=\U0001f600\u00a0a\n1-1\t0-1\t\U0001f600\n1-2\t2-3\ta\n",
            "\U0001f600\u00a0a",
            "code points",
            (),
            id="code points",
        ),
        pytest.param(
            "#Text=Anna Roe\n1-1\t0-3\tAna\n1-2\t5-8\tRoe\n",
            "Ana  Roe",
            "UTF-16",
            ("#Text differs from the tokens below it; the tokens were taken",),
            id="another text",
        ),
        pytest.param(
            "1-1\t0-3\tAna\n1-2\t4-7\tRoe\n",
            "Ana Roe",
            "UTF-16",
            ("#Text differs from the tokens below it; the tokens were taken",),
            id="no text",
        ),
        pytest.param("", "", "UTF-16", (), id="nothing"),
    ],
)
def test_the_text_is_rebuilt(body: str, text: str, unit: str, notes: tuple[str, ...]) -> None:
    for end in ("\n", "\r\n"):
        content = f"#FORMAT=WebAnno TSV 3.3\n\n\n{body}".replace("\n", end)
        found = read_table(content)
        nothing = "no file has a layer that could hold entities"
        assert (found.text, found.unit, found.notes) == (text, unit, (*notes, nothing))


OTHERS = (
    "#FORMAT=WebAnno TSV 3.3\n"
    "#T_SP=webanno.custom.Event|kind|ROLE_webanno.custom.Event:Who_is_webanno.custom.L_k|"
    "webanno.custom.Actor|note\n"
    "#T_SP=webanno.custom.Actor|\n"
    "#T_CH=webanno.custom.SameLink|referenceType|referenceRelation\n"
    "#T_RL=webanno.custom.Tie|kind|BT_webanno.custom.Actor\n\n\n"
) + rows(
    "_\t_\t_\t_\t*[1]\tpr[1]\tcoref->1-1\t_\t_",
    "_\t_\t_\t_\t*[1]\tpr[1]\tcoref->1-1\t_\t_",
    "went\tdoer;*\t1-1[1];1-4\tsaid\t_\t_\t_\t_\t_",
    "_\t_\t_\t_\t*\t*[1]\t*->1-2\tto\t1-1[1_0]",
)


def test_links_chains_and_relations_are_kept_aside() -> None:
    found = read_table(OTHERS, layer="Event.kind")

    assert found.mentions == (Mention(start=8, end=12, label="went", surface="went"),)
    assert [(aside.kind, dict(aside.value)) for aside in found.asides] == [
        ("span", {"layer": "webanno.custom.Actor", "start": 0, "end": 7, "features": {}}),
        (
            "chain link",
            {
                "layer": "webanno.custom.SameLink",
                "start": 0,
                "end": 7,
                "features": {"referenceType": "pr", "referenceRelation": "coref"},
                "chain": 1,
                "link": 1,
            },
        ),
        (
            "features",
            {
                "layer": "webanno.custom.Event",
                "start": 8,
                "end": 12,
                "features": {"note": "said"},
                "links": {
                    "Who_is": [
                        {"role": "doer", "target": [0, 7]},
                        {"role": "", "target": [13, 14]},
                    ]
                },
                "label": "went",
            },
        ),
        ("span", {"layer": "webanno.custom.Actor", "start": 13, "end": 14, "features": {}}),
        (
            "chain link",
            {
                "layer": "webanno.custom.SameLink",
                "start": 13,
                "end": 14,
                "features": {},
                "chain": 1,
                "link": 2,
            },
        ),
        (
            "relation",
            {
                "layer": "webanno.custom.Tie",
                "start": 13,
                "end": 14,
                "features": {"kind": "to"},
                "source": [0, 7],
                "target": [13, 14],
            },
        ),
    ]


def test_empty_spans_are_refused() -> None:
    body = HEAD + "#Text=Ana\n1-1\t0-3\tAna\t_\t_\t\n1-1.1\t3-3\t\t*\tX\t\n"

    found = read_table(body)

    assert found.mentions == ()
    assert [(loss.what, loss.why) for loss in found.losses] == [("span refused", "it is empty")]


@pytest.mark.parametrize(
    ("layer", "labels"),
    [
        ("webanno.custom.Event.kind", ["went"]),
        ("webanno.custom.Event.note", ["said"]),
        ("Event.note", ["said"]),
        ("Actor", ["Actor", "Actor"]),
    ],
)
def test_the_layer_asked_for_is_read(layer: str, labels: list[str]) -> None:
    assert [mention.label for mention in read_table(OTHERS, layer=layer).mentions] == labels


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (
            None,
            "ana: the entities may be in webanno.custom.Event.kind, webanno.custom.Event.note, "
            "webanno.custom.Actor; expected one layer with one feature.\n"
            "Say which, as in --layer webanno.custom.Event.kind.",
        ),
        (
            "Event",
            "ana: the entities may be in webanno.custom.Event.kind, webanno.custom.Event.note; "
            "expected one layer with one feature.\n"
            "Say which, as in --layer webanno.custom.Event.kind.",
        ),
        (
            "Tie",
            "ana: --layer Tie is no layer of spans here; expected one of "
            "webanno.custom.Event.kind, webanno.custom.Event.note, webanno.custom.Actor.",
        ),
        (
            "Event.what",
            "ana: --layer Event.what is no layer of spans here; expected one of "
            "webanno.custom.Event.kind, webanno.custom.Event.note, webanno.custom.Actor.",
        ),
    ],
)
def test_a_layer_that_cannot_be_told_is_asked_for(layer: str | None, message: str) -> None:
    with pytest.raises(ConfigError) as error:
        read_all(FORMAT, [member(OTHERS, "d.tsv", "ana")], layer=layer)
    assert str(error.value) == message


def test_one_layer_is_chosen_for_all_files() -> None:
    passes = read_all(
        FORMAT,
        [
            member(
                "#FORMAT=WebAnno TSV 3.3\n#T_SP=x.Other|kind\n\n\n" + rows("X", "_", "_", "_"),
                "ana/1.tsv",
                "out",
            ),
            member(HEAD + rows("*\tPER", "_\t_", "_\t_", "_\t_"), "bo/1.tsv", "out"),
        ],
        paths="{annotator}/{document}.tsv",
    )

    assert [
        (one.document_id, one.annotator, [mention.label for mention in one.mentions])
        for one in passes
    ] == [("1", "ana", []), ("1", "bo", ["PER"])]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(
            "#FORMAT=WebAnno TSV 2\n",
            "d.tsv:1: '#FORMAT=WebAnno TSV 2'; expected `#FORMAT=WebAnno TSV 3.3`, or 3.0 to 3.2.",
            id="version",
        ),
        pytest.param(
            "", "d.tsv:1: ''; expected `#FORMAT=WebAnno TSV 3.3`, or 3.0 to 3.2.", id="empty"
        ),
        pytest.param(
            HEAD + "#Text=Ana\n1-1\t0-3\tAna\t_\n",
            "d.tsv:6: 4 columns; expected 5, as the header declares.",
            id="columns",
        ),
        pytest.param(
            HEAD + "#Text=Ana\n1-1\t0-x\tAna\t_\t_\n",
            "d.tsv:6: '1-1\\t0-x\\tAna\\t_\\t_'; expected a row as `1-1<TAB>0-5<TAB>Token`, an "
            "empty line or a remark.",
            id="offset",
        ),
        pytest.param(
            HEAD + "#Text=Ana\n1-1\t3-0\tAna\t_\t_\n",
            "d.tsv:6: offsets 3-0; expected the start before the end.",
            id="backwards",
        ),
        pytest.param(
            HEAD + "#Text=Ana\n1-1\t0-4\tAna\t_\t_\n",
            "d.tsv:6: token 'Ana' from 0 to 4; expected offsets 3 apart.",
            id="length",
        ),
        pytest.param(
            HEAD + "#Text=Ana\n1-1\t9999999999-9999999999\t\t_\t_\n",
            "d.tsv:6: token '' starts at 9999999999; expected it soon after the one before, which "
            "ends at 0.",
            id="far",
        ),
        pytest.param(
            HEAD + "#Text=Ana\n1-1\t0-3\tAna\t_\t_\n1-2\t2-3\ta\t_\t_\n",
            "d.tsv:7: token 'a' starts at 2; expected it soon after the one before, which ends at "
            "3.",
            id="overlap",
        ),
    ],
)
def test_a_broken_file_is_refused_with_its_line(content: str, message: str) -> None:
    with pytest.raises(RecordError) as error:
        read_table(content)
    assert str(error.value) == message


pieces = st.sampled_from(
    [
        *("1-1", "1-1.1", "\t", "0-1", "1-3", "a", "_", "*", "[1]", "|", ";", "->1-1", "\\", "\n"),
        *("#Text=", "#gonerd=", "{}", "1-1\t0-1\ta\t", "1-1[1_2]", "\U0001f600"),
        *("#T_SP=x.Y|f\n", "#T_CH=x.Z|r|t\n", "#T_RL=x.R|v|BT_x.Y\n"),
        "#T_SP=x.H|ROLE_x.H:l_x.L|x.Y\n",
    ]
)


@given(st.lists(pieces, max_size=25).map("".join))
def test_any_file_is_read_or_refused(body: str) -> None:
    try:
        found = read_table(f"#FORMAT=WebAnno TSV 3.3\n{body}", layer="Y")
    except (RecordError, ConfigError) as error:
        assert str(error).startswith(("d.tsv:", "ana: "))
    else:
        assert found.text is not None


SUITE = "exports/webanno_tsv3_suite"
TRIMMED = {
    "testAnnotationWithLeadingWhitespace": [(5, 8)],
    "testAnnotationWithLeadingWhitespaceAtStart": [(1, 4)],
    "testAnnotationWithTrailingWhitespace": [(0, 3)],
    "testAnnotationWithTrailingWhitespaceAtEnd": [(4, 7)],
}
"""Cases whose point is that blank at a border is not written."""


@pytest.mark.parametrize("number", range(40))
def test_conformance_cases_agree_with_their_cas(number: int) -> None:
    cases = sorted(path for path in real(SUITE).iterdir() if path.is_dir())
    assert len(cases) == 40
    case = cases[number]
    content = (case / "reference.tsv").read_text(encoding="utf-8")
    host = re.search(r"custom\.(\w+LinkHost)\|ROLE", content)
    layer = host[1] if host else None

    (table,) = read_all(FORMAT, find_members([case / "reference.tsv"]), layer=layer)
    (cas,) = read_all(CAS, find_members([case / "reference.xmi"]), layer=layer)

    places = [(mention.start, mention.end) for mention in table.mentions]
    expected = [(mention.start, mention.end) for mention in cas.mentions]
    assert sorted(places) == sorted(TRIMMED.get(case.name, expected))
    assert len(table.losses) == len(cas.losses)
    # Where the cases leave a feature unset, they name the layer of the table otherwise.
    names = {"Span", "NamedEntity"}
    assert [mention.label for mention in table.mentions if mention.label not in names] == [
        mention.label for mention in cas.mentions if mention.label not in names
    ]
    assert table.text == (cas.text or "").rstrip()
    placed(table)


@pytest.mark.parametrize(
    ("path", "layer", "files", "spans"),
    [
        ("ner/gum/webanno_tsv", "Referent.entity", 26, 6646),
        ("multi_annotator/airec_inception", "TxtDate.Category", 48, 515),
    ],
)
def test_real_files_are_read_whole(path: str, layer: str, files: int, spans: int) -> None:
    members = [one for one in find_members([real(path)]) if one.suffix == ".tsv"]

    passes = read_all(FORMAT, members, layer=layer)

    assert len(passes) == files
    assert sum(len(placed(one).spans) for one in passes) == spans
    assert not any(one.losses for one in passes)


def test_real_files_come_back_from_our_own(tmp_path_factory: pytest.TempPathFactory) -> None:
    options = ReadOptions(layer="Referent.entity")
    imported = bring_in(FORMAT, [real("ner/gum/webanno_tsv/dev")], options)
    items = [
        Annotated(document=imported.documents[one.document_id], annotations=(one,))
        for one in imported.annotations
    ]

    written = FORMAT.write(items)

    assert not written.losses
    check_came_back(items, written, read_all(FORMAT, members_of(written, "")))


def test_several_annotators_of_one_document_come_back() -> None:
    item = by_annotators(annotated("Ana", Span(start=0, end=3, label="PER")), "a", "INITIAL_CAS")
    written = FORMAT.write([item])
    check_came_back([item], written, read_all(FORMAT, members_of(written, "")))
