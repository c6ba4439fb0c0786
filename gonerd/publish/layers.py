"""The annotations behind the gold into rows of the second config, people under pseudonyms."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from gonerd.errors import StoreError
from gonerd.records import Annotation
from gonerd.store import write_file

_PSEUDONYM = "annotator-"


def pseudonyms(path: Path, people: Iterable[str]) -> dict[str, str]:
    """Give each person a name that says nothing, and remember it in `path` for the next release."""
    try:
        known: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(known, dict):
            raise ValueError(f"it holds {str(known)[:40]!r}")
        last = max((int(name.removeprefix(_PSEUDONYM)) for name in known.values()), default=0)
    except FileNotFoundError:
        known, last = {}, 0
    except (OSError, ValueError, AttributeError) as error:
        raise StoreError(
            f"{path}: cannot be read ({error}); expected the pseudonyms of earlier releases.\n"
            "Restore it, or remove it to give new ones."
        ) from None
    # By hash, so that the order of the pseudonyms does not give the order of the names away.
    new = set(people) - set(known)
    by_hash = sorted(new, key=lambda name: hashlib.sha256(name.encode()).hexdigest())
    for number, name in enumerate(by_hash, start=last + 1):
        known[name] = f"{_PSEUDONYM}{number}"
    write_file(path, json.dumps(known, indent=1, ensure_ascii=False).encode("utf-8") + b"\n")
    return known


def layer_row(annotation: Annotation, names: Mapping[str, str]) -> dict[str, Any]:
    """Make a row of an annotation; `names` maps people to pseudonyms, others keep their name."""
    return {
        "document_id": annotation.document_id,
        "text_sha256": annotation.text_sha256,
        "annotator": names.get(annotation.annotator, annotation.annotator),
        "guide": annotation.guide,
        "coverage": [{"start": start, "end": end} for start, end in annotation.coverage],
        "spans": [
            {
                "start": span.start,
                "end": span.end,
                "label": span.label,
                "confidence": span.confidence,
                "support": span.support,
            }
            for span in annotation.spans
        ],
    }
