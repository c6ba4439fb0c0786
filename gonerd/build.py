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
from gonerd.publish.card import check_places
from gonerd.publish.seal import Publication
from gonerd.publish.splits import PublishConfig
from gonerd.publish.step import publish
from gonerd.reconcile.decide import ReconcileConfig
from gonerd.reconcile.passes import annotator_folder
from gonerd.reconcile.step import reconcile, rules_of
from gonerd.records import GOLD
from gonerd.release import Release
from gonerd.review.derive import write_reviewed
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
    prelabel: PrelabelConfig | None = None
    """None, no such table: nothing is pre-labelled."""
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
        if self.prelabel is None and self.reconcile.prelabels != "aside":
            raise ValueError(
                f"reconcile.prelabels={self.reconcile.prelabels!r} without a table [prelabel]; "
                "expected the table, which may be empty."
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

    @property
    def card(self) -> Path:
        """The template of the card."""
        if self.builder.card.endswith(".md"):
            return self.beside(self.builder.card)
        return shipped("data_cards") / f"{self.builder.card}.md"

    @property
    def pipeline(self) -> str | None:
        """The name that pre-labels carry, if there are any."""
        return identify(self.builder.prelabel.pipeline).annotator if self.builder.prelabel else None

    @property
    def own(self) -> list[Path]:
        """What belongs to the build, and is no source even if it lies in one."""
        builder = self.builder
        reconciling = builder.reconcile
        named = [
            *reconciling.annotations,
            reconciling.reference,
            reconciling.settled,
            builder.guide,
        ]
        return [
            self.path,
            self.card,
            self.out,
            self.work.parent,
            *(self.beside(name) for name in named if name and self.beside(name) != self.source),
        ]


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
    if (prelabelling := builder.prelabel) and prelabelling.pipeline != EMBEDDED:
        pipeline = path.parent / prelabelling.pipeline
        if pipeline.is_dir():
            builder = replace(builder, prelabel=replace(prelabelling, pipeline=str(pipeline)))
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
    if plan.builder.prelabel is None:
        raise ConfigError(
            f"{plan.path}: no table [prelabel]; expected one, which may be empty, to pre-label."
        )
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
    read_card(plan)
    with locked(plan.work):
        _collect(plan, engine)
        if plan.builder.prelabel is not None:
            prelabel(engine, plan.work, plan.builder.prelabel, guide=plan.guide)
        _reconcile(plan, engine)
        return _publish(plan, engine)


def _collect(plan: Plan, engine: Engine) -> Manifest:
    try:
        shutil.copyfile(plan.path, plan.work / "builder.toml")
    except OSError as error:
        raise unwritable(plan.work / "builder.toml", error) from error
    return collect(
        engine,
        plan.work,
        plan.builder.collect,
        location=plan.source,
        guide=plan.guide,
        own=plan.own,
    )


def _reconcile(plan: Plan, engine: Engine) -> Manifest:
    config = plan.builder.reconcile
    reviewed = write_reviewed(plan.work, plan.guide.reference)
    ruled = None if config.settled is None else plan.beside(config.settled)
    return reconcile(
        engine,
        plan.work,
        config,
        files=[
            *(plan.beside(name) for name in config.annotations),
            *([reviewed.annotations] if reviewed.annotations else []),
        ],
        pipeline=plan.pipeline,
        guide=plan.guide,
        settled=[one for one in (ruled, reviewed.settled) if one is not None],
    )


def _publish(plan: Plan, engine: Engine) -> Release:
    _check_out(plan)
    card = read_card(plan)
    builder = plan.builder
    gold = require_manifest(plan.work / GOLD, "Run the step `reconcile` first.")
    for key, value in rules_of(builder.reconcile, plan.guide).items():
        if gold.config.get(key) != value:
            raise StoreError(
                f"{plan.work / GOLD}: made with {key} = {gold.config.get(key)!r}; the builder says "
                f"{value!r}.\nRun the step `reconcile` again."
            )
    voters = tuple(gold.config["voters"])
    layers = dict.fromkeys((*voters, *([plan.pipeline] if plan.pipeline else [])))
    reference = builder.reconcile.reference
    publication = Publication(
        name=builder.release,
        title=builder.title,
        annotations_creators=builder.annotations_creators,
        guide=plan.guide,
        card=card,
        card_path=str(plan.card),
        layers={name: annotator_folder(plan.work, name) for name in layers},
        people=tuple(name for name in voters if name != plan.pipeline),
        voters=voters,
        reference=None if reference is None else plan.beside(reference),
    )
    return publish(engine, plan.work, plan.out, builder.publish, publication)


def read_card(plan: Plan) -> str:
    """Read the template of the card; one that cannot be filled is a ConfigError."""
    try:
        template = plan.card.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"{plan.card}: byte {error.start} is not UTF-8; expected a card in UTF-8."
        ) from None
    except OSError as error:
        raise ConfigError(
            f"{plan.path}: card {plan.builder.card!r} cannot be read ({error.strerror}); expected "
            f"{plan.card}."
        ) from None
    check_places(template, str(plan.card))
    return template


def _check_out(plan: Plan) -> None:
    """Refuse a place for the release before any work is done."""
    out, work, source = plan.out.resolve(), plan.work.resolve(), plan.source.resolve()
    expected = "expected a place of its own.\nGive another place with --out"
    if out == source or out in source.parents:
        raise StoreError(
            f"{plan.out}: holds the documents to collect, {plan.source}; {expected}, or another "
            "name for the release."
        )
    if out in (work, *work.parents) or work in out.parents:
        raise StoreError(f"{plan.out}: holds, or lies in, the work folder {plan.work}; {expected}.")
    check_place(plan.out)
