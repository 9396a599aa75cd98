"""A small OWLv2 with random weights and a byte-level tokenizer, written to disk by the library's own classes."""

from __future__ import annotations

import json
from pathlib import Path


def write_clip_tokenizer(folder: Path) -> tuple[Path, Path]:
    """(vocab.json, merges.txt) of a CLIP tokenizer that knows single bytes alone."""
    from tokenizers.pre_tokenizers import ByteLevel

    letters = sorted(ByteLevel.alphabet())
    words = [*letters, *(letter + "</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary, merges = folder / "vocab.json", folder / "merges.txt"
    vocabulary.write_text(json.dumps({word: number for number, word in enumerate(words)}), encoding="utf-8")
    merges.write_text("#version: 0.2\n", encoding="utf-8")
    return vocabulary, merges


def write_owlv2(folder: Path, seed: int = 0, side: int = 64, tokens: int = 32) -> Path:
    """An OWLv2 as transformers saves it: pictures of `side` pixels, queries of up to `tokens` tokens."""
    import torch
    from transformers import CLIPTokenizer, Owlv2Config, Owlv2ForObjectDetection, Owlv2ImageProcessor, Owlv2Processor

    vocabulary, merges = write_clip_tokenizer(folder)
    tokenizer = CLIPTokenizer(str(vocabulary), str(merges), model_max_length=tokens)
    small = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = Owlv2Config(
        text_config={
            **small,
            "vocab_size": len(tokenizer),
            "max_position_embeddings": tokens,
            "bos_token_id": tokenizer.bos_token_id,
            "eos_token_id": tokenizer.eos_token_id,
            "pad_token_id": tokenizer.pad_token_id,
        },
        vision_config={**small, "image_size": side, "patch_size": 16},
        projection_dim=16,
    )
    torch.manual_seed(seed)
    network = Owlv2ForObjectDetection(config)
    with torch.no_grad():
        for parameter in network.parameters():  # fresh weights are so small that every picture looks alike
            if parameter.ndim > 1:
                parameter.mul_(2.0)
    network.save_pretrained(folder)
    processor = Owlv2ImageProcessor(size={"height": side, "width": side})
    Owlv2Processor(image_processor=processor, tokenizer=tokenizer).save_pretrained(folder)
    return folder
