"""Reviewing in a terminal: the same log, wishes and keys as on the page.

shown.py    what is suggested and held -> spans as they are shown, one after the other
sheet.py    a text and spans -> lines of cells, only those in view
seat.py     wishes of one annotator -> acts in the log, and what is chosen
page.py     the seat -> the lines in view, drawn
asking.py   questions -> answers, in windows over the text
pressed.py  a key of a terminal -> its name in the table of keys
deeds.py    wishes -> what is done, and what is asked before
app.py      keys -> wishes; the screen
"""
