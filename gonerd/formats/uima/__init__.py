"""Formats of UIMA's family: WebAnno TSV, CAS, INCEpTION projects.

webanno.py        WebAnno TSV 3
cas.py            UIMA CAS, as XMI or JSON
inception.py      a project export, of either
layer_choice.py   layers and features -> the one that holds entities
utf16.py          code points <-> UTF-16 code units
webanno_text.py   sentences and offsets <-> the text
webanno_rows.py   rows <-> tokens and marks
webanno_cells.py  one cell <-> its values
cas_scan.py       hostile XML and JSON -> what may be read
cas_cut.py        a file -> one without its tokens and sentences
cas_views.py      a view -> mentions and asides
cas_write.py      annotations -> XMI and its types
"""
