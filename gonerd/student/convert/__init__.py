"""An encoder of short texts -> one of long ones, with the same weights.

convert.py    a folder of transformers -> the folder of a model that reads more, in less time
kinds.py      the attentions that can be asked for -> settings in a configuration
positions.py  a model -> the same with places for more tokens
card.py       what was converted and how -> README.md
"""
