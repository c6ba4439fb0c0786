"""Models that learn from annotations and read whole documents; needs the extra `student`.

attention/     attention in linear time, and how transformers comes to use it
checkpoint.py  a folder of transformers -> a tokenizer and a model, safely
bench/         our attention beside what a user would take instead -> time, memory, differences
convert/       an encoder of short texts -> one of long ones, with the same weights
evaluate/      token classifiers and a release -> predictions, how good and how fast they are
finetune/      documents with gold -> a token classifier that has learnt from them
encoder.py     a transformers encoder and words -> what its layers see in each word
tagger.py      words and probable tags -> tags of words it was not taught on
tagging/       texts and spans -> pieces and tags, and back

Importing this is all that `from_pretrained` needs for the models that `gonerd convert` writes.
"""

from importlib.util import find_spec

from gonerd.student.attention.interface import register

if find_spec("torch") and find_spec("transformers"):
    register()
