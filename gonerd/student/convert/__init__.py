"""An encoder of short texts -> one of long ones, with the same weights.

convert.py    a folder of transformers -> the folder of a model that reads more, in less time
change.py     a model and its tokenizer -> the same for long texts, and what changed
kinds.py      the attentions that can be asked for -> settings in a configuration
own.py        Longformer and BigBird checkpoints -> the settings by which they read as they did
positions.py  a model -> the same with places for more tokens
prepended.py  a model and its tokenizer -> the same with global tokens before every text
adapt.py      a converted model and texts -> the same, used to reading that far
card.py       what was converted and how -> README.md
"""
