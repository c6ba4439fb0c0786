"""People's decisions about documents, kept in a log, and what follows from them.

acts.py    what an annotator does at once -> a line of JSON, and back
state.py   acts in order -> what each annotator holds of each document
log.py     acts -> events.jsonl, checked, numbered and on disk before anyone is told so
desk.py    a work folder -> documents with what is suggested for them, guide, disputes
verbs.py   what an annotator wants done -> the act that does it, for page and terminal alike
words.py   a text -> where the same words stand, and where borders may go
keys.py    keys -> wishes, one table for page and terminal
derive.py  what annotators hold -> annotations and settled disputes
adjudicate.py  disputes and what has been ruled -> what to ask next, and a ruling -> its act
suspects.py  a gold and a model -> the places where the gold is most likely wrong
witnesses.py  texts, a gold and a model -> places, and what speaks of each
confident.py  places with their labels -> how probable each label is there
alike.py   spans of one place -> those of another where the same words stand
snippets.py  a place in a text -> the words around it
queues.py  a desk -> tasks: who reads what, and in what order
hiding.py  a desk -> what one annotator is to see of it
progress.py  a log -> how far everybody is, pace and time left
bias.py    suggestions shown and hidden -> how far an annotator follows them
"""
