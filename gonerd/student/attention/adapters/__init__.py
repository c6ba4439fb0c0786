"""Models of transformers with attention of their own, read by ours.

hook.py           which models those are, and how they come to use it
longformer.py     Longformer
big_bird.py       BigBird
nystromformer.py  Nystromformer

Longformer, BigBird and Nystromformer know nothing of transformers' interface of attention, and
their checkpoints hold weights that only their own modules have. So a method of such a module is
replaced by one that looks into the module's configuration: with `gonerd_attention` there it reads
by our attention, with the module's own weights; without, it is what it was. The class stays the
same, so that `from_pretrained`, `save_pretrained`, names of weights and `isinstance` do, and so
does every other model of that class. transformers' `register_patch_mapping` would be the public
way, but it exchanges the class, for every model that is loaded afterwards and for none that is
made or was loaded otherwise, and is not in all versions that run here.
"""
