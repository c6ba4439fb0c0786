"""Open corpora in, the embedded spaCy pipeline out: train it, measure it, write its card.

    python -m prelabeller.train --data FOLDER [--out gonerd/prelabel/embedded]

Same folder, same versions, same seed: same weights. The scores in the card are of documents the
pipeline never saw, and of two corpora and the sample that it learnt nothing from.
"""

import argparse
import json
import random
import shutil
import sys
import time
import warnings
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import spacy
import spacy.about
from spacy.language import Language
from spacy.training import Example as SpacyExample
from spacy.training import offsets_to_biluo_tags
from spacy.util import minibatch
from thinc.api import compounding, fix_random_seed

from gonerd.files import load_marked
from gonerd.guide import load_guide, shipped
from gonerd.marked import read_marked
from gonerd.records import Span
from gonerd.score import Score, score_spans
from prelabeller import corpora
from prelabeller.corpora import CORPORA, Example, is_held_out

SEED = 20_261_120
EPOCHS = 16
PATIENCE = 5
DROPOUT = 0.3
REPEATED = {"wikigold": 3}
"""How often a corpus is seen in an epoch: the only one with all four labels is the smallest."""
WATCHED = ("wikigold", "litbank", "gum")
"""Whose held-out documents decide when to stop."""
LABELS = ("PER", "ORG", "LOC", "MISC")
VERSION = "0.1.0"

PIPELINE: dict[str, Any] = {
    "nlp": {"lang": "en", "pipeline": ["tok2vec", "ner"], "batch_size": 64},
    "components": {
        "tok2vec": {
            "factory": "tok2vec",
            "model": {
                "@architectures": "spacy.Tok2Vec.v2",
                "embed": {
                    "@architectures": "spacy.MultiHashEmbed.v2",
                    "width": 96,
                    "attrs": ["NORM", "PREFIX", "SUFFIX", "SHAPE"],
                    "rows": [5000, 1000, 2500, 2500],
                    "include_static_vectors": False,
                },
                "encode": {
                    "@architectures": "spacy.MaxoutWindowEncoder.v2",
                    "width": 96,
                    "depth": 4,
                    "window_size": 1,
                    "maxout_pieces": 3,
                },
            },
        },
        "ner": {
            "factory": "ner",
            "model": {
                "@architectures": "spacy.TransitionBasedParser.v2",
                "state_type": "ner",
                "extra_state_tokens": False,
                "hidden_width": 64,
                "maxout_pieces": 2,
                "use_upper": True,
                "tok2vec": {
                    "@architectures": "spacy.Tok2VecListener.v1",
                    "width": 96,
                    "upstream": "tok2vec",
                },
            },
        },
    },
}


def read_corpora(folder: Path) -> tuple[list[Example], dict[str, list[Example]]]:
    """Read what is learnt from, and what is only measured on, by name."""
    split = {
        "wikigold": list(corpora.wikigold(folder)),
        "litbank": list(corpora.litbank(folder)),
        "gum": list(corpora.gum(folder, "train")),
    }
    learn: list[Example] = []
    held_out: dict[str, list[Example]] = {}
    for name, examples in split.items():
        learn += [example for example in examples if not is_held_out(example.document_id)]
        held_out[name] = [example for example in examples if is_held_out(example.document_id)]
    held_out["gum"] += corpora.gum(folder, "dev")
    learn += corpora.wnut17(folder, "wnut17train")
    held_out["wnut17"] = list(corpora.wnut17(folder, "emerging.dev"))
    learn += corpora.broad_twitter(folder, "train")
    held_out["broad_twitter"] = list(corpora.broad_twitter(folder, "dev"))
    held_out["english_web_treebank"] = list(corpora.english_web_treebank(folder))
    held_out["sec_filings"] = list(corpora.sec_filings(folder))
    held_out["sample"] = list(read_sample())
    return prepare(learn), held_out


def prepare(examples: Sequence[Example]) -> list[Example]:
    """Set apart what a corpus does not annotate, and repeat what is rare."""
    common = corpora.common_words(examples)
    prepared: list[Example] = []
    for example in examples:
        corpus = example.document_id.partition("-")[0]
        if corpus != "wikigold":  # the only one that marks all four labels throughout
            example = corpora.with_unknown(example, common)
        if example.text.strip():
            prepared += [example] * REPEATED.get(corpus, 1)
    return prepared


def read_sample() -> Iterable[Example]:
    """Read the embedded sample with its gold."""
    guide = load_guide("gonerd")
    for path in sorted((shipped("builders") / "sample" / "documents").glob("*.marked")):
        text, _ = read_marked(path.read_bytes().decode("utf-8"), guide.labels, path.name)
        gold = load_marked(path, annotator="gold", guide=guide.reference, labels=guide.labels)
        yield Example(document_id=path.stem, text=text, spans=gold.spans)


def make_pipeline() -> Language:
    """Build the untrained pipeline."""
    nlp = spacy.util.load_model_from_config(PIPELINE, auto_fill=True)
    recognizer: Any = nlp.get_pipe("ner")
    for label in LABELS:
        recognizer.add_label(label)
    return nlp


def to_spacy(nlp: Language, example: Example) -> SpacyExample:
    """Align spans to the pipeline's tokens; a span off their borders is taken as unknown."""
    document = nlp.make_doc(example.text)
    entities = [(span.start, span.end, span.label) for span in example.spans]
    tags = offsets_to_biluo_tags(document, entities)
    unknown = {offset for start, end in example.unknown for offset in range(start, end)}
    return SpacyExample.from_dict(
        document,
        {
            "entities": [
                "-" if tag == "O" and token.idx in unknown else tag
                for token, tag in zip(document, tags, strict=True)
            ]
        },
    )


def measure_on(nlp: Language, examples: Sequence[Example], labels: Sequence[str]) -> Score:
    """Score exact spans of some labels against a corpus."""
    texts = (example.text for example in examples)
    pairs = []
    for example, document in zip(examples, nlp.pipe(texts, batch_size=64), strict=True):
        found = [
            Span(start=entity.start_char, end=entity.end_char, label=entity.label_)
            for entity in document.ents
            if entity.label_ in labels
        ]
        pairs.append(([span for span in example.spans if span.label in labels], found))
    return score_spans(pairs)


def train(
    learn: Sequence[Example], watch: Mapping[str, Sequence[Example]], *, epochs: int
) -> Language:
    """Train until the mean F1 over `watch` stops rising; return the best weights."""
    fix_random_seed(SEED)
    # Spans off the tokens' borders are unknown to the trainer; the card says so once.
    warnings.filterwarnings("ignore", message=r"\[W030\]")
    nlp = make_pipeline()
    batches = random.Random(SEED)
    order = [to_spacy(nlp, example) for example in learn]
    optimizer = nlp.initialize(lambda: order[:200])
    optimizer.learn_rate = 0.001
    sizes = compounding(8.0, 32.0, 1.001)
    best, best_weights, best_epoch = -1.0, nlp.to_bytes(), 0
    for epoch in range(1, epochs + 1):
        started = time.monotonic()
        batches.shuffle(order)
        losses: dict[str, float] = {}
        for batch in minibatch(order, size=sizes):  # type: ignore[no-untyped-call]
            nlp.update(batch, drop=DROPOUT, sgd=optimizer, losses=losses)
        with nlp.use_params(optimizer.averages):
            f1 = fmean(result.micro.f1 or 0.0 for result in measure(nlp, watch).values())
            if f1 > best:
                best, best_weights, best_epoch = f1, nlp.to_bytes(), epoch
        seconds = time.monotonic() - started
        print(
            f"epoch {epoch:2d}  loss {losses['ner']:9.0f}  F1 watched {100 * f1:5.2f}  "
            f"best {100 * best:5.2f} (epoch {best_epoch})  {seconds:.0f} s",
            file=sys.stderr,
            flush=True,
        )
        if epoch - best_epoch >= PATIENCE:
            break
    nlp.from_bytes(best_weights)
    return nlp


def measure(nlp: Language, corpora_by_name: Mapping[str, Sequence[Example]]) -> dict[str, Score]:
    """Score a pipeline on every corpus, by the labels that the corpus marks."""
    return {
        name: measure_on(nlp, examples, CORPORA[name].labels)
        for name, examples in corpora_by_name.items()
    }


def write_pipeline(nlp: Language, out: Path, scores: dict[str, Score]) -> None:
    """Write the pipeline with its scores in its meta, without what only training needs."""
    nlp.meta.update(
        name="gonerd",
        version=VERSION,
        description="Pre-labels PER, ORG, LOC and MISC in English documents of any length.",
        author="gonerd",
        license="CC-BY-4.0",
        spacy_version=">=3.8.7,<3.9",
        performance={name: as_row(result) for name, result in scores.items()},
    )
    if out.exists():
        shutil.rmtree(out)
    nlp.to_disk(out)
    (out / "README.md").write_text(card(scores), encoding="utf-8")
    for needless in ("vocab/lookups.bin", "vocab/key2row", "vocab/vectors"):
        (out / needless).unlink(missing_ok=True)
    # Words are hashed, never looked up: the list of all words of the corpora is not for shipping.
    (out / "vocab" / "strings.json").write_text(json.dumps(LABELS), encoding="utf-8")


def card(scores: Mapping[str, Score]) -> str:
    """Write the card of the pipeline: what it is, whose work it learnt from, how well it does."""
    rows = {name: as_row(result) for name, result in scores.items()}
    credit = "\n".join(
        f"| {corpus.title} | {corpus.source} | {corpus.license} |"
        f" {'yes' if corpus.learnt_from else 'no'} |"
        for corpus in CORPORA.values()
    )
    table = "\n".join(
        f"| {name} | {' '.join(CORPORA[name].labels)} | {row['gold']:,} | {row['precision']} |"
        f" {row['recall']} | {row['f1']} |"
        + "".join(f" {row['per_label'].get(label, '-')} |" for label in LABELS)
        for name, row in rows.items()
    )
    template = (Path(__file__).parent / "card.md").read_text(encoding="utf-8")
    return template.format(
        version=VERSION, spacy=spacy.about.__version__, credit=credit, table=table
    )


def as_row(result: Score) -> dict[str, Any]:
    """Lay out a score as plain numbers, in percent with two places."""

    def percent(value: float | None) -> float | None:
        return None if value is None else round(100 * value, 2)

    micro = result.micro
    return {
        "precision": percent(micro.precision),
        "recall": percent(micro.recall),
        "f1": percent(micro.f1),
        "gold": micro.gold,
        "per_label": {label: percent(counts.f1) for label, counts in result.per_label.items()},
    }


def main() -> None:
    """Train, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the folder that holds ner/")
    parser.add_argument("--out", type=Path, default=Path("gonerd/prelabel/embedded"))
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    arguments = parser.parse_args()
    learn, held_out = read_corpora(arguments.data / "ner")
    print(f"{len(learn)} examples to learn from", file=sys.stderr)
    watch = {name: held_out[name] for name in WATCHED}
    nlp = train(learn, watch, epochs=arguments.epochs)
    scores = measure(nlp, held_out)
    write_pipeline(nlp, arguments.out, scores)
    json.dump({name: as_row(result) for name, result in scores.items()}, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
