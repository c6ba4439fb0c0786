"""Anything that data holds into text that stands safely in HTML and SVG."""

from html import escape

from gonerd.agreement.result import Estimate

_CONTROLS = (*range(9), 11, 12, *range(14, 32), *range(127, 160))
_FORBIDDEN = dict.fromkeys((*_CONTROLS, *range(0xD800, 0xE000), 0xFFFE, 0xFFFF), "\ufffd")
"""Characters that HTML has no place for."""


def shown(text: str) -> str:
    """Escape a text, so that it can only ever be read as text."""
    return escape(text.translate(_FORBIDDEN), quote=True)


def cut(text: str, width: int) -> str:
    """Leave out the middle of a text that is too long for its place, and escape it."""
    if len(text) > width:
        tail = (width - 1) // 3
        text = f"{text[: width - 1 - tail]}\u2026{text[len(text) - tail :]}"
    return shown(text)


def with_interval(estimate: Estimate) -> str:
    """Write a number and its interval, or why there is none."""
    if estimate.value is None:
        return shown(estimate.why)
    if estimate.low is None or estimate.high is None:
        return f"{estimate.value:.3f} ({shown(estimate.why)})"
    return f"{estimate.value:.3f} ({estimate.low:.3f} to {estimate.high:.3f})"
