"""Documents into a model's annotations.

pipeline.py   a name or a path -> a loaded spaCy pipeline and what identifies it
label.py      a document -> spans, through windows cut at sentence ends
step.py       the step: documents/part-*.parquet -> annotations/<pipeline>/part-*.parquet
embedded/     the pipeline that ships with gonerd; made by `make prelabeller`
"""
