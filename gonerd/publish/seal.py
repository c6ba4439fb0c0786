"""The data files of a release into a whole one: measured, described, and sealed by its manifest."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from gonerd.bio import tag_names
from gonerd.guide import Guide
from gonerd.publish.card import fill, front_matter, values_for
from gonerd.publish.measure import load_reference, measure
from gonerd.publish.script import loading_script
from gonerd.records import GOLD
from gonerd.release import Release
from gonerd.stats import describe
from gonerd.store import MANIFEST, file_sha256, require_manifest, write_file


@dataclass(frozen=True, kw_only=True, slots=True)
class Publication:
    """What to publish, and as what."""

    name: str
    """Name of the release: what `load_dataset` is given."""
    title: str
    annotations_creators: str
    """Who made the annotations, in a dataset hub's terms."""
    guide: Guide
    card: str
    """Template of the card."""
    card_path: str
    """Where the template stands, for errors."""
    layers: Mapping[str, Path]
    """Folder of every annotator whose layer is published."""
    people: tuple[str, ...]
    """Those of them who get a pseudonym."""
    voters: tuple[str, ...]
    """Those of them whose agreement is measured."""
    reference: Path | None
    """What gold is measured against."""


def seal(work: Path, release: Release, publication: Publication, names: Mapping[str, str]) -> None:
    """Write what stands beside the data: script, card, and last the manifest.

    `names` maps people to their pseudonyms.
    """
    folder = release.folder
    configs = {config: splits for config, splits in release.configs.items() if splits}
    stats = describe(release)
    reference = (
        load_reference(publication.reference, publication.guide) if publication.reference else {}
    )
    folders = {GOLD: work / GOLD, **publication.layers}
    measured = measure(work, folders, publication.voters, reference)
    disputes = require_manifest(work / "disputes", "Run the step `reconcile` first.").counts
    values = values_for(
        stats=stats,
        measured=measured,
        names=names,
        guide=publication.guide,
        settled=disputes["disputes"] - disputes["open"],
    )
    matter = front_matter(
        title=publication.title,
        labels=release.labels,
        stats=stats,
        files=configs,
        annotations_creators=publication.annotations_creators,
    )
    card = matter + fill(publication.card, values, publication.card_path)
    script = loading_script(release.name, tag_names(release.labels), configs)
    write_file(folder / "README.md", card.encode("utf-8"))
    write_file(folder / "legacy" / f"{release.name}.py", script.encode("utf-8"))
    sealed = replace(
        release,
        configs=configs,
        counts={"documents": stats.documents, "tokens": stats.tokens, "spans": stats.spans},
        files={
            path.relative_to(folder).as_posix(): file_sha256(path)
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        },
    )
    manifest = asdict(sealed)
    del manifest["folder"]
    content = json.dumps(manifest, indent=1, ensure_ascii=False)
    write_file(folder / MANIFEST, content.encode("utf-8") + b"\n")
