"""Long-document named entity recognition: build datasets, publish them, score on them."""

from gonerd.agreement import agreement
from gonerd.errors import GonerdError
from gonerd.files import load_annotations, load_documents
from gonerd.records import Annotation, Claim, Dispute, Document, Loss, Span
from gonerd.registration import register
from gonerd.score.api import score

__version__ = "0.1.0.dev0"

__all__ = [
    "Annotation",
    "Claim",
    "Dispute",
    "Document",
    "GonerdError",
    "Loss",
    "Span",
    "agreement",
    "load_annotations",
    "load_documents",
    "register",
    "score",
]
