"""Attention that reads long documents in linear time.

pattern.py    settings, and the rows of a batch -> which keys each query sees
dense.py      queries, keys, values -> what each query has read, by a table of all pairs
blocked.py    the same, block by block of queries
masks.py      rows of a batch -> which keys of its windows each query sees, span by span
windows.py    for blocks of queries: what they read of their windows, span by span
whole.py      a whole text on a processor -> what is read of it, by faster products
spans.py      keys and values with what is around them -> span by span of queries
kept.py       windows read on a CPU, with gradients that need next to nothing kept
dropping.py   the same with dropout
adapters/     models of transformers with attention of their own, read by ours
executors.py  a window and global tokens -> blocks, or another way to read by them on CUDA
varlen.py     documents end to end -> what each query has read, by flash attention
flex.py       tiles of queries and keys -> the same, by FlexAttention
apart.py      documents packed into rows -> rows of their own, for what cannot tell them apart
gathered.py   blocks of queries, and which pieces of keys each reads -> what they have read
block_sparse.py  BigBird: window, global and random blocks -> what each query has read of them
lsg.py           LSG's settings, and keys and values -> the few that stand for them far away
lsg_blocked.py   LSG: near, sparse and global tokens -> what each query has read of them
nystrom.py       Nystromformer: means of segments -> what each query has read through them
layers.py     a layer's attention -> which layer it is of, and its own window if it has one
interface.py  a model's configuration -> attention as transformers calls it
"""
