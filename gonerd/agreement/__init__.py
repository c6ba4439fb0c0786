"""Annotations of the same documents into how far annotators agree, and about what they do not.

pairs.py       every two annotators, exact spans: what a card shows
read.py        files, a work folder, a release -> annotations, and the texts they speak of
columns.py     annotations -> columns of numbers
compare.py     columns -> what each two readings of a document have in common
overlap.py     overlapping spans of two readings -> one-to-one
tables.py      the labels that two readings give to the same things -> Cohen's kappa
confused.py    what two readings differ in -> the most confused spans
tally.py       columns -> everything that is counted, by document
resample.py    documents -> resamples of them
estimates.py   counts -> numbers with intervals, or why there is none
gamma.py       the readings of a document -> gamma, by pygamma-agreement
result.py      what was measured, as records with a JSON form
rows.py        counts -> rows of labels, lengths, annotators and documents
measure.py     annotations -> what was measured
words.py       what each number is called, and how it was worked out
lines.py       what was measured -> the text a command prints
markup.py      anything that data holds -> text that is safe in HTML
heat_map.py    annotators x annotators -> a picture
page.py        what was measured -> one page of HTML
"""

from gonerd.agreement.pairs import PairAgreement, add_agreements, agreement

__all__ = ["PairAgreement", "add_agreements", "agreement"]
