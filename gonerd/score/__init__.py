"""Gold and predictions into scores, with how sure they are and what is behind them.

counts.py    gold and predicted spans -> exact-span precision, recall and F1
entities.py  tags or spans of a document -> arrays of entities
schemes.py   arrays of gold and predicted entities -> the counts of SemEval'13
intervals.py counts by document -> intervals, and whether two systems differ
"""

from gonerd.score.counts import Counts, Score, add_scores, score

__all__ = ["Counts", "Score", "add_scores", "score"]
