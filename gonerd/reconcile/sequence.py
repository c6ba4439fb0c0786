"""Everybody's tags into how probable each span is: a Bayesian model of annotators over a sequence.

The true states form a Markov chain: outside, just before an entity, just after one, and B and I of
each label, an I only after its own B or I. What an annotator writes depends on the true state and
on what the same annotator wrote just before, as people mark and miss whole spans, not tokens; and
words beside an entity have states of their own, as somebody who takes titles into names does so
there and nowhere else. Each annotator's habits are drawn towards those of the crowd, and the
crowd's towards what does not depend on the tag before. The shape of a word (capitals, digits) is
weak evidence of its own. Fitted by expectation maximisation with Dirichlet priors.

After HMM-Crowd (Nguyen et al. 2017, "Aggregating and Predicting Sequence Labels from Crowd
Annotations") and Bayesian sequence combination (Simpson and Gurevych 2019, "A Bayesian Approach for
Sequence Tagging with Crowds"); annotator confusion as in Dawid and Skene (1979). Few rounds: errors
of annotators are not independent, and a model that believes they are drifts away when left to run.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gonerd.reconcile.candidates import Candidate
from gonerd.reconcile.units import SHAPES, Units

Floats = NDArray[np.float64]

OUTSIDE, BEFORE, AFTER, INSIDE = 0, 1, 2, 3
"""True states; from INSIDE on, B and I of each label in turn."""

_NEVER = -1e9
_LEAST = -50.0
"""Of the logarithm of a likelihood beside the best: beyond, big crowds only make numbers vanish."""

_LONGEST_BATCH = 2_000_000
"""Probabilities held at once while a batch of segments is worked on."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SequenceSettings:
    """Strengths of the priors, chosen by cross-validation over workers and documents."""

    rounds: int = 3
    """Of expectation and maximisation, after a vote."""
    crowd: float = 30.0
    """Readings' worth of crowd in each annotator's habits, for each true tag and tag before."""
    context: float = 10.0
    """The same, of habits whatever the tag before in the crowd's habits."""
    shape: float = 0.4
    """Weight of a word's shape against an annotator's word."""
    shape_prior: float = 50.0
    """Words' worth of all text in the shapes of each tag."""
    repeats: float = 0.6
    """Weight of what a name is elsewhere in its document, against an annotator's word."""
    repeats_prior: float = 1.0
    """Occurrences' worth of all names in what each name is elsewhere."""


@dataclass(frozen=True, kw_only=True)
class _Chain:
    """Logarithms of how the true tags begin and go on."""

    first: Floats
    step: Floats


def infer(units: Units, settings: SequenceSettings, *, least: float = 0.02) -> list[Candidate]:
    """Fit the model, and list every span that is at least so probable, in order of text."""
    if not len(units.starts):
        return []
    truth = _vote(units)
    chain = _chain_from_counts(*_step_counts(units, truth), truth[units.bounds[:-1]].sum(axis=0))
    evidence = np.zeros_like(truth)
    for _ in range(settings.rounds):
        evidence = _evidence(units, truth, settings)
        truth, steps, first = _smooth(units, evidence, chain)
        chain = _chain_from_counts(steps, _quiet_steps(units), first)
    return list(_spans(units, evidence, chain, least))


def _vote(units: Units) -> Floats:
    """Begin with the share of readers behind each tag of each unit."""
    truth = np.zeros((len(units.starts), INSIDE + 2 * len(units.labels)))
    np.add.at(truth, (units.unit, np.where(units.tag, units.tag + AFTER, OUTSIDE)), 1.0)
    truth[:, OUTSIDE] += 0.01
    truth /= truth.sum(axis=1, keepdims=True)
    begins, inside = truth[:, INSIDE::2].sum(axis=1), truth[:, INSIDE:].sum(axis=1)
    first = np.zeros(len(truth), dtype=bool)
    first[units.bounds[:-1]] = True
    before = np.where(np.append(first[1:], True), 0.0, np.append(begins[1:], 0.0))
    after = np.where(first, 0.0, np.append(0.0, inside[:-1]))
    outside = truth[:, OUTSIDE].copy()
    truth[:, BEFORE] = outside * before
    truth[:, AFTER] = outside * (1 - before) * after
    truth[:, OUTSIDE] = outside * (1 - before) * (1 - after)
    return truth


def _evidence(units: Units, truth: Floats, settings: SequenceSettings) -> Floats:
    """Weigh, for each unit and true tag, what readers wrote there and how the word looks."""
    num_tags = 1 + 2 * len(units.labels)
    num_contexts = 1 + len(units.labels)
    num_annotators = len(units.annotators)
    read = truth[units.unit]
    # What the crowd writes for each true state, whatever it wrote before.
    plain = _sums(units.tag, read, num_tags) + 0.1
    plain[0, OUTSIDE] += units.quiet.sum()
    everywhere = plain[:, OUTSIDE] / plain[:, OUTSIDE].sum()
    plain[:, BEFORE:INSIDE] += settings.context * everywhere[:, None]
    plain /= plain.sum(axis=0)
    # What the crowd writes after having written something.
    context_tag = units.previous * num_tags + units.tag
    crowd = _sums(context_tag, read, num_contexts * num_tags)
    crowd[0, 0] += units.quiet.sum()
    totals = _sums(units.previous, read, num_contexts)
    totals[0, 0] += units.quiet.sum()
    crowd += settings.context * np.tile(plain, (num_contexts, 1))
    crowd /= np.repeat(totals + settings.context, num_tags, axis=0)
    # What each annotator writes; only what somebody ever wrote is kept.
    habit, place = np.unique(
        units.annotator * (num_contexts * num_tags) + context_tag, return_inverse=True
    )
    who, what = np.divmod(habit, num_contexts * num_tags)
    own = _sums(place, read, len(habit)) + settings.crowd * crowd[what]
    own_totals = _sums(
        units.annotator * num_contexts + units.previous, read, num_annotators * num_contexts
    )
    own[(who * num_contexts * num_tags == habit), 0] += units.quiet[who[what == 0]]
    own_totals[np.arange(num_annotators) * num_contexts, 0] += units.quiet
    own_totals += settings.crowd
    own /= own_totals[who * num_contexts + what // num_tags]
    evidence = _sums(units.unit, np.log(own)[place], len(truth))
    # How words of each true tag look.
    looks = _sums(units.shapes, truth, len(SHAPES))
    looks[:, 0] += units.quiet_shapes
    text = looks.sum(axis=1) / looks.sum()
    looks += settings.shape_prior * text[:, None]
    looks /= looks.sum(axis=0)
    with np.errstate(divide="ignore"):
        shapes = np.where(looks > 0, np.log(looks), 0.0)
    evidence += settings.shape * shapes[units.shapes]
    _add_repeats(evidence, units, truth, settings)
    evidence[units.bounds[1:] - 1, BEFORE] = _NEVER  # beyond a segment there is no entity
    return evidence


def _add_repeats(evidence: Floats, units: Units, truth: Floats, settings: SequenceSettings) -> None:
    """Weigh, for each name, what the same name is elsewhere in its document.

    A name is nothing or of a label, by a Dirichlet-multinomial over its occurrences.
    """
    named = np.flatnonzero(units.name >= 0)
    if not len(named):
        return
    mass = np.concatenate(
        (
            truth[named, :INSIDE].sum(axis=1, keepdims=True),
            truth[named, INSIDE::2] + truth[named, INSIDE + 1 :: 2],
        ),
        axis=1,
    )
    usual = mass.sum(axis=0) + 0.1
    usual /= usual.sum()
    name = units.name[named]
    elsewhere = np.maximum(_sums(name, mass, int(name.max()) + 1)[name] - mass, 0.0)
    share = elsewhere + settings.repeats_prior * usual
    share /= share.sum(axis=1, keepdims=True)
    weight = settings.repeats * np.log(share / usual)
    evidence[named, :INSIDE] += weight[:, :1]
    evidence[named, INSIDE:] += np.repeat(weight[:, 1:], 2, axis=1)


def _sums(groups: NDArray[np.int64], values: Floats, num_groups: int) -> Floats:
    """Add up rows by group."""
    return np.stack(
        [
            np.bincount(groups, weights=values[:, column], minlength=num_groups)
            for column in range(values.shape[1])
        ],
        axis=1,
    )


def legal_steps(num_states: int) -> NDArray[np.bool_]:
    """Say which state may follow which: an I its own B or I, and a B only what comes before it."""
    legal = np.zeros((num_states, num_states), dtype=bool)
    legal[OUTSIDE, [OUTSIDE, BEFORE]] = True
    legal[BEFORE, INSIDE::2] = True
    legal[AFTER, [OUTSIDE, BEFORE]] = True
    legal[INSIDE:, [BEFORE, AFTER]] = True
    legal[INSIDE:, INSIDE::2] = True
    for inside in range(INSIDE + 1, num_states, 2):
        legal[inside - 1 : inside + 1, inside] = True
    return legal


def _step_counts(units: Units, truth: Floats) -> tuple[Floats, Floats]:
    follows = np.ones(len(truth), dtype=bool)
    follows[units.bounds[:-1]] = False
    after = np.flatnonzero(follows)
    counts: Floats = truth[after - 1].T @ truth[after]
    return counts, _quiet_steps(units)


def _quiet_steps(units: Units) -> Floats:
    """Count the steps from nothing to nothing where nobody marked anything."""
    num_states = INSIDE + 2 * len(units.labels)
    counts = np.zeros((num_states, num_states))
    counts[OUTSIDE, OUTSIDE] = units.quiet_shapes.sum()
    return counts


def _chain_from_counts(steps: Floats, quiet: Floats, first: Floats) -> _Chain:
    legal = legal_steps(len(first))
    begins = legal[OUTSIDE].copy()
    begins[INSIDE::2] = True
    step = np.where(legal, steps + quiet + 0.1, 0.0)
    begin = np.where(begins, first + 0.1, 0.0)
    with np.errstate(divide="ignore"):
        return _Chain(
            first=np.log(begin / begin.sum()), step=np.log(step / step.sum(axis=1, keepdims=True))
        )


def _batches(units: Units, num_states: int) -> Iterator[NDArray[np.int64]]:
    """Group segments of similar length, and yield the units of each group as a table, -1 beyond."""
    lengths = np.diff(units.bounds)
    order = np.argsort(lengths, kind="stable")
    start = 0
    while start < len(order):
        longest = int(lengths[order[start]]) * 5 // 4 + 1
        stop = int(np.searchsorted(lengths[order], longest, side="right"))
        stop = min(max(stop, start + 1), start + 1 + _LONGEST_BATCH // (longest * num_states))
        chosen = order[start:stop]
        size = int(lengths[chosen].max())
        table = units.bounds[chosen][:, None] + np.arange(size)[None]
        yield np.where(np.arange(size)[None] < lengths[chosen][:, None], table, -1)
        start = stop


@dataclass(frozen=True, kw_only=True)
class _Passes:
    """Forward and backward probabilities of a batch, each unit scaled to one."""

    forward: Floats
    backward: Floats
    likelihood: Floats
    """Of the evidence at each unit, scaled by `scale`."""
    scale: Floats


def _pass(table: NDArray[np.int64], evidence: Floats, chain: _Chain) -> _Passes:
    """Run forward and backward over a batch (Rabiner 1989)."""
    there = table >= 0
    logs = np.where(there[..., None], evidence[table], 0.0)
    likelihood = np.exp(np.maximum(logs - logs.max(axis=-1, keepdims=True), _LEAST))
    step, first = np.exp(chain.step), np.exp(chain.first)
    forward = np.zeros_like(likelihood)
    backward = np.ones_like(likelihood)
    scale = np.ones(table.shape)
    current = first * likelihood[:, 0]
    for position in range(table.shape[1]):
        if position:
            current = (forward[:, position - 1] @ step) * likelihood[:, position]
        scale[:, position] = current.sum(axis=1)
        forward[:, position] = current / scale[:, position, None]
    for position in range(table.shape[1] - 2, -1, -1):
        ahead = likelihood[:, position + 1] * backward[:, position + 1]
        ahead = ahead @ step.T / scale[:, position + 1, None]
        backward[:, position] = np.where(there[:, position + 1, None], ahead, 1.0)
    return _Passes(forward=forward, backward=backward, likelihood=likelihood, scale=scale)


def _smooth(units: Units, evidence: Floats, chain: _Chain) -> tuple[Floats, Floats, Floats]:
    """Find how probable each tag of each unit is, and count expected steps and beginnings."""
    truth = np.zeros_like(evidence)
    steps = np.zeros_like(chain.step)
    step = np.exp(chain.step)
    for table in _batches(units, evidence.shape[1]):
        done = _pass(table, evidence, chain)
        there = table >= 0
        joint = done.forward * done.backward
        truth[table[there]] = (joint / joint.sum(axis=-1, keepdims=True))[there]
        later = there[:, 1:]
        ahead = done.likelihood * done.backward / done.scale[..., None]
        steps += step * (done.forward[:, :-1][later].T @ ahead[:, 1:][later])
    return truth, steps, truth[units.bounds[:-1]].sum(axis=0)


def _spans(units: Units, evidence: Floats, chain: _Chain, least: float) -> Iterator[Candidate]:
    """Sum, for every span, over all the chains that hold it."""
    found: list[tuple[int, int, int, float]] = []
    step = np.exp(chain.step)
    for table in _batches(units, evidence.shape[1]):
        done = _pass(table, evidence, chain)
        truth = done.forward * done.backward
        truth /= truth.sum(axis=-1, keepdims=True)
        begins = np.argwhere((truth[..., INSIDE::2] > least) & (table >= 0)[..., None])
        for row, position, label in begins.tolist():
            size = int((table[row] >= 0).sum())
            for end, probability in _ends(done, step, row, position, label, size):
                if probability > least:
                    first = int(table[row, position])
                    found.append((first, first + end - position, label, probability))
    document = np.repeat(units.document, np.diff(units.bounds))
    for first, last, label, probability in sorted(found):
        yield Candidate(
            document=int(document[first]),
            start=int(units.starts[first]),
            end=int(units.ends[last - 1]),
            label=units.labels[label],
            probability=min(probability, 1.0),
            chosen=probability > 0.5,
        )


def _ends(
    done: _Passes, step: Floats, row: int, position: int, label: int, size: int
) -> Iterator[tuple[int, float]]:
    """Follow a span that begins here: each place it may end, and how probable that is."""
    inside = INSIDE + 1 + 2 * label
    mass = float(done.forward[row, position, inside - 1])
    current = inside - 1
    for end in range(position + 1, size + 1):
        if end == size:
            yield end, mass
            return
        ahead = step[current] * done.likelihood[row, end] * done.backward[row, end]
        ahead = ahead / done.scale[row, end]
        yield end, mass * float(ahead.sum() - ahead[inside])
        mass *= float(step[current, inside] * done.likelihood[row, end, inside])
        mass /= float(done.scale[row, end])
        current = inside
        if mass < 1e-6:
            return
