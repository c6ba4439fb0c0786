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
  intervals hold 95 % of 100 resamples of the documents (seed 0)
  from so few documents, intervals are too narrow

Over everything                               value 95 % interval
  exact spans, F1                             0.526 0.500-0.556
  overlapping spans, F1                       0.947 0.900-1.000
  exact spans, mean F1 of the pairs           0.540 0.528-0.556
  overlapping spans, mean F1 of the pairs     0.952 0.917-1.000
  same label, given the same borders          0.909 0.833-1.000
  Cohen's kappa of these labels               0.727 0.571-1.000
  gamma                                       - (1)
  (1) undefined because it was not asked for; --gamma works it out

By label, the most frequent first
                             docs     spans  exact F1           overlap F1         same label
  PER                           2        25  0.640 0.615-0.667  0.960 0.923-1.000  0.941 0.889-1.000
  ORG                           2        12  0.333 0.333-0.333  1.000 1.000-1.000  1.000 1.000-1.000
  LOC                           1         1  0.000 (1)          0.000 (1)          0.000 (1)
  (1) no interval because it rests on one document alone

By length of the span, in characters
                             docs     spans  exact F1           overlap F1         same label
  up to 5                       2         6  0.000 0.000-0.000  0.667 0.500-1.000  0.000 (1)
  6 to 10                       2        32  0.625 0.625-0.625  1.000 1.000-1.000  1.000 1.000-1.000
  (1) no interval because it rests on one document alone

By length of the document, in characters
                             docs     spans  exact F1           overlap F1         same label
  up to 1,000                   2        38  0.526 0.500-0.556  0.947 0.900-1.000  0.909 0.833-1.000

By annotator, against all others, the most compared first
                             docs     spans  exact F1           overlap F1         same label
  ana                           2        26  0.615 0.571-0.667  0.923 0.857-1.000  0.889 0.800-1.000
  bo                            2        26  0.308 0.286-0.333  0.923 0.857-1.000  0.800 0.667-1.000
  cy                            2        24  0.667 0.667-0.667  1.000 1.000-1.000  1.000 1.000-1.000

By pair of annotators, the most compared first
                             docs     spans  exact F1           overlap F1         same label
  ana and bo                    2        14  0.286 0.250-0.333  0.857 0.750-1.000  0.667 0.500-1.000
  ana and cy                    2        12  1.000 1.000-1.000  1.000 1.000-1.000  1.000 1.000-1.000
  bo and cy                     2        12  0.333 0.333-0.333  1.000 1.000-1.000  1.000 1.000-1.000

By document, the least agreed on first
                                 annotators    spans    exact F1  overlap F1  same label
  letter                                  3       20       0.500       0.900       0.833
  report                                  3       18       0.556       1.000       1.000

Same borders, another label: 1 time, 1 different
   times  docs  what                              label                   for example
       1     1  Lund                              LOC | PER               letter[36:40]

Overlapping, other borders: 8 times, 2 different
   times  docs  what                              label                   for example
       4     2  Bo | Bo Lund                      PER                     letter[12:14]
       4     2  Roe & Co | Roe & Co.              ORG                     letter[23:31]

Marked by one, not by the other: 0 times

Labels that stand at the same borders
       1  LOC | PER

Token kappa (0.802; over the tokens that one of the two marked 0.688) stands here at the foot
because it says more about the number of unmarked tokens than about agreement on names: most tokens
are O, on which everybody agrees, and how many there are to agree on is nobody's choice. Leaving out
the tokens that both leave unmarked errs the other way: to agree that something is no name then
counts for nothing. For spans the number of things that nobody marked is not even defined; the more
there are, the nearer kappa comes to F1 (Hripcsak and Rothschild 2005; Brandsen et al. 2020, with
the same annotators at 0.82, 0.67 and F1 0.95).
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
    assert lines(result) + "\n" == REPORT


def test_no_line_is_too_wide_and_nothing_moves_the_cursor_whatever_the_data_hold() -> None:
    hostile = "\x1b[2J\r\n\u202e" + 90 * "x"
    text = f"{hostile} and {hostile}"
    result = measure(
        [
            an_annotation(
                f"{hostile} {number}",
                [(0, len(hostile), f"{hostile}-{number % 2}")],
                document_id=f"{hostile}{document}",
                text=text,
                coverage=((0, len(text)),),
            )
            for number in range(4)
            for document in range(3)
        ],
        texts={f"{hostile}{document}": text for document in range(3)},
        samples=10,
    )

    shown = lines(result).split("\n")
    assert max(map(len, shown)) <= WIDTH
    assert all(line.isprintable() for line in shown)


@pytest.mark.parametrize("number", [MOST_ROWS, MOST_ROWS + 1])
def test_a_long_table_is_cut_and_says_so(number: int) -> None:
    result = measure(
        [
            an_annotation(f"a{index:02}", [(0, 5, f"L{index:02}")], document_id=document)
            for index in range(number)
            for document in "ab"
        ],
        samples=0,
    )

    shown = lines(result)
    assert ("By label" in shown, shown.count("\n  L")) == (True, MOST_ROWS)
    assert ("\n  and 1 more; --json lists them all" in shown) == (number > MOST_ROWS)


@given(layers())
def test_there_is_a_report_of_anything(annotations: list[Annotation]) -> None:
    shown = lines(measure(annotations, samples=5)).split("\n")

    assert max(map(len, shown)) <= WIDTH
    assert not any("nan" in line for line in shown)
