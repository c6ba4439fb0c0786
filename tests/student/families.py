"""A tiny model of each family, with a head and a tokenizer, as transformers writes it."""

from pathlib import Path
from typing import Any

WORDS = [f"w{number}" for number in range(45)]
PIECES = ["<s>", "<pad>", "</s>", "<unk>", "<mask>", *WORDS]
TOKENS = 40
"""That each of them reads at once."""
OWN_WINDOW = 8
"""Of ModernBERT's layers that have one."""

_SIZES: dict[str, Any] = {
    "vocab_size": len(PIECES),
    "num_labels": 3,
    "pad_token_id": 1,
    "bos_token_id": 0,
    "eos_token_id": 2,
}
_BERT: dict[str, Any] = {
    **_SIZES,
    "max_position_embeddings": TOKENS,
    "hidden_size": 16,
    "num_attention_heads": 2,
    "num_hidden_layers": 3,
    "intermediate_size": 32,
    "hidden_dropout_prob": 0.0,
}
_DISTILBERT = {"dim": 16, "n_heads": 2, "n_layers": 3, "hidden_dim": 32}
FAMILIES: dict[str, dict[str, Any]] = {
    "Bert": _BERT,
    "DistilBert": {**_SIZES, "max_position_embeddings": TOKENS, **_DISTILBERT},
    "Electra": {**_BERT, "embedding_size": 8},
    "ModernBert": {**_BERT, "local_attention": OWN_WINDOW, "cls_token_id": 0, "sep_token_id": 2},
    "Roberta": {**_BERT, "max_position_embeddings": TOKENS + 2},
    "XLMRoberta": {**_BERT, "max_position_embeddings": TOKENS + 2},
}
"""By the name of transformers' classes, what their configuration is given."""
LONG_FAMILIES: dict[str, dict[str, Any]] = {
    "BigBird": {**_BERT, "block_size": 4, "num_random_blocks": 1, "sep_token_id": 2},
    "Longformer": {
        **_BERT,
        "max_position_embeddings": TOKENS + 2,
        "attention_window": [8, 16, 8],
        "sep_token_id": 2,
    },
    "Nystromformer": {
        **_BERT,
        "num_landmarks": 8,
        "segment_means_seq_len": TOKENS,
        "conv_kernel_size": 5,
    },
}
"""The same of those that have attention of their own."""


def tiny_model(folder: Path, family: str, *, head: str = "ForTokenClassification") -> Path:
    """Write a model that has learnt nothing, always the same, in float64, and return its folder."""
    import torch
    import transformers

    transformers.utils.logging.disable_progress_bar()
    config = getattr(transformers, f"{family}Config")(**{**FAMILIES, **LONG_FAMILIES}[family])
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = getattr(transformers, f"{family}{head}")(config).double()
        for name, one in model.named_parameters():  # none alike, none zero
            if "position" in name or "bias" in name:
                torch.nn.init.normal_(one, std=0.3)
    model.save_pretrained(folder)
    tiny_tokenizer().save_pretrained(folder)
    return folder


def tiny_tokenizer() -> Any:
    """Make a tokenizer for words as `WORDS` with blanks between them."""
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import WhitespaceSplit
    from tokenizers.processors import TemplateProcessing
    from transformers import PreTrainedTokenizerFast

    tokenizer: Any = Tokenizer(
        WordLevel({piece: number for number, piece in enumerate(PIECES)}, unk_token="<unk>")
    )
    tokenizer.pre_tokenizer = WhitespaceSplit()
    tokenizer.post_processor = TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        unk_token="<unk>",
        pad_token="<pad>",
        bos_token="<s>",
        eos_token="</s>",
        cls_token="<s>",
        sep_token="</s>",
        mask_token="<mask>",
        model_max_length=TOKENS,
    )
