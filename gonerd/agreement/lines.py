"""What was measured into the text that a command prints, at most 100 columns wide."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from textwrap import wrap

from gonerd.agreement.estimates import NOT_ASKED
from gonerd.agreement.result import Agreement, Confused, DocumentRow, Estimate, PairRow, Row
from gonerd.agreement.words import KINDS, OVERALL, TOKEN_KAPPA, number, size, without_gamma

WIDTH = 100
MOST_ROWS = 20
MOST_CONFUSED = 10
_WHAT, _LABEL = 32, 22
"""Columns of what was confused."""


@dataclass(kw_only=True, slots=True)
class _Reasons:
    """Why numbers are missing from a table, each said once below it."""

    said: dict[str, int] = field(default_factory=dict)

    def cell(self, estimate: Estimate) -> str:
        """Write a number with its interval, or the number of the reason why there is none."""
        value = "-" if estimate.value is None else f"{estimate.value:.3f}"
        if estimate.low is not None and estimate.high is not None:
            return f"{value} {estimate.low:.3f}-{estimate.high:.3f}"
        return f"{value} ({self.said.setdefault(estimate.why, len(self.said) + 1)})"

    def alone(self, estimate: Estimate) -> str:
        """Write a number without its interval."""
        if estimate.value is not None:
            return f"{estimate.value:.3f}"
        return f"- ({self.said.setdefault(estimate.why, len(self.said) + 1)})"

    def lines(self) -> list[str]:
        """List them."""
        return [f"  ({index}) {reason}" for reason, index in self.said.items()]


def lines(agreement: Agreement) -> str:
    """Lay out everything that was measured; a long table is cut, and says so."""
    head, *rest = size(agreement)
    by_spans = sorted(agreement.by_label, key=most_spans)
    return "\n".join(
        [
            f"Agreement: {head}",
            *(f"  {line}" for line in rest),
            *(
                line
                for note in agreement.notes
                for line in wrap(note, WIDTH, initial_indent="  ", subsequent_indent="    ")
            ),
            "",
            *_overall(agreement),
            *_table("By label, the most frequent first", by_spans),
            *_table("By length of the span, in characters", agreement.by_span_length),
            *_table("By length of the document, in characters", agreement.by_document_length),
            *_table(
                "By annotator, against all others, the most compared first",
                sorted(agreement.by_annotator, key=most_spans),
            ),
            *_table(
                "By pair of annotators, the most compared first",
                sorted(agreement.by_pair, key=most_spans),
            ),
            *_documents(agreement),
            *_confused(agreement),
            *_label_pairs(agreement),
            *_footnote(agreement),
        ]
    )


def most_spans(row: Row) -> tuple[int, str]:
    """Sort rows by how much was compared."""
    return -row.spans, row.name


def least_agreed(row: DocumentRow) -> tuple[bool, float, int, str]:
    """Sort documents by exact agreement, those without any number last."""
    value = row.exact_f1.value
    return value is None, value or 0.0, -row.spans, row.name


def _overall(agreement: Agreement) -> list[str]:
    reasons = _Reasons()
    found = [
        f"  {name:<44}{reasons.cell(getattr(agreement.overall, key))}" for key, name in OVERALL
    ]
    return [
        f"{'Over everything':<46}value 95 % interval",
        *found,
        *reasons.lines(),
        *(f"  {line}" for line in without_gamma(agreement)),
        "",
    ]


def _table(title: str, rows: Sequence[Row]) -> list[str]:
    reasons = _Reasons()
    found = []
    for row in rows[:MOST_ROWS]:
        estimates = (row.exact_f1, row.overlap_f1, row.label_agreement)
        cells = "".join(f"  {reasons.cell(estimate):<17}" for estimate in estimates)
        start = f"  {_name(row):<24}{row.documents:>7,}{row.spans:>10,}"
        found.append((start + cells).rstrip())
    return [
        title,
        f"{'':<26}{'docs':>7}{'spans':>10}  {'exact F1':<17}  {'overlap F1':<17}  same label",
        *found,
        *_more(rows),
        *reasons.lines(),
        "",
    ]


def _documents(agreement: Agreement) -> list[str]:
    """Lay out documents, of which none has an interval."""
    reasons = _Reasons()
    rows = sorted(agreement.by_document, key=least_agreed)
    asked = agreement.overall.gamma.why != NOT_ASKED
    names = ["exact F1", "overlap F1", "same label", *(["gamma"] if asked else [])]
    found = []
    for row in rows[:MOST_ROWS]:
        estimates = (row.exact_f1, row.overlap_f1, row.label_agreement, row.gamma)
        cells = "".join(f"{reasons.alone(one):>12}" for one in estimates[: len(names)])
        found.append(f"  {_cut(row.name, 31):<31}{row.annotators:>10,}{row.spans:>9,}{cells}")
    return [
        "By document, the least agreed on first",
        f"{'':<33}{'annotators':>10}{'spans':>9}" + "".join(f"{name:>12}" for name in names),
        *found,
        *_more(rows),
        *reasons.lines(),
        "",
    ]


def _more(rows: Sequence[Row]) -> list[str]:
    if not rows:
        return ["  nothing to compare"]
    more = len(rows) - MOST_ROWS
    return [f"  and {more:,} more; --json lists them all"] if more > 0 else []


def _name(row: Row) -> str:
    if isinstance(row, PairRow):
        one, other = _fit(row.annotators, 24 - len(" and "))
        return f"{one} and {other}"
    return _cut(row.name, 24)


def _confused(agreement: Agreement) -> list[str]:
    found: list[str] = []
    for differences in agreement.differences:
        of_kind = [one for one in agreement.confused if one.kind == differences.kind]
        title = f"{KINDS[differences.kind]}: {number(differences.times, 'time')}"
        if not of_kind:
            found += [title, ""]
            continue
        found += [
            f"{title}, {differences.distinct:,} different",
            f"{'times':>8}{'docs':>6}  {'what':<{_WHAT}}  {'label':<{_LABEL}}  for example",
            *(_confused_line(one) for one in of_kind[:MOST_CONFUSED]),
        ]
        if differences.distinct > MOST_CONFUSED:
            more = differences.distinct - MOST_CONFUSED
            found.append(f"  and {more:,} more; --json lists the first {len(of_kind):,}")
        found.append("")
    return found


def _confused_line(one: Confused) -> str:
    surfaces = [surface for surface in dict.fromkeys(one.surfaces) if surface is not None]
    labels = [label for label in dict.fromkeys(one.labels) if label is not None]
    what, label = (
        " | ".join(_fit(of, width - 3 * (len(of) - 1)))
        for of, width in ((surfaces, _WHAT), (labels, _LABEL))
    )
    start, end = one.places[0]
    place = f"[{start}:{end}]"
    where = _cut(one.document_id, WIDTH - 20 - _WHAT - _LABEL - len(place)) + place
    return f"{one.times:>8,}{one.documents:>6,}  {what:<{_WHAT}}  {label:<{_LABEL}}  {where}"


def _label_pairs(agreement: Agreement) -> list[str]:
    differing = [pair for pair in agreement.label_pairs if pair.labels[0] != pair.labels[1]]
    if not differing:
        return []
    shown = [
        f"{pair.times:>8,}  {' | '.join(_fit(pair.labels, WIDTH - 13))}"
        for pair in differing[:MOST_CONFUSED]
    ]
    return ["Labels that stand at the same borders", *shown, ""]


def _footnote(agreement: Agreement) -> list[str]:
    every, marked = agreement.overall.token_kappa, agreement.overall.token_kappa_marked
    if every.value is None:
        said = f"Token kappa ({every.why}) {TOKEN_KAPPA}"
    else:
        of_marked = marked.why if marked.value is None else f"{marked.value:.3f}"
        said = (
            f"Token kappa ({every.value:.3f}; over the tokens that one of the two marked "
            f"{of_marked}) {TOKEN_KAPPA}"
        )
    return wrap(said, WIDTH)


def _fit(texts: Sequence[str], width: int) -> list[str]:
    """Cut one or two texts so that they fit together, the longer first."""
    widest = max(width - min(len(text) for text in texts), width // len(texts))
    return [_cut(text, widest if len(texts) > 1 else width) for text in texts]


def _cut(text: str, width: int) -> str:
    """Fit a name into its column, and keep it from moving a terminal's cursor."""
    shown = "".join(letter if letter.isprintable() else "\ufffd" for letter in text)
    if len(shown) <= width:
        return shown
    tail = (width - 3) // 3
    return f"{shown[: width - 3 - tail]}...{shown[len(shown) - tail :]}"
