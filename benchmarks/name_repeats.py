"""How often a name that is part of an entity once in a document is so wherever it stands.

    python benchmarks/name_repeats.py --data FOLDER [--out benchmarks/results]

Over the gold of open corpora: of the other occurrences of a name in its document, the share within
an entity, and within one of the same label. What `gonerd/reconcile/repeats.py` stands on.
"""

import argparse
import json
import sys
from collections import Counter, defaultdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from gonerd.formats.catalogue import find_format
from gonerd.formats.layers import ReadOptions
from gonerd.formats.step import bring_in
from gonerd.reconcile.repeats import names_in
from gonerd.spans import snap

CORPORA = {
    "wikigold": ("conll", "wikigold/wikigold.conll.txt"),
    "litbank": ("brat", "litbank/brat"),
    "gum": ("conllu", "gum/conllu"),
    "uner_english_ewt": ("conll", "uner_english_ewt/en_ewt-ud-dev.iob2"),
}


def repeats_in(kind: str, path: Path) -> dict[str, float]:
    """Count over one corpus, each occurrence in an entity against the others in its document."""
    imported = bring_in(find_format(kind), [path], ReadOptions())
    first = min(one.annotator for one in imported.annotations)
    gold = {one.document_id: one for one in imported.annotations if one.annotator == first}
    counted: Counter[str] = Counter()
    documents = list(imported.documents.values())
    for document, names in zip(documents, names_in(documents), strict=True):
        starts, ends = names.starts.tolist(), names.ends.tolist()
        labels = dict.fromkeys(range(len(starts)), "")
        for span in gold[document.id].spans if document.id in gold else ():
            if place := snap(span, starts, ends):
                labels.update(dict.fromkeys(range(*place[:2]), span.label))
        by_name = defaultdict(list)
        for index, code in enumerate(names.codes.tolist()):
            by_name[code].append(labels[index])
        for found in by_name.values():
            for index, label in enumerate(found):
                others = found[:index] + found[index + 1 :] if label else []
                counted["others"] += len(others)
                counted["entities"] += sum(map(bool, others))
                counted["same label"] += others.count(label)
    return {
        "others": counted["others"],
        "in an entity": round(counted["entities"] / counted["others"], 4),
        "of the same label": round(counted["same label"] / counted["others"], 4),
    }


def main() -> None:
    """Count over every corpus, print it, and write it down."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    arguments = parser.parse_args()
    results = {
        name: repeats_in(kind, arguments.data / "ner" / path)
        for name, (kind, path) in CORPORA.items()
    }
    shown = json.dumps(results, indent=1)
    print(shown)
    (arguments.out / "name_repeats.json").write_text(shown + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
