"""Documents and gold into a release that `load_dataset` reads.

rows.py      a document and its gold -> a row: tokens, tags, spans, and what did not fit
splits.py    ids, sources, near-duplicates -> train, validation, test
decide.py    the rows of a work folder -> the split of each, kept between releases
layers.py    the annotations behind the gold -> rows under pseudonyms
assemble.py  rows and layers -> a folder, put in place in one move
measure.py   annotations -> agreement and scores for the card
card.py      a template and measured numbers -> README.md with front matter
script.py    the labels and files -> a loading script for datasets before 4.0
seal.py      the files of a release -> card, script and manifest beside them
step.py      the step: work folder -> release
"""
