"""Sources into documents.

    items.py     a folder or a list of addresses -> the items to read, in batches
    read.py      one item's bytes -> documents, or the reason why not
    web.py       an address -> bytes, or the reason why not
    step.py      the step: batches -> documents/part-*.parquet, duplicates dropped

A new kind of source makes items in `items.py` and is read in `read.py`; nothing else knows of it.
"""
