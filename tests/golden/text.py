"""Writes tests/golden/text: small files of both tokenizers in the published formats, made of captions, and as transformers saves them.

    python tests/golden/text.py         then probe.py, whose cases use them
"""
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "reference"))
from strings import FAST, KINDS, bert_files, clip_files, write_fast


def main():
    for kind, files in (("clip-bpe", clip_files()), ("wordpiece", bert_files())):
        KINDS[kind].mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (KINDS[kind] / name).write_text(text)
            print(KINDS[kind] / name, len(text.encode()), "bytes")
        write_fast(kind)
        print(FAST[kind])


if __name__ == "__main__":
    main()
