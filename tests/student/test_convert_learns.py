"""Tests that converted models learn a release and read its documents, whatever their attention."""

import random
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers

from gonerd.records import Document
from gonerd.student.attention.interface import KEY
from gonerd.student.evaluate.quality import load
from gonerd.student.finetune.examples import Reading, around
from gonerd.student.finetune.predict import predict
from gonerd.student.finetune.release import Request, finetune
from gonerd.student.finetune.train import Training
from tests.student.conversions import converted
from tests.student.families import LONG_FAMILIES
from tests.student.releases import a_release, a_text
from tests.student.tiny import VOCABULARY, tiny_encoder

LONGEST = 88
KINDS: dict[str, dict[str, Any]] = {
    "band": {"window": 8},
    "longformer": {"window": 8},
    "bigbird": {"block": 4},
    "lsg": {"block": 8, "global_tokens": 3},
    "nystromformer": {"landmarks": 8},
}
ONCE = Training(
    epochs=1,
    learning_rate=1e-3,
    head_learning_rate=1e-3,
    pieces_an_update=200,
    pieces_at_once=200,
)


def tiny_checkpoint(folder: Path, family: str) -> Path:
    """Write an encoder with attention of its own, for the pieces of `tiny_encoder`."""
    tiny_encoder(folder, positions=LONGEST)
    transformers.AutoTokenizer.from_pretrained(folder).save_pretrained(folder)
    sizes = {**LONG_FAMILIES[family], "vocab_size": len(VOCABULARY), "pad_token_id": 0}
    config = getattr(transformers, f"{family}Config")(**sizes)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        getattr(transformers, f"{family}Model")(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release with documents shorter and longer than the models read."""
    return a_release(
        tmp_path_factory.mktemp("release"), {"train": [1, 2, 6, 20], "validation": [3, 12]}
    )


@pytest.mark.parametrize("kind", [*KINDS, *LONG_FAMILIES])
def test_a_converted_model_learns_and_reads_whole_documents(
    kind: str, data: Path, tmp_path: Path
) -> None:
    if kind in KINDS:
        asked = {"attention": kind, **KINDS[kind], "max_tokens": LONGEST}
        model = tiny_encoder(tmp_path / "model", positions=40)
    else:
        asked = {"attention": kind.lower(), "max_tokens": LONGEST}
        model = tiny_checkpoint(tmp_path / "model", kind)
    out = converted(model, tmp_path / "long", **asked)

    report = finetune(
        Request(model=out, data=data, out=tmp_path / "tagger", training=ONCE, overlap=8)
    )

    tokenizer, tagger, labels = load(tmp_path / "tagger")
    assert report["longest"] == LONGEST
    assert getattr(tagger.config, KEY)["attention"] == asked["attention"]
    assert len(around(tokenizer)[0]) == 1 + KINDS.get(kind, {}).get("global_tokens", 0)
    text, _ = a_text(random.Random(1), 20)
    document = Document(id="one", text=text, source="made", license="cc0-1.0", language="en")
    found = [
        next(
            predict(tagger, tokenizer, [document], labels, Reading(longest=LONGEST, overlap=8),
                    annotator="m", at_once=at_once)
        ).spans
        for at_once in (LONGEST, 10_000)
    ]  # fmt: skip
    assert [(one.start, one.end, one.label) for one in found[0]] == [
        (one.start, one.end, one.label) for one in found[1]
    ]
