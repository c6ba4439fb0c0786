"""Models that learn from annotations; needs the extra `student`.

encoder.py  a transformers encoder and words -> what its layers see in each word
tagger.py   words and probable tags -> tags of words it was not taught on
"""
