"""What was measured into one page of HTML that needs nothing else, and runs nothing."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from gonerd.agreement.estimates import NOT_ASKED
from gonerd.agreement.heat_map import MOST as MOST_IN_MAP
from gonerd.agreement.heat_map import heat_map, legend
from gonerd.agreement.lines import least_agreed, most_spans
from gonerd.agreement.markup import cut, shown, with_interval
from gonerd.agreement.result import Agreement, Confused, Estimate, PairRow, Row
from gonerd.agreement.words import KINDS, METHOD, OVERALL, TOKEN_KAPPA, number, size, without_gamma

MOST_ROWS = 60
MOST_CONFUSED = 25

_KEY = "<span class=note>0 \u25cf exact \u25cb overlap 1</span>"
"""Heads the column of drawings."""
_STYLE = """
:root { color-scheme: light; }
body { font: 15px/1.5 system-ui, sans-serif; color: #1a1a1a; background: #fff;
  max-width: 72rem; margin: 2rem auto; padding: 0 1.25rem; }
h1 { font-size: 1.7rem; line-height: 1.2; } h2 { font-size: 1.2rem; margin-top: 2.5rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .6rem; text-align: right; border-bottom: 1px solid #e2e2e2;
  vertical-align: baseline; white-space: nowrap; }
th { font-weight: 600; border-bottom: 2px solid #888; }
.name, .text { text-align: left; white-space: normal; overflow-wrap: anywhere; }
.name { min-width: 9rem; max-width: 22rem; } .big .name, th.name { min-width: 0; }
.range, .note, .where { color: #595959; font-size: .87em; }
td.text { min-width: 8rem; } td.text:last-child { min-width: 20rem; max-width: 34rem; }
mark { background: #fde9a9; padding: 0 .1em; border-radius: .15em; }
.big td { font-size: 1.05rem; } .wide { overflow-x: auto; }
svg.map { max-width: 100%; height: auto; display: block; margin-top: 1rem; }
svg text { font-family: system-ui, sans-serif; }
svg.scale text { font-size: 12px; } svg.strip { vertical-align: middle; }
dt { font-weight: 600; margin-top: .75rem; } dd { margin-left: 0; max-width: 48rem; }
p { max-width: 48rem; } nav a { margin-right: 1rem; white-space: nowrap; }
@page { size: landscape; margin: 14mm; }
@media print { body { font-size: 9pt; max-width: none; margin: 0; padding: 0; }
  nav { display: none; } .wide { overflow: visible; } th, td { padding: .15rem .4rem; }
  td.text, td.text:last-child { min-width: 0; } svg.map { max-height: 135mm; }
  tr, svg, section:has(svg.map) { break-inside: avoid; } h2, h3 { break-after: avoid; }
  * { -webkit-print-color-adjust: exact; print-color-adjust: exact; } }
"""


@dataclass(kw_only=True, slots=True)
class _Reasons:
    """Why numbers are missing from a table, each said once below it."""

    said: dict[str, int] = field(default_factory=dict)

    def cell(self, estimate: Estimate, *, alone: bool = False) -> str:
        """Write a number with its interval, or the number of the reason why there is none."""
        value = "\u2013" if estimate.value is None else f"{estimate.value:.3f}"
        if estimate.low is not None and estimate.high is not None:
            interval = f"{estimate.low:.3f}\u2013{estimate.high:.3f}"
            return f'<td>{value} <span class="range">{interval}</span></td>'
        if alone and estimate.value is not None:
            return f"<td>{value}</td>"
        number = self.said.setdefault(estimate.why, len(self.said) + 1)
        return f'<td title="{shown(estimate.why)}">{value} <sup>({number})</sup></td>'

    def notes(self) -> str:
        """List them."""
        return "".join(
            f'<p class="note">({index}) {shown(why)}</p>' for why, index in self.said.items()
        )


def page(agreement: Agreement) -> str:
    """Lay out everything that was measured; a long table is cut, and says so."""
    by_pair = sorted(agreement.by_pair, key=most_spans)
    sections = [
        ("everything", "Over everything", _overall(agreement)),
        ("annotators-by-annotators", "Annotators by annotators", _map(agreement)),
        ("labels", "By label", _rows(sorted(agreement.by_label, key=most_spans))),
        ("span-length", "By length of the span, in characters", _rows(agreement.by_span_length)),
        (
            "document-length",
            "By length of the document, in characters",
            _rows(agreement.by_document_length),
        ),
        (
            "annotators",
            "By annotator, against all others",
            _rows(sorted(agreement.by_annotator, key=most_spans)),
        ),
        ("pairs", "By pair of annotators", _rows(by_pair)),
        ("documents", "By document, the least agreed on first", _documents(agreement)),
        ("confused", "Confused most", _confused(agreement)),
        ("method", "How this was worked out", _method(agreement)),
    ]
    links = "".join(f'<a href="#{name}">{title}</a> ' for name, title, _ in sections)
    body = "".join(
        f'<section id="{name}"><h2>{title}</h2>{inside}</section>\n'
        for name, title, inside in sections
    )
    facts = "".join(f"<li>{shown(line)}</li>" for line in (*size(agreement), *agreement.notes))
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">\n'
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>Agreement of annotators</title>\n<style>{_STYLE}</style></head>\n<body>\n"
        f"<h1>Agreement of annotators</h1>\n<ul>{facts}</ul>\n<nav>{links}</nav>\n"
        f"{body}</body></html>\n"
    )


def _overall(agreement: Agreement) -> str:
    reasons = _Reasons()
    rows = "".join(
        f'<tr><td class="name">{name}</td>{reasons.cell(getattr(agreement.overall, key))}</tr>'
        for key, name in OVERALL
    )
    without = "".join(f'<p class="note">{shown(line)}</p>' for line in without_gamma(agreement))
    return f'<table class="big">{rows}</table>{reasons.notes()}{without}'


def _map(agreement: Agreement) -> str:
    if not agreement.by_pair:
        return "<p>There are no two annotators to compare.</p>"
    number = len(agreement.by_annotator)
    cut_off = (
        f" Of {number:,} annotators, the {MOST_IN_MAP} that were compared most."
        if number > MOST_IN_MAP
        else ""
    )
    return (
        f"<p>Exact F1 below the diagonal, overlap F1 above it.{cut_off} A white square: the two "
        f'have read nothing in common.</p>{legend()}<div class="wide">{heat_map(agreement)}</div>'
    )


def _rows(rows: Sequence[Row]) -> str:
    if not rows:
        return "<p>There is nothing to compare.</p>"
    reasons = _Reasons()
    kappa = any(isinstance(row, PairRow) for row in rows)
    names = ("", "documents", "spans", "exact F1", "overlap F1", "same label")
    head = _head([*names, *(["kappa of labels"] if kappa else []), _KEY])
    body = "".join(
        f'<tr><td class="name">{cut(row.name, 80)}</td><td>{row.documents:,}</td>'
        f"<td>{row.spans:,}</td>{reasons.cell(row.exact_f1)}{reasons.cell(row.overlap_f1)}"
        f"{reasons.cell(row.label_agreement)}"
        f"{reasons.cell(row.label_kappa) if isinstance(row, PairRow) else ''}"
        f"<td>{_strip(row)}</td></tr>"
        for row in rows[:MOST_ROWS]
    )
    return f'<div class="wide"><table>{head}{body}</table></div>{_more(rows)}{reasons.notes()}'


def _documents(agreement: Agreement) -> str:
    reasons = _Reasons()
    rows = sorted(agreement.by_document, key=least_agreed)
    if not rows:
        return "<p>There is nothing to compare.</p>"
    asked = agreement.overall.gamma.why != NOT_ASKED
    names = ["", "annotators", "spans", "exact F1", "overlap F1", "same label"]
    head = _head([*names, *(["gamma"] if asked else [])])
    body = "".join(
        f'<tr><td class="name">{cut(row.name, 80)}</td><td>{row.annotators:,}</td>'
        f"<td>{row.spans:,}</td>"
        + "".join(
            reasons.cell(estimate, alone=True)
            for estimate in (
                row.exact_f1,
                row.overlap_f1,
                row.label_agreement,
                *([row.gamma] if asked else []),
            )
        )
        + "</tr>"
        for row in rows[:MOST_ROWS]
    )
    return f'<div class="wide"><table>{head}{body}</table></div>{_more(rows)}{reasons.notes()}'


def _confused(agreement: Agreement) -> str:
    found = []
    for differences in agreement.differences:
        of_kind = [one for one in agreement.confused if one.kind == differences.kind]
        rows = "".join(_confused_row(one) for one in of_kind[:MOST_CONFUSED])
        more = differences.distinct - MOST_CONFUSED
        found.append(
            f"<h3>{KINDS[differences.kind]}: {number(differences.times, 'time')}, "
            f"{differences.distinct:,} different</h3>"
        )
        if of_kind:
            head = _head(["times", "documents", "what", "label", "for example"], texts=3)
            found.append(f'<div class="wide"><table>{head}{rows}</table></div>')
        if more > 0:
            found.append(
                f'<p class="note">and {more:,} more; --json lists the first {len(of_kind):,}</p>'
            )
    return "".join(found)


def _confused_row(one: Confused) -> str:
    what, label = (
        " | ".join(f"<bdi>{cut(said, 60)}</bdi>" for said in dict.fromkeys(of) if said is not None)
        for of in (one.surfaces, one.labels)
    )
    start, end = one.places[0]
    context = ""
    if one.text:
        context = (
            f"<bdi>{shown(one.before)}<mark>{cut(one.text, 120)}</mark>{shown(one.after)}</bdi><br>"
        )
    return (
        f'<tr><td>{one.times:,}</td><td>{one.documents:,}</td><td class="text">{what}</td>'
        f'<td class="text">{label}</td><td class="text">{context}'
        f'<span class="where">{shown(one.document_id)}[{start}:{end}]</span></td></tr>'
    )


def _method(agreement: Agreement) -> str:
    every, marked = agreement.overall.token_kappa, agreement.overall.token_kappa_marked
    said = "".join(f"<dt>{title}</dt><dd>{shown(text)}</dd>" for title, text in METHOD)
    return (
        f"<dl>{said}<dt>Token kappa, a footnote</dt><dd>Over all tokens {with_interval(every)}, "
        f"over those that one of the two marked {with_interval(marked)}. It {shown(TOKEN_KAPPA)}"
        "</dd></dl>"
    )


def _head(names: Sequence[str], *, texts: int = 0) -> str:
    """Name the columns; the first is a row's name, if no number of the last hold texts."""
    words = range(len(names) - texts, len(names)) if texts else range(1)
    cells = (
        f'<th scope="col"{" class=name" if index in words else ""}>{name}</th>'
        for index, name in enumerate(names)
    )
    return f"<thead><tr>{''.join(cells)}</tr></thead>"


def _more(rows: Sequence[Row]) -> str:
    more = len(rows) - MOST_ROWS
    return f'<p class="note">and {more:,} more; --json lists them all</p>' if more > 0 else ""


def _strip(row: Row) -> str:
    """Draw exact F1 (a disc) and overlap F1 (a ring) with their intervals, from 0 to 1."""
    marks = "".join(
        _mark(estimate, height, fill)
        for estimate, height, fill in (
            (row.exact_f1, 5, "#0c2c62"),
            (row.overlap_f1, 13, "#fff"),
        )
    )
    return (
        '<svg class="strip" viewBox="0 0 126 18" width="126" height="18" aria-hidden="true">'
        '<path d="M3 0v18M63 0v18M123 0v18" stroke="#d5d5d5" fill="none"/>'
        f"{marks}</svg>"
    )


def _mark(estimate: Estimate, height: int, fill: str) -> str:
    if estimate.value is None:
        return ""
    line = ""
    if estimate.low is not None and estimate.high is not None:
        low, high = 3 + 120 * estimate.low, 3 + 120 * estimate.high
        line = f'<path d="M{low:.1f} {height}H{high:.1f}" stroke="#0c2c62" stroke-width="1.5"/>'
    at = 3 + 120 * estimate.value
    return f'{line}<circle cx="{at:.1f}" cy="{height}" r="3" fill="{fill}" stroke="#0c2c62"/>'
