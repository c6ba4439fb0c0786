"""Documents with gold into a token classifier that has learnt from them.

data.py      a release, or files with its columns -> documents with gold, by split
examples.py  a document and its spans -> windows of pieces with tags, no longer than the model reads
rows.py      windows -> rows of tensors, packed where documents cannot see each other, else padded
predict.py   a model and documents -> annotations, windows joined where each is surest
telling.py   where a run is -> a line for people
state.py     a run on its way <-> a file
together.py  processes -> one run, the examples of each update shared out
folder.py    a finished run -> its folder; a folder -> whether a run may go there
train.py     a model, examples and settings -> the same model, taught; stopped and resumed anywhere
release.py   a model and a release -> a folder with the model taught on it, and how well it does
"""
