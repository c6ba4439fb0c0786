"""Long-document named entity recognition: build datasets, publish them, score on them."""

__version__ = "0.1.0.dev0"
