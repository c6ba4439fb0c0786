"""Exports of tools people annotate with: Label Studio, doccano, Prodigy.

label_studio.py        Label Studio's JSON
label_studio_tasks.py  its tasks, of every shape it has had
doccano.py             doccano's JSON lines
prodigy.py             Prodigy's JSON lines
prodigy_answers.py     one row of it -> what its annotator said
text_field.py          fields of a task -> the one that was annotated
"""
