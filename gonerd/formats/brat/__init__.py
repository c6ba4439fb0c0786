"""brat's standoff format.

standoff.py   .txt and .ann <-> annotations
lines.py      lines of .ann <-> what they say
fragments.py  pieces of a mention, as brat needs and writes them
"""
