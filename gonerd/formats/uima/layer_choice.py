"""Which of the layers of a UIMA project holds the entities, and which feature their labels."""

from collections.abc import Mapping, Sequence

from gonerd.errors import ConfigError

NAMED_ENTITY = "de.tudarmstadt.ukp.dkpro.core.api.ner.type.NamedEntity"
VALUE = "value"
"""Its feature that is the label, and that of many layers made by hand."""

_STRUCTURE = frozenset(
    {
        "DocumentAnnotation",
        "DocumentMetaData",
        "Lemma",
        "MorphologicalFeatures",
        "POS",
        "Paragraph",
        "PdfChunk",
        "PdfPage",
        "Sentence",
        "Stem",
        "SurfaceForm",
        "TagsetDescription",
        "Token",
    }
)
"""What a text consists of; chosen where it is asked for, but never taken for entities."""

Layers = Mapping[str, Sequence[str]]
"""Layers of spans by full name, each with its features that are no links."""

Chosen = tuple[str, str | None]
"""The layer of the entities, and the feature that is the label, if one is."""


def choose_layer(layers: Layers, wanted: str | None, where: str) -> Chosen | None:
    """Choose layer and feature; the feature is None where labels are the layer's own name.

    Taken is the one asked for (`Event`, `Event.kind` or with the full name), else the named
    entities, else the only layer with just one feature, else the only layer. Tokens, sentences and
    their like are no candidates. Without candidates there is no choice: None.
    """
    if wanted is not None:
        return _find(layers, wanted, where)
    layers = {name: found for name, found in layers.items() if not is_structure(name)}
    if NAMED_ENTITY in layers:
        return NAMED_ENTITY, _label_feature(NAMED_ENTITY, layers, where)
    candidates = [name for name, features in layers.items() if len(features) == 1]
    if len(candidates) != 1 and len(layers) == 1:
        candidates = list(layers)
    if len(candidates) == 1:
        return candidates[0], _label_feature(candidates[0], layers, where)
    if not layers:
        return None
    raise _ambiguous(layers, where)


def describe(chosen: Chosen | None) -> str:
    """Say what was chosen, as one note for all files."""
    if chosen is None:
        return "no file has a layer that could hold entities"
    feature = f", their labels in {chosen[1]}" if chosen[1] else ""
    return f"entities are in {chosen[0]}{feature}"


def is_structure(layer: str) -> bool:
    """Say whether a layer divides the text, or describes its words or all of it."""
    return short_name(layer) in _STRUCTURE


def may_mean(wanted: str, layer: str) -> bool:
    """Say whether what was asked for is a layer, or a feature of it."""
    return any(
        f".{layer}".endswith(f".{name}") for name in (wanted, wanted.rpartition(".")[0]) if name
    )


def short_name(layer: str) -> str:
    """Cut the package off a layer's name."""
    return layer.rpartition(".")[2]


def _find(layers: Layers, wanted: str, where: str) -> Chosen:
    if found := _named(layers, wanted):
        if len(found) == 1:
            return found[0], _label_feature(found[0], layers, where)
    else:
        layer, _, feature = wanted.rpartition(".")
        found = [name for name in _named(layers, layer) if feature in layers[name]]
        if len(found) == 1:
            return found[0], feature
    problem = "means several layers" if found else "is no layer of spans here"
    raise ConfigError(
        f"{where}: --layer {wanted} {problem}; expected one of {', '.join(_choices(layers))}."
    )


def _named(layers: Layers, wanted: str) -> list[str]:
    if wanted in layers:
        return [wanted]
    return [name for name in layers if name.endswith(f".{wanted}")]


def _label_feature(layer: str, layers: Layers, where: str) -> str | None:
    features = layers[layer]
    if VALUE in features:
        return VALUE
    if not features or layer == NAMED_ENTITY:
        return None
    if len(features) == 1:
        return features[0]
    raise _ambiguous({layer: features}, where)


def _choices(layers: Layers) -> list[str]:
    return [
        choice
        for name, features in layers.items()
        for choice in ([f"{name}.{feature}" for feature in features] or [name])
    ] or ["none"]


def _ambiguous(layers: Layers, where: str) -> ConfigError:
    choices = _choices(layers)
    return ConfigError(
        f"{where}: the entities may be in {', '.join(choices)}; expected one layer with one "
        f"feature.\nSay which, as in --layer {choices[0]}."
    )
