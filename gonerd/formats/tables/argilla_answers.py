"""A record of Argilla into its fields and everything that was said of it, whatever its layout.

Version 2 writes columns of values, users and states in step, or JSON with responses by question;
version 1 wrote objects with `user_id`, and before that one `annotation` and one `prediction`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gonerd.formats.fields import name_in
from gonerd.formats.tables.cells import Row

QUESTION = "spans"
"""What our writer calls the question."""
STAMPS = "gonerd"
"""The column in which it keeps, for each response, what Argilla has no place for."""
_ENDINGS = (
    ".responses", ".responses.users", ".responses.status", ".suggestion", ".suggestion.score",
    ".suggestion.agent", "-suggestion", "-suggestion-metadata", "_agent", "_timestamp",
)  # fmt: skip
_OWN = ("id", "external_id", "status", "_server_id", "inserted_at", "updated_at", "metadata")
"""Columns of a record that are no field of its text."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What somebody said to a question."""

    question: str
    annotator: str
    value: Any
    status: str | None
    score: Any = None
    is_suggestion: bool = False
    """Whether a model said it."""
    stamp: Any = None
    """What our writer has kept beside it."""


def answers_in(row: Row) -> Iterator[Answer]:
    """List everything said in a record, in whichever of the layouts it is."""
    for key, value in row.items():
        question, _, kind = key.rpartition(".")
        if kind == "responses" and question:
            yield from _in_columns(row, question)
        elif kind == "suggestion" and question and value is not None:
            agent, score = row.get(f"{key}.agent"), row.get(f"{key}.score")
            yield _suggestion(question, value, agent, score)
        elif key.endswith("-suggestion") and value is not None:
            about = row.get(f"{key}-metadata")
            about = about if isinstance(about, dict) else {}
            yield _suggestion(key[:-11], value, about.get("agent"), about.get("score"))
        elif key not in ("responses", "suggestions", "annotation", "prediction"):
            yield from _in_objects(key, value)
    if isinstance(row.get("fields"), dict):
        yield from _nested(row)
    if "annotation_agent" in row or "prediction_agent" in row:
        yield from _of_tokens(row)


def fields_in(row: Row) -> dict[str, str]:
    """List the fields of a record: texts that are nothing else."""
    nested = row.get("fields")
    held = nested if isinstance(nested, dict) else row
    return {
        str(name): value
        for name, value in held.items()
        if isinstance(value, str) and name not in _OWN and not name.endswith(_ENDINGS)
    }


def _in_columns(row: Row, question: str) -> Iterator[Answer]:
    """Read version 2: columns of values, users and states, in step."""
    values = row[f"{question}.responses"]
    users, states = row.get(f"{question}.responses.users"), row.get(f"{question}.responses.status")
    stamps = row.get(STAMPS) if question == QUESTION else None
    for index, value in enumerate(values if isinstance(values, list) else []):
        yield _response(
            question, _at(users, index), value, _at(states, index), index, _at(stamps, index)
        )


def _in_objects(question: str, value: Any) -> Iterator[Answer]:
    """Read version 1: objects of `user_id`, `value` and `status`, or these as columns."""
    if isinstance(value, dict) and {"user_id", "value"} <= set(value):
        columns = [value["user_id"], value["value"], value.get("status")]
        if isinstance(columns[0], list) and isinstance(columns[1], list):
            value = [
                {"user_id": user, "value": _at(columns[1], index), "status": _at(columns[2], index)}
                for index, user in enumerate(columns[0])
            ]
    if not isinstance(value, list) or not value:
        return
    if all(isinstance(one, dict) and {"user_id", "value"} <= set(one) for one in value):
        for index, one in enumerate(value):
            yield _response(question, one["user_id"], one["value"], one.get("status"), index)


def _nested(row: Row) -> Iterator[Answer]:
    """Read records written as JSON, with responses and suggestions by question."""
    responses, suggestions = row.get("responses"), row.get("suggestions")
    if isinstance(responses, dict):
        for question, held in responses.items():
            yield from _in_objects(str(question), held)
    for index, one in enumerate(responses if isinstance(responses, list) else []):
        values = one.get("values") if isinstance(one, dict) else None
        for question, held in (values if isinstance(values, dict) else {}).items():
            value = held.get("value") if isinstance(held, dict) else held
            yield _response(str(question), one.get("user_id"), value, one.get("status"), index)
    by_question = suggestions.items() if isinstance(suggestions, dict) else []
    listed = suggestions if isinstance(suggestions, list) else []
    pairs = [
        *by_question,
        *((one.get("question_name"), one) for one in listed if isinstance(one, dict)),
    ]
    for question, one in pairs:
        if isinstance(one, dict) and one.get("value") is not None:
            yield _suggestion(str(question), one["value"], one.get("agent"), one.get("score"))


def _of_tokens(row: Row) -> Iterator[Answer]:
    """Read the oldest layout: one annotation and one prediction."""
    states = {"validated": "submitted", "discarded": "discarded"}
    status = states.get(str(row.get("status")).lower(), "draft")
    said, guessed = _objects(row.get("annotation")), _objects(row.get("prediction"))
    if said is not None:
        yield _response("annotation", row.get("annotation_agent"), said, status, 0)
    if guessed is not None:
        yield _suggestion("annotation", guessed, row.get("prediction_agent"), None)


def _objects(spans: Any) -> Any:
    """Name the parts of spans that are lists of label, start, end and perhaps a score."""
    if not isinstance(spans, list):
        return spans
    names = ("label", "start", "end", "score")
    return [
        dict(zip(names, span, strict=False)) if isinstance(span, list) else span for span in spans
    ]


def _response(
    question: str, user: Any, value: Any, status: Any, index: int, stamp: Any = None
) -> Answer:
    return Answer(
        question=question,
        annotator=name_in(user) or f"user {index + 1}",
        value=value,
        status=str(status).lower() if status is not None else None,
        stamp=stamp,
    )


def _suggestion(question: str, value: Any, agent: Any, score: Any) -> Answer:
    return Answer(
        question=question,
        annotator=name_in(agent) or "suggestion",
        value=value,
        status=None,
        score=score,
        is_suggestion=True,
    )


def _at(values: Any, index: int) -> Any:
    return values[index] if isinstance(values, list) and index < len(values) else None
