"""Formats of a token a line: CoNLL columns, CoNLL-U, HIPE.

conll2003.py     CoNLL columns, of any scheme of tags
conllu.py        CoNLL-U with entities in MISC
hipe.py          HIPE TSV
tags.py          sequences of tags -> their scheme, and spans
tag_columns.py   lines -> which columns hold tokens and tags
token_lines.py   what all of these share: escapes, rebuilding the text
conllu_words.py  lines of CoNLL-U -> words
brackets.py      entities in nested brackets <-> spans
"""
