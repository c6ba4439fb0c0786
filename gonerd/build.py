"""A builder, one TOML file, into a release: collect, prelabel, reconcile, publish.

This module knows the order of the steps and what each gets from the builder; the steps know nothing
of each other. Relative paths in a builder are meant from the builder's own folder.
"""

import shutil
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from gonerd.collect.items import CollectConfig
from gonerd.collect.step import collect
from gonerd.config import from_table, read_toml
from gonerd.engine import Engine
from gonerd.errors import ConfigError, StoreError
from gonerd.guide import Guide, load_guide, shipped
from gonerd.prelabel.pipeline import EMBEDDED, PrelabelConfig, identify
from gonerd.prelabel.step import prelabel
from gonerd.publish.assemble import check_place
from gonerd.publish.seal import Publication
from gonerd.publish.splits import PublishConfig
from gonerd.publish.step import publish
from gonerd.reconcile.passes import annotator_folder
from gonerd.reconcile.step import reconcile
from gonerd.reconcile.vote import ReconcileConfig
from gonerd.records import GOLD
from gonerd.release import Release
from gonerd.store import Manifest, locked, require_manifest, unwritable


@dataclass(frozen=True, kw_only=True, slots=True)
class Builder:
    """A dataset: where its documents come from and what is done with them."""

    name: str
    """Name of the builder and of its work folder."""
    release: str
    """Name of the release: what `load_dataset` is given."""
    title: str
    """What people call the dataset."""
    guide: str
    """Name of a shipped guide, or path of one."""
    card: str
    """Name of a shipped card template, or path of one."""
    annotations_creators: Literal["crowdsourced", "expert-generated", "found", "machine-generated"]
    """Who made the annotations, in a dataset hub's terms."""
    collect: CollectConfig
    prelabel: PrelabelConfig = field(default_factory=PrelabelConfig)
    reconcile: ReconcileConfig
    publish: PublishConfig = field(default_factory=PublishConfig)

    def __post_init__(self) -> None:
        for key in ("name", "release"):
            value = getattr(self, key)
            if not value.replace("_", "").replace("-", "").isalnum() or not value.isascii():
                raise ValueError(
                    f"{key}={value!r}; expected letters, digits, '_' and '-' alone, "
                    "since it names a folder."
                )


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """A builder with everything it points to."""

    builder: Builder
    path: Path
    """The builder's file."""
    guide: Guide
    work: Path
    """The work folder of this builder."""
    out: Path
    """The place of the release."""

    def beside(self, name: str) -> Path:
        """Resolve a path of the builder against the builder's folder."""
        return self.path.parent / name

    @property
    def source(self) -> Path:
        """The folder, file or list of addresses to collect from."""
        config = self.builder.collect
        return self.beside(config.folder or config.addresses or "")


def load_plan(
    name: str,
    *,
    work: Path,
    out: Path | None = None,
    source: Path | None = None,
    refusals: Literal["stop", "count"] | None = None,
) -> Plan:
    """Read a builder by the name of a shipped one or the path of a TOML file.

    `source` and `refusals` replace what the builder says.
    """
    path = Path(name) if name.endswith(".toml") else shipped("builders") / f"{name}.toml"
    if not path.is_file():
        known = ", ".join(sorted(found.stem for found in shipped("builders").glob("*.toml")))
        raise ConfigError(
            f"builder {name!r}: no such builder; expected one of {known}, or the path of a .toml."
        )
    builder = from_table(Builder, read_toml(path), str(path))
    collecting = builder.collect
    if source is not None:
        place = str(source.absolute())
        if collecting.folder is not None:
            collecting = replace(collecting, folder=place)
        else:
            collecting = replace(collecting, addresses=place)
    if refusals is not None:
        collecting = replace(collecting, refusals=refusals)
    pipeline = path.parent / builder.prelabel.pipeline
    if builder.prelabel.pipeline != EMBEDDED and pipeline.is_dir():
        prelabelling = replace(builder.prelabel, pipeline=str(pipeline))
        builder = replace(builder, prelabel=prelabelling)
    guide_name = builder.guide
    if guide_name.endswith(".md"):
        guide_name = str(path.parent / guide_name)
    return Plan(
        builder=replace(builder, collect=collecting),
        path=path,
        guide=load_guide(guide_name),
        work=work / builder.name,
        out=out if out is not None else Path(builder.release),
    )


def run_collect(plan: Plan, engine: Engine) -> Manifest:
    """Collect the builder's documents."""
    with locked(plan.work):
        return _collect(plan, engine)


def run_prelabel(plan: Plan, engine: Engine) -> Manifest:
    """Pre-label what was collected."""
    with locked(plan.work):
        return prelabel(engine, plan.work, plan.builder.prelabel, guide=plan.guide)


def run_reconcile(plan: Plan, engine: Engine) -> Manifest:
    """Reconcile the annotations of what was collected."""
    with locked(plan.work):
        return _reconcile(plan, engine)


def run_publish(plan: Plan, engine: Engine) -> Release:
    """Publish what was reconciled."""
    with locked(plan.work):
        return _publish(plan, engine)


def build(plan: Plan, engine: Engine) -> Release:
    """Run every step that is not done yet; a release that is current is left as it is."""
    _check_out(plan)
    with locked(plan.work):
        _collect(plan, engine)
        prelabel(engine, plan.work, plan.builder.prelabel, guide=plan.guide)
        _reconcile(plan, engine)
        return _publish(plan, engine)


def _collect(plan: Plan, engine: Engine) -> Manifest:
    try:
        shutil.copyfile(plan.path, plan.work / "builder.toml")
    except OSError as error:
        raise unwritable(plan.work / "builder.toml", error) from error
    return collect(engine, plan.work, plan.builder.collect, location=plan.source, guide=plan.guide)


def _reconcile(plan: Plan, engine: Engine) -> Manifest:
    config = plan.builder.reconcile
    return reconcile(
        engine,
        plan.work,
        config,
        files=[plan.beside(name) for name in config.annotations],
        pipeline=identify(plan.builder.prelabel.pipeline).annotator,
        guide=plan.guide,
    )


def _publish(plan: Plan, engine: Engine) -> Release:
    _check_out(plan)
    builder = plan.builder
    gold = require_manifest(plan.work / GOLD, "Run the step `reconcile` first.")
    pipeline = identify(builder.prelabel.pipeline).annotator
    voters = tuple(gold.config["voters"])
    card = Path(plan.path.parent / builder.card)
    if not builder.card.endswith(".md"):
        card = shipped("data_cards") / f"{builder.card}.md"
    if not card.is_file():
        raise ConfigError(f"{plan.path}: card {builder.card!r} is not there; expected {card}.")
    reference = builder.reconcile.reference
    publication = Publication(
        name=builder.release,
        title=builder.title,
        annotations_creators=builder.annotations_creators,
        guide=plan.guide,
        card=card.read_text(encoding="utf-8"),
        card_path=str(card),
        layers={
            name: annotator_folder(plan.work, name) for name in dict.fromkeys((*voters, pipeline))
        },
        people=tuple(name for name in voters if name != pipeline),
        voters=voters,
        reference=None if reference is None else plan.beside(reference),
    )
    return publish(engine, plan.work, plan.out, builder.publish, publication)


def _check_out(plan: Plan) -> None:
    """Refuse a place for the release before any work is done."""
    check_place(plan.out)
    if plan.out.resolve() in (plan.work.resolve(), *plan.work.resolve().parents):
        raise StoreError(
            f"{plan.out}: holds the work folder {plan.work}; expected a place of its own.\n"
            "Give another place with --out."
        )
