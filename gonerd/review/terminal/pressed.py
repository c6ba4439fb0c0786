"""A key as a terminal sends it into its name in the table of keys."""

from textual import events


def pressed(event: events.Key) -> str:
    """Name a key as `gonerd.review.keys` does: the character it types, or its name."""
    typed = event.character
    if typed is not None and len(typed) == 1 and typed.isprintable() and typed != " ":
        return typed
    return event.key
