"""Keys into wishes, one table for page and terminal, and what the key card says of each.

A key is written as the character it types (`a`, `A`, `?`, `+`), and where it types none, or a
blank, by its name in lower case (`enter`, `escape`, `delete`, `left`, `pagedown`, `space`), after
the keys held with it (`shift+left`, `ctrl+z`; on a Mac the command key does as ctrl). What a page
calls `ArrowLeft` is `left`. While somebody types into a field, keys belong to the field, but for
escape and enter.
"""

from dataclasses import dataclass
from typing import Literal

Group = Literal["Move", "Decide", "Change", "Read", "Disputes", "More"]
Mode = Literal["read", "settle"]
"""At a document, or at disputes, where some keys mean something else."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Key:
    """What one wish is called, and how it is made."""

    wish: str
    """The same name in page and terminal."""
    keys: tuple[str, ...]
    """Any of them; the first stands on the key card."""
    says: str
    """What the key card says."""
    group: Group
    modes: tuple[Mode, ...] = ("read",)


_BOTH: tuple[Mode, ...] = ("read", "settle")
_SETTLE: tuple[Mode, ...] = ("settle",)

KEYS: tuple[Key, ...] = (
    Key(wish="next", keys=("j", "down"), says="Next span", group="Move", modes=_BOTH),
    Key(wish="previous", keys=("k", "up"), says="Previous span", group="Move", modes=_BOTH),
    Key(wish="next_undecided", keys=("n",), says="Next undecided", group="Move", modes=_BOTH),
    Key(wish="previous_undecided", keys=("N",), says="Previous undecided", group="Move",
        modes=_BOTH),
    Key(wish="next_unread", keys=("o",), says="First place not read yet", group="Move"),
    Key(wish="next_document", keys=("J",), says="Next document", group="Move"),
    Key(wish="previous_document", keys=("K",), says="Previous document", group="Move"),
    Key(wish="page_down", keys=("pagedown", "space"), says="Scroll down", group="Move",
        modes=_BOTH),
    Key(wish="page_up", keys=("pageup",), says="Scroll up", group="Move", modes=_BOTH),
    Key(wish="first", keys=("home",), says="Beginning of the document", group="Move"),
    Key(wish="last", keys=("end",), says="End of the document", group="Move"),
    Key(wish="search", keys=("/",), says="Search the document", group="Move"),
    Key(wish="next_found", keys=("f",), says="Next place found", group="Move"),
    Key(wish="previous_found", keys=("F",), says="Previous place found", group="Move"),
    Key(wish="accept", keys=("a", "enter"), says="Accept", group="Decide"),
    Key(wish="reject", keys=("x", "delete"), says="Reject, or delete your own", group="Decide"),
    Key(wish="reset", keys=("backspace",), says="Back to undecided", group="Decide"),
    Key(wish="unsure", keys=("u",), says="Unsure, or sure again", group="Decide"),
    Key(wish="note", keys=("c",), says="Write a note on it", group="Decide"),
    Key(wish="label_all", keys=("A",), says="Give its label to all the same words here",
        group="Decide"),
    Key(wish="label_everywhere", keys=("+",), says="... in all documents", group="Decide"),
    Key(wish="reject_all", keys=("X",), says="Reject all the same words here", group="Decide"),
    Key(wish="reject_everywhere", keys=("-",), says="... in all documents", group="Decide"),
    Key(wish="undo", keys=("z", "ctrl+z"), says="Undo", group="Decide", modes=_BOTH),
    Key(wish="redo", keys=("y", "ctrl+y"), says="Redo", group="Decide", modes=_BOTH),
    *(
        Key(wish=f"label_{number}", keys=(str(number),),
            says=f"Label {number} of the guide, for the span or what is selected", group="Change")
        for number in range(1, 10)
    ),
    Key(wish="label", keys=("l",), says="Choose a label from the list", group="Change"),
    Key(wish="select", keys=("v",), says="Select words for a new span: left and right move, "
        "shift with them widens, a label adds it", group="Change"),
    Key(wish="start_left", keys=("left",), says="Start one token earlier", group="Change"),
    Key(wish="start_right", keys=("shift+right",), says="Start one token later", group="Change"),
    Key(wish="end_left", keys=("shift+left",), says="End one token earlier", group="Change"),
    Key(wish="end_right", keys=("right",), says="End one token later", group="Change"),
    Key(wish="start_left_character", keys=(",",), says="Start one character earlier",
        group="Change"),
    Key(wish="start_right_character", keys=(">",), says="Start one character later",
        group="Change"),
    Key(wish="end_left_character", keys=("<",), says="End one character earlier", group="Change"),
    Key(wish="end_right_character", keys=(".",), says="End one character later", group="Change"),
    Key(wish="read_to_here", keys=("d",), says="Read up to here", group="Read"),
    Key(wish="done", keys=("D",), says="The whole document, or piece, is done", group="Read"),
    Key(wish="reopen", keys=("O",), says="The document, or piece, is not done", group="Read"),
    *(
        Key(wish=f"choose_{number}", keys=(str(number),), says=f"Reading {number} holds",
            group="Disputes", modes=_SETTLE)
        for number in range(1, 10)
    ),
    Key(wish="choose_none", keys=("0",), says="No entity here", group="Disputes", modes=_SETTLE),
    Key(wish="open_again", keys=("backspace",), says="Open it again", group="Disputes",
        modes=_SETTLE),
    Key(wish="who", keys=("i",), says="Show, or hide, who says what", group="Disputes",
        modes=_SETTLE),
    Key(wish="guide", keys=("g",), says="What the guide says of the label", group="More",
        modes=_BOTH),
    Key(wish="progress", keys=("P",), says="How far the work is", group="More", modes=_BOTH),
    Key(wish="keys", keys=("?",), says="This card", group="More", modes=_BOTH),
    Key(wish="leave", keys=("escape",), says="Close what is open, or stop selecting",
        group="More", modes=_BOTH),
    Key(wish="quit", keys=("q",), says="Stop (in a terminal); all is saved", group="More",
        modes=_BOTH),
)  # fmt: skip


def wishes(mode: Mode) -> dict[str, str]:
    """Give the wish of every key that means something in a mode."""
    return {key: one.wish for one in KEYS if mode in one.modes for key in one.keys}


def card(mode: Mode) -> dict[Group, list[tuple[str, str]]]:
    """Give the key card: by group, keys and what they do, labels and readings in one line each."""
    found: dict[Group, list[tuple[str, str]]] = {}
    for one in KEYS:
        if mode not in one.modes:
            continue
        stem, _, number = one.wish.rpartition("_")
        if number.isdigit():
            if number == "1":
                says = _NUMBERED[stem]
                found.setdefault(one.group, []).append(("1-9", says))
            continue
        found.setdefault(one.group, []).append((" ".join(one.keys), one.says))
    return found


_NUMBERED = {
    "label": "A label of the guide, for the span or what is selected",
    "choose": "This reading holds",
}
