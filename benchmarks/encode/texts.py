"""Real texts of mixed length that every machine has: docstrings of installed packages."""

import ast
import importlib.util
from collections.abc import Iterator, Sequence
from pathlib import Path

from tokenizers import Tokenizer

# Those that modalmesh itself needs; small ones first, so that few texts are found fast.
_PACKAGES = ("rich", "click", "PIL", "pydantic", "huggingface_hub", "torch", "numpy", "transformers")
_DOCUMENTED = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
_LEAST_WORDS = 3


def docstrings(wanted: int) -> list[str]:
    """At least `wanted` different ones, or all that there are; a file's are taken together."""
    found: dict[str, None] = {}
    for path in _sources():
        if len(found) >= wanted:
            break
        found.update(dict.fromkeys(_read(path)))
    return list(found)


def cut(texts: Sequence[str], tokenizer: Tokenizer, most_tokens: int) -> list[str]:
    """Each different beginning of at most so many tokens: servers that cut at different lengths have the same work."""
    tokenizer.no_padding()
    tokenizer.enable_truncation(most_tokens)
    encodings = tokenizer.encode_batch(list(texts))
    ends = [max((end for _, end in encoding.offsets), default=0) for encoding in encodings]
    return list(dict.fromkeys(text[:end] for text, end in zip(texts, ends, strict=True) if end))


def _sources() -> Iterator[Path]:
    for name in _PACKAGES:
        found = importlib.util.find_spec(name)
        if found and found.origin:
            yield from sorted(Path(found.origin).parent.rglob("*.py"))


def _read(path: Path) -> Iterator[str]:
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError):
        # Packages carry files for other versions of Python.
        return
    for node in ast.walk(tree):
        text = ast.get_docstring(node) if isinstance(node, _DOCUMENTED) else None
        if text and len(text.split()) >= _LEAST_WORDS:
            yield text
