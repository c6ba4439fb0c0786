"""Tests that the text of a report says everything in few columns, whatever the data hold."""

import pytest
from hypothesis import given

from gonerd.agreement.lines import MOST_ROWS, WIDTH, lines
from gonerd.agreement.measure import measure
from gonerd.records import Annotation
from tests.agreement.layers import an_annotation, layers

TEXT = "Ana Roe met Bo Lund of Roe & Co. in Lund on Monday."

REPORT = """\
Agreement: 6 readings of 2 documents by 3 annotators, with 20 spans
  3 pairs of annotators compared, in 2 documents
  intervals hold 95 % of 100 resamples of the documents (seed 0); of so few documents they are too narrow

"""


def example() -> list[Annotation]:
    """Make what three people say about two documents, one of them of the beginning alone."""
    whole = ((0, len(TEXT)),)
    said = {
        "ana": [(0, 7), (12, 19), (23, 32, "ORG"), (36, 40, "LOC")],
        "bo": [(0, 7), (12, 14), (23, 31, "ORG"), (36, 40, "PER")],
        "cy": [(0, 7), (12, 19), (23, 32, "ORG")],
    }
    return [
        an_annotation(
            name,
            places[: 4 - number],  # type: ignore[arg-type]
            document_id=document,
            text=TEXT,
            coverage=((0, 33),) if name == "cy" else whole,
        )
        for name, places in said.items()
        for number, document in enumerate(["letter", "report"])
    ]


def test_a_small_report_reads_like_this() -> None:
    result = measure(example(), texts={"letter": TEXT, "report": TEXT}, samples=100)
    assert lines(result) == REPORT
