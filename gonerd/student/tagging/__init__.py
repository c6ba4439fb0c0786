"""Texts and spans to what a token classifier reads and says, and back.

pieces.py   a text -> pieces of a tokenizer with their places; spans <-> tags of pieces
viterbi.py  how probable each tag of each piece is -> the best legal tags, and spans with confidence
"""
