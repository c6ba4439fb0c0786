"""Our attention beside what a user would take instead: time, memory, and what comes out.

ask.py      what a user types -> what is to be measured
setting.py  how large the models are, and what is measured of them
models.py   a kind of model and a setting -> a step that can be timed
parts.py    a setting -> steps of the linear layers alone, of attention alone, of FlexAttention
mixed.py    texts of mixed lengths -> steps that read them padded, one by one, or packed
systems.py  what is measured side by side
measure.py  steps -> how long they take, in turns
memory.py   a side of a system -> its peak memory, in a process of its own
machine.py  the machine -> what it is, and its limits
goals.py    figures -> each goal, what was measured, and whether it is reached
run.py      what is asked for -> figures
table.py    figures -> a table to read
"""
