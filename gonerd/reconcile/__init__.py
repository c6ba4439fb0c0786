"""Annotations into gold and disputes.

passes.py      annotation files of people -> who said what about each document, checked
methods.py     all annotations -> how each place of each document is read, by a chosen method
candidates.py  everybody's spans -> layers without overlap; a span that may hold
repeats.py     texts and layers -> names in them, and where an annotator overlooked one
weighted.py    layers -> candidates, by a vote in which each weighs what it is worth
units.py       layers and texts -> units with everybody's tags
sequence.py    units -> candidates, by a model of annotators over a sequence
vote.py        what each says about a place -> one reading, by a vote of equals
reading.py     what each says about a place, and candidates -> one reading
decide.py      the annotations of one document -> gold spans and disputes
settled.py     disputes that people have settled -> rulings, checked
plain.py       gathered annotations -> gold and disputes, without a work folder
step.py        the step: annotations/* -> annotations/<person>, gold, disputes
"""
