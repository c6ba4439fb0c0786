"""What goes wrong with data or configuration, as one tree of exceptions.

    GonerdError                 everything a user can mend; the command line exits with 1
     +-- ConfigError            a builder, a guide or a card says something it may not say
     +-- SourceError            a folder, file or address to collect from cannot be used
     +-- RecordError            a document, annotation or dispute does not have its form
     |    +-- SpanError         a span does not fit its text
     |    +-- TextMismatch      a text is not the one that was annotated
     |    +-- TagError          a sequence of BIO tags is not legal
     +-- OpenDispute            annotators disagree and the builder wants a person to settle it
     +-- StoreError             a work folder or a release cannot be read or written
     +-- Lost                   --strict was given and something was refused, repaired or dropped
     +-- MissingExtra           an optional part is not installed

Every message has the form `where: what is wrong with which value; what was expected.`, and, where
there is one obvious way out, a second line that says it.
"""

from collections.abc import Callable, Sequence
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


class GonerdError(Exception):
    """A problem of data or configuration that its owner can mend."""


class ConfigError(GonerdError):
    """A builder, guide or card holds a key or a value that it may not hold."""


class SourceError(GonerdError):
    """A source to collect from is missing, empty or unreadable."""


class RecordError(GonerdError):
    """A record does not have the form of its kind."""


class SpanError(RecordError):
    """A span lies outside its text, is empty, or carries a label its guide does not know."""


class TextMismatch(RecordError):
    """The text is not the text that was annotated."""


class TagError(RecordError):
    """A sequence of tags holds a transition that the scheme forbids."""


class OpenDispute(GonerdError):
    """Annotators disagree and nobody has settled it."""


class StoreError(GonerdError):
    """A work folder or release cannot be read, written or trusted."""


class Lost(GonerdError):
    """Something was refused, repaired or dropped although --strict forbids it."""


class MissingExtra(GonerdError):
    """An optional part of gonerd is not installed."""


def located(where: str, make: Callable[P, R], /, *arguments: P.args, **values: P.kwargs) -> R:
    """Make or check a record; if it is refused, say where it stood."""
    try:
        return make(*arguments, **values)
    except RecordError as error:
        raise type(error)(f"{where}: {error}") from None


def raise_all(where: str, problems: Sequence[GonerdError], *, what: str = "records") -> None:
    """Raise what is wrong, if anything is: one as it is, several as a list of their first lines."""
    if len(problems) == 1:
        raise problems[0]
    if problems:
        messages = [str(problem).splitlines()[0] for problem in problems]
        raise RecordError(
            f"{where}: {len(problems)} {what} are wrong; expected none.\n{listing(messages)}"
        )


def listing(problems: Sequence[str], *, most: int = 10) -> str:
    """Lay out problems one a line, the first ten whole and the rest as a number."""
    lines = [f"  {problem}" for problem in problems[:most]]
    if len(problems) > most:
        lines.append(f"  and {len(problems) - most} more")
    return "\n".join(lines)
