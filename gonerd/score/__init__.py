"""Gold and predictions into scores, with how sure they are and what is behind them.

api.py        sequences of tags, or annotations -> a result
counts.py     gold and predicted spans -> exact-span precision, recall and F1
entities.py   tags or spans of a document -> arrays of entities
sides.py      a document's entities of both sides, and their counts
schemes.py    arrays of gold and predicted entities -> the counts of SemEval'13
compare.py    documents of both sides -> a result: labels, schemes, groups, counts by document
breakdown.py  documents and entities -> groups by length, source, position, seen before
mistakes.py   entities of both sides -> mistakes of a kind each, with examples
report.py     results -> JSON, and lines for people
intervals.py  counts by document -> intervals, and whether two systems differ
"""

from gonerd.score.counts import Counts, Score, add_scores, score_spans

__all__ = ["Counts", "Score", "add_scores", "score_spans"]
