"""A tiny encoder in a folder, as transformers writes it, for tests of what stands on one."""

import json
from pathlib import Path
from typing import Any

SIGNS = [chr(code) for code in range(33, 127)]
VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *SIGNS, *(f"##{one}" for one in SIGNS)]
"""Each character of ASCII is a piece; a word with any other is unknown as a whole."""
WIDTH = 32
"""Numbers for each word: what goes in and the last of two layers, 16 each."""


def tiny_encoder(folder: Path, *, positions: int = 512, layers: int = 2, seed: int = 0) -> Path:
    """Write an encoder that has learnt nothing, the same for the same seed, and return its folder.

    `positions` is how many pieces it can read at once.
    """
    import torch
    from transformers import BertConfig, BertModel
    from transformers.utils import logging

    logging.disable_progress_bar()  # its bars would stand in what the tests print
    config = BertConfig(
        vocab_size=len(VOCABULARY),
        hidden_size=16,
        num_hidden_layers=layers,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=positions,
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        BertModel(config).save_pretrained(folder)
    (folder / "vocab.txt").write_text("".join(f"{piece}\n" for piece in VOCABULARY))
    write_json(
        folder / "tokenizer_config.json", tokenizer_class="BertTokenizer", do_lower_case=False
    )
    return folder


def write_json(path: Path, **changes: Any) -> None:
    """Set keys of a JSON object in a file, which need not be there yet."""
    values = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps({**values, **changes}))
