"""Rows of columns: Hugging Face datasets of any shape, Argilla.

dataset.py          datasets whose columns are not known beforehand
argilla.py          Argilla's records
argilla_answers.py  one answer of a record -> what its annotator said
recognise.py        columns, by names and values -> what each holds
rows.py             JSON, Parquet, Arrow, CSV -> rows
token_rows.py       a row for each token -> a row for each document
row_passes.py       a row -> what its annotator said
cells.py            a cell -> plain values
span_cells.py       a cell -> spans, in any of the usual shapes
span_places.py      spans without offsets -> where they stand
counting.py         offsets -> whether they count characters or tokens, and their ends
class_names.py      a dataset's schema or card -> names of tags that are numbers
column_names.py     names that columns usually have
tag_choice.py       several columns of tags -> the one that holds entities
"""
