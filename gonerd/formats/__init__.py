"""Foreign formats and back: one codec each, reader and writer side by side.

catalogue.py       names of formats -> their codecs
step.py            foreign files -> annotations, and back
deliver.py         what came out -> files, and the ledger beside them
leftovers.py       files of an earlier export in the folder of this one
report.py          what came out -> what a command prints
layers.py          what a reader gives and a writer gets
members.py         paths, folders, archives -> named bytes
rulers.py          a text -> the ways in which offsets can count along it
offsets.py         offsets in any unit -> code points
placing.py         a pass and its document -> an annotation
matching.py        two runs of tokens or characters -> where they say the same
align.py           differently tokenised copies -> one text
fit.py             an annotation -> what a format can carry
tokenized.py       an annotation -> sentences of tagged tokens
fields.py          foreign JSON -> checked values
imprint.py         what our own files say beside what their format does
stamp.py           whether they still say it
docbin.py          spaCy's DocBin
dolma.py           Dolma attributes
jsonl.py           our own JSON lines

The other codecs: annotation_tools/, brat/, conll/, tables/, uima/.
"""
