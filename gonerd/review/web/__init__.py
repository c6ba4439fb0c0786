"""A server of one's own and a page: what annotators do becomes acts of the log.

access.py  people with a token each, kept beside the log -> who a request comes from
guard.py   every request -> let in or refused: host, origin, token, rate; headers on every answer
saving.py  wishes of everybody -> acts, committed together with one fsync
wishes.py  a wish as JSON -> the act that does it
views.py   desk and state -> the JSON that a page reads
guide.py   a guide's Markdown -> a tree of harmless elements
places.py  where each annotator stopped -> a file beside the log, and back
office.py  all that the routes work with
reading.py   routes that say what there is
searching.py  routes that look for words
app.py     the routes together, the page, and those that act
serve.py   options -> a server that listens, and its links
page/      what the browser gets: one HTML, one CSS, plain modules
"""
