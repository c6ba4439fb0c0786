"""Annotations into gold and disputes.

passes.py   annotation files of people -> who said what about each document, checked
vote.py     the annotations of one document -> gold spans and disputes
step.py     the step: annotations/* -> annotations/<person>, gold, disputes
"""
