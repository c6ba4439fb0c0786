"""Foreign formats and back: one codec each, reader and writer side by side.

catalogue.py       names of formats -> their codecs
step.py            foreign files -> annotations, and back
deliver.py         what came out -> files, and the ledger beside them
report.py          what came out -> what a command prints
layers.py          what a reader gives and a writer gets
members.py         paths, folders, archives -> named bytes
offsets.py         offsets in any unit -> code points
align.py           differently tokenised copies -> one text
fit.py             an annotation -> what a format can carry
tokenized.py       an annotation -> sentences of tagged tokens
fields.py          foreign JSON -> checked values
imprint.py         what our own files say beside what their format does
stamp.py           whether they still say it
annotation_tools/ brat/ conll/ tables/ uima/ docbin.py dolma.py jsonl.py   the codecs
"""
