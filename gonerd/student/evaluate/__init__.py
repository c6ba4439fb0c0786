"""Token classifiers and a release into how good they are, how fast, and what they take.

evaluate.py  models and a split -> predictions, a report, figures
quality.py   a model and a split -> annotations, and scores of them by label and length
speed.py     a model and a text -> time, memory and work at some lengths, in this process
apart.py     the same in a process of its own, whose end is a row of the report and not the end
flops.py     a call -> the floating point operations of it
report.py    a report -> a table for people
plots.py     a report -> figures by length
chart.py     series of points -> a line chart as SVG
"""
