"""What people call the columns of a dataset, by the part they play, the likeliest first."""

import re
from collections.abc import Sequence

IDS = (
    "id", "documentid", "docid", "idx", "guid", "uid", "uuid", "exampleid", "sampleid", "textid",
    "key", "filename", "file", "docname", "documentname", "articleid", "dockey", "pmid", "index",
)  # fmt: skip
TEXTS = (
    "text", "fulltext", "documenttext", "document", "content", "body", "article", "articletext",
    "passage", "context", "rawtext", "originaltext", "sourcetext", "inputtext", "input", "sentence",
    "transcript", "story", "doc", "textfield", "passagestext",
)  # fmt: skip
TOKENS = (
    "tokens", "words", "tokenizedtext", "token", "word", "tokenized", "texttokens", "tokenlist",
    "wordlist", "splittedtext", "splittext", "tokenstext", "sentences", "sentence", "text",
)  # fmt: skip
TAGS = (
    "nertags", "ner", "nertag", "nerlabels", "nerlabel", "tags", "labels", "label", "bio",
    "biotags", "biolabels", "iob", "iobtags", "iob2", "bioes", "tag", "entitytags", "entitylabels",
    "entities", "namedentities", "targets", "target", "wordlabels", "tokenlabels", "annotations",
    "nertagsnames", "tagnames", "labelnames", "nertagstext", "nertagsstr",
)  # fmt: skip
NO_TAGS = (
    "pos", "chunk", "lemma", "dep", "head", "morph", "srl", "feat", "xpos", "upos", "mask",
    "inputid", "wordid", "start", "end", "offset", "space", "parse",
)  # fmt: skip
"""Parts of the names of columns that hold something else of each token."""
SPANS = (
    "spans", "entities", "ents", "namedentities", "nerspans", "entityspans", "entitymentions",
    "entity", "mentions", "ner", "extractions", "labels", "label", "annotations", "annotation",
    "nerannotations", "goldspans", "goldentities", "gold", "targets", "target", "output", "nerdata",
    "span", "tags",
)  # fmt: skip
ANNOTATORS = (
    "annotator", "annotatorid", "annotatorname", "annotatedby", "workerid", "worker", "coder",
    "rater", "raterid", "username", "userid", "user",
)  # fmt: skip
STATUSES = ("answer", "status", "annotationstatus", "reviewstatus", "state")
ASIDES = (
    "relations", "events", "coreferences", "coreference", "clusters", "attributes", "cats",
    "comments", "comment", "notes", "links", "equivalences",
)  # fmt: skip
"""What is said of a document beside its entities, and kept."""
SPACES = ("ws", "whitespace", "whitespaces", "spaces", "spaceafter", "trailingwhitespace")
TOKEN_STARTS = ("tokenstarts", "tokenstart", "wordstarts")
TOKEN_ENDS = ("tokenends", "tokenend", "wordends")

ROLES = ("id", "text", "tokens", "tags", "spans", "annotator", "guide", "coverage", "status")
"""What `--column` can name."""


def plain(name: str) -> str:
    """Write a name without case and marks, as its kin write it.

    >>> plain("NER_tags"), plain("nerTags")
    ('nertags', 'nertags')
    """
    return re.sub(r"[^a-z0-9]", "", name.lower())


def rank(name: str, names: Sequence[str]) -> int:
    """Say how early a name stands among those that are usual."""
    wanted = plain(name)
    return names.index(wanted) if wanted in names else len(names)
