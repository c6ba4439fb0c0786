"""Global tokens of a model's own: pieces of its vocabulary that its tokenizer puts before texts.

LSG has global tokens before the text, with embeddings of their own (Condevaux and Harispe 2022,
"LSG Attention", and its authors' conversion): the first is what the piece that opens a text is at
the first place, the others are what the mask is at places some way apart. Here both halves of such
an embedding stay where a model of transformers has them: a piece that is new to the vocabulary, and
a row of the position table before those of the text, whose own places do not move.
"""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from gonerd.errors import ConfigError

if TYPE_CHECKING:
    import torch

NAME = "[GLOBAL_{}]"
STRIDE = 64
"""Between the places that global tokens begin with."""


def count_prepended(tokenizer: Any) -> int:
    """Count the global tokens that a tokenizer has already."""
    vocabulary, count = tokenizer.get_vocab(), 0
    while NAME.format(count) in vocabulary:
        count += 1
    return count


def strided(count: int, length: int) -> list[int]:
    """List `count` of the first `length` places: every so-manieth, then those beside them."""
    order = [place for first in range(STRIDE) for place in range(first, length, STRIDE)]
    return [order[number % length] for number in range(count)]


def prepend(model: Any, tokenizer: Any, count: int, where: str) -> Any:
    """Give a model so many global tokens, and the tokenizer that puts them before every text."""
    sources = _sources(tokenizer, count, where)
    names = [NAME.format(number) for number in range(count)]
    changed = _with_pieces(tokenizer, names)
    numbers = changed.convert_tokens_to_ids(names)
    if changed("a")["input_ids"] != [*numbers, *tokenizer("a")["input_ids"]]:
        raise ValueError("its tokenizer puts nothing before a text")
    _grow(model, numbers, sources)
    return changed


def _sources(tokenizer: Any, count: int, where: str) -> list[int]:
    """List the pieces that global tokens begin as."""
    first = tokenizer.bos_token_id if tokenizer.cls_token_id is None else tokenizer.cls_token_id
    others = tokenizer.mask_token_id
    for number, piece in ((first, "opens a text"), (others, "is a mask"))[: min(count, 2)]:
        if number is None:
            raise ConfigError(
                f"--global-tokens {count}: {where} has no piece that {piece}, as which they begin; "
                "expected 0."
            )
    return [first, *[others] * (count - 1)]


def _with_pieces(tokenizer: Any, names: Sequence[str]) -> Any:
    """Make a tokenizer that puts new pieces before every text.

    Those that transformers has for a model write what stands around a text themselves, whatever
    lies in their folder; the class that they all are of takes it from there.
    """
    from transformers import AddedToken, PreTrainedTokenizerFast

    kind = type(tokenizer.backend_tokenizer)
    backend = kind.from_str(tokenizer.backend_tokenizer.to_str())
    backend.add_special_tokens([AddedToken(one, special=True, normalized=False) for one in names])
    pieces = {one: backend.token_to_id(one) for one in names}
    whole = json.loads(backend.to_str())
    whole["post_processor"] = _putting(whole["post_processor"], pieces)
    special = {name: getattr(tokenizer, name, None) for name in tokenizer.SPECIAL_TOKENS_ATTRIBUTES}
    special = {name: one for name, one in special.items() if isinstance(one, str)}
    return PreTrainedTokenizerFast(
        tokenizer_object=kind.from_str(json.dumps(whole)),
        **special,
        additional_special_tokens=list(names),
        model_input_names=tokenizer.model_input_names,
        padding_side=tokenizer.padding_side,
        truncation_side=tokenizer.truncation_side,
        clean_up_tokenization_spaces=tokenizer.clean_up_tokenization_spaces,
        model_max_length=tokenizer.model_max_length,
    )


def _putting(usual: Any, pieces: Mapping[str, int]) -> dict[str, Any]:
    """Let what a tokenizer puts around texts, as it is written to a file, begin with pieces."""
    steps = [] if usual is None else usual.get("processors", [usual])
    others = [one for one in steps if one["type"] != "ByteLevel"]
    if len(others) > 1:
        raise ValueError("its tokenizer puts something around texts in more than one step")
    template = _as_template(others[0] if others else None)
    ahead = [_piece(one) for one in pieces]
    template = {
        **template,
        "single": [*ahead, *template["single"]],
        "pair": [*ahead, *template["pair"]],
        "special_tokens": {**template["special_tokens"], **_numbered(pieces)},
    }
    trimming = [one for one in steps if one["type"] == "ByteLevel"]
    trimming += [_byte_level(one) for one in others if one.get("trim_offsets")]
    return {"type": "Sequence", "processors": [*trimming, template]}


def _as_template(usual: Any) -> dict[str, Any]:
    """Write as a template what a tokenizer puts around texts."""
    kind = None if usual is None else usual["type"]
    if kind == "TemplateProcessing":
        return dict(usual)
    single, pair, pieces = [_text("A")], [_text("A"), _text("B", 1)], {}
    if kind in ("BertProcessing", "RobertaProcessing"):
        pieces = dict((usual["cls"], usual["sep"]))
        opens, closes = pieces
        single = [_piece(opens), _text("A"), _piece(closes)]
        pair = [*single, _text("B", 1), _piece(closes, 1)]
        if kind == "RobertaProcessing":
            pair = [*single, _piece(closes), _text("B"), _piece(closes)]
    elif kind is not None:
        raise ValueError(f"its tokenizer puts something around texts by {kind}")
    return {
        "type": "TemplateProcessing",
        "single": single,
        "pair": pair,
        "special_tokens": _numbered(pieces),
    }


def _text(which: str, kind: int = 0) -> dict[str, Any]:
    return {"Sequence": {"id": which, "type_id": kind}}


def _piece(piece: str, kind: int = 0) -> dict[str, Any]:
    return {"SpecialToken": {"id": piece, "type_id": kind}}


def _numbered(pieces: Mapping[str, int]) -> dict[str, Any]:
    return {one: {"id": one, "ids": [number], "tokens": [one]} for one, number in pieces.items()}


def _byte_level(usual: dict[str, Any]) -> dict[str, Any]:
    """Write the step that takes blanks from places, which RoBERTa's has in it."""
    return {
        "type": "ByteLevel",
        "add_prefix_space": usual["add_prefix_space"],
        "trim_offsets": True,
        "use_regex": True,
    }


def _grow(model: Any, numbers: Sequence[int], sources: Sequence[int]) -> None:
    """Let new pieces begin as others are, where texts come in and where pieces are guessed."""
    import torch

    needed = max(numbers) + 1
    if needed > model.get_input_embeddings().num_embeddings:
        with torch.random.fork_rng():
            torch.manual_seed(0)  # of rows that are overwritten below
            model.resize_token_embeddings(needed, mean_resizing=False)
    for table in (model.get_input_embeddings(), model.get_output_embeddings()):
        for rows in (getattr(table, "weight", None), getattr(table, "bias", None)):
            if rows is not None:
                _copy_rows(rows, numbers, sources)


def _copy_rows(rows: "torch.Tensor", numbers: Sequence[int], sources: Sequence[int]) -> None:
    import torch

    with torch.no_grad():
        rows[list(numbers)] = rows[list(sources)].clone()
