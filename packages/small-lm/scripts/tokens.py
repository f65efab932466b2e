"""Token ids by Python's own `re`, for the tests: python3 scripts/tokens.py <tokenizer.json>  ->  test/fixtures/tokens.json

An implementation apart: the pattern and the merges as the training scripts wrote them, the pairs merged one occurrence at a time.
"""
import json
import re
import sys
from pathlib import Path

given = json.load(open(sys.argv[1]))
pattern = re.compile(given["pretokenizer_regex"])
rank = {tuple(pair): i for i, pair in enumerate(given["merges"])}

TEXTS = [
    "",
    " ",
    "a",
    "And it came to pass in those days, that Anne Elliot walked by the sea. (remember falcon 4729)",
    "  two spaces,   three\n\nlines\ttabs\r\nreturns \x1c\x1d\x1e\x1f\x0b\x0c",
    "1 22 333 4444 55555 (recall falcon 0123456789)7a7 a12b",
    "caf\u00e9 na\u00efve \u00dcber \u2014 \u201cquoted\u201d \u4f60\u597d\u3000\u4e16\u754c \U0001f600\U0001f680!?",
    "no\u00a0break\u1680ogham\u2003em\u2028line\u2029para\u202fnarrow\u205fmath\u0085next\ufeffbom",
    "\u2027\u200b\u2070 \u00a1\u00a0\u00a1",
    "word" * 200 + " " + "!?" * 300 + " the the",
    "x\u0000y\u007f ~^_`{|}",
]


def encode(text):
    ids = []
    for word in pattern.findall(text):
        piece = list(word.encode("utf-8"))
        while True:
            ranks = [(rank[pair], i) for i, pair in enumerate(zip(piece, piece[1:])) if pair in rank]
            if not ranks:
                break
            best, at = min(ranks)
            piece[at : at + 2] = [256 + best]
        ids += piece
    return ids


here = Path(__file__).parent.parent / "test" / "fixtures" / "tokens.json"
here.write_text(json.dumps([{"text": text, "ids": encode(text)} for text in TEXTS]) + "\n")
