"""Annotators x annotators into a picture: a table of squares as SVG, the darker the more agreed.

Below the diagonal stands exact F1, above it overlap F1. One hue from light to dark is told apart
by any eye and on grey paper; where there is room the number stands in its square.
"""

from collections.abc import Sequence

from gonerd.agreement.markup import cut, shown, with_interval
from gonerd.agreement.result import Agreement, Estimate, PairRow
from gonerd.agreement.words import number

MOST = 60
"""Annotators that a page has room for."""
_NAME = 18
"""Characters of a name."""
_LIGHT, _MIDDLE, _DARK = (239, 246, 252), (107, 164, 212), (12, 44, 98)


def heat_map(agreement: Agreement) -> str:
    """Draw the pairs; of many annotators those that were compared most."""
    most = sorted(agreement.by_annotator, key=lambda row: (-row.spans, row.name))[:MOST]
    names = sorted(row.name for row in most)
    place = {name: index for index, name in enumerate(names)}
    size = _size(len(names))
    room = 14 + _font(size) * max((min(len(name), _NAME) for name in names), default=0) * 3 // 4
    side = room + size * len(names)
    squares = [
        _square(pair, estimate, row, column, size)
        for pair in agreement.by_pair
        if pair.annotators[0] in place and pair.annotators[1] in place
        for column, row in [sorted(place[name] for name in pair.annotators)]
        for estimate, row, column in ((pair.exact_f1, row, column), (pair.overlap_f1, column, row))
    ]
    return "".join(
        [
            f'<svg class="map" viewBox="0 0 {side + 8} {side + 8}" width="{side + 8}" role="img" '
            'aria-labelledby="map-title map-text" xmlns="http://www.w3.org/2000/svg">',
            '<title id="map-title">Agreement of every two annotators</title>',
            f'<desc id="map-text">{_said(agreement, names)}</desc>',
            '<defs><pattern id="none" width="5" height="5" patternUnits="userSpaceOnUse" '
            'patternTransform="rotate(45)"><rect width="5" height="5" fill="#fff"/>'
            '<line x1="0" y1="0" x2="0" y2="5" stroke="#bbb" stroke-width="1.5"/></pattern></defs>',
            *(_name(name, index, size, room) for index, name in enumerate(names)),
            f'<g transform="translate({room} {room})">',
            f'<rect width="{size * len(names)}" height="{size * len(names)}" fill="#fff" '
            'stroke="#ccc"/>',
            *squares,
            *(_diagonal(index, size) for index in range(len(names))),
            "</g></svg>",
        ]
    )


def legend() -> str:
    """Draw the scale."""
    steps = "".join(
        f'<rect x="{20 * step}" width="20" height="14" fill="{_colour(step / 10)}"/>'
        for step in range(11)
    )
    return (
        '<svg class="scale" viewBox="0 0 340 34" width="340" role="img" '
        'aria-label="Scale: light is 0, dark is 1, hatched is undefined" '
        f'xmlns="http://www.w3.org/2000/svg">{steps}<text x="0" y="29">0</text>'
        '<text x="110" y="29" text-anchor="middle">0.5</text>'
        '<text x="220" y="29" text-anchor="end">1</text><rect x="250" width="20" height="14" '
        'fill="url(#none)" stroke="#ccc"/><text x="276" y="12">undefined</text></svg>'
    )


def _size(annotators: int) -> int:
    for most, size in ((8, 60), (16, 44), (30, 30)):
        if annotators <= most:
            return size
    return 22


def _font(size: int) -> int:
    """Choose the size of the letters of names."""
    return min(13, size - 9)


def _square(pair: PairRow, estimate: Estimate, row: int, column: int, size: int) -> str:
    kind = "exact F1" if row > column else "overlap F1"
    said = f"{shown(pair.name)}: {kind} {with_interval(estimate)}"
    said += f"; {number(pair.documents, 'document')}, {number(pair.spans, 'span')}"
    fill = "url(#none)" if estimate.value is None else _colour(estimate.value)
    square = (
        f'<rect x="{column * size}" y="{row * size}" width="{size}" height="{size}" '
        f'fill="{fill}" stroke="#fff"/>'
    )
    return f"<g><title>{said}</title>{square}{_value(estimate, row, column, size)}</g>"


def _value(estimate: Estimate, row: int, column: int, size: int) -> str:
    if estimate.value is None:
        return ""
    value = f"{estimate.value:.2f}".removeprefix("0").replace("1.00", "1")
    light = ' fill="#fff"' if estimate.value > 0.55 else ""
    x, y = column * size + size / 2, row * size + size / 2
    font = max(9, min(size // 3, 16))
    return (
        f'<text x="{x:g}" y="{y:g}" dy=".35em" font-size="{font}" text-anchor="middle"{light}>'
        f"{value}</text>"
    )


def _diagonal(index: int, size: int) -> str:
    at = index * size
    return f'<rect x="{at}" y="{at}" width="{size}" height="{size}" fill="#888" stroke="#fff"/>'


def _name(name: str, index: int, size: int, room: int) -> str:
    middle = room + index * size + size / 2
    text = f"<title>{shown(name)}</title>{cut(name, _NAME)}"
    font = _font(size)
    return (
        f'<text x="{room - 6}" y="{middle:g}" dy=".35em" font-size="{font}" text-anchor="end">'
        f"{text}</text>"
        f'<text transform="translate({middle:g} {room - 6}) rotate(-90)" dy=".35em" '
        f'font-size="{font}">{text}</text>'
    )


def _colour(value: float) -> str:
    low, high, share = (
        (_LIGHT, _MIDDLE, value * 2) if value < 0.5 else (_MIDDLE, _DARK, value * 2 - 1)
    )
    mixed = (round(a + (b - a) * share) for a, b in zip(low, high, strict=True))
    return "#" + "".join(f"{part:02x}" for part in mixed)


def _said(agreement: Agreement, names: Sequence[str]) -> str:
    values = [pair.exact_f1.value for pair in agreement.by_pair]
    defined = sorted(value for value in values if value is not None)
    if not defined:
        return "No two annotators can be compared."
    return (
        f"A table of {len(names)} annotators by {len(names)}: exact F1 below the diagonal, overlap "
        f"F1 above it. Exact F1 goes from {defined[0]:.2f} to {defined[-1]:.2f}, with "
        f"{defined[len(defined) // 2]:.2f} in the middle. The same numbers stand in the table of "
        "pairs."
    )
