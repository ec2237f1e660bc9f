"""Wrote csv.csv with Python's csv module, and csv.json with the records that the module reads from it: random fields of quotes, commas, blanks and
line ends, some records empty but for one field."""
import csv, json, os, random

here = os.path.dirname(os.path.abspath(__file__))
draw = random.Random(7)


def field():
    return "".join(draw.choice([",", '"', "\n", "\r\n", " ", "a", "é", "木", "\t", "'", ";", "x" * 40]) for _ in range(draw.randrange(6)))


with open(os.path.join(here, "csv.csv"), "w", newline="", encoding="utf-8") as f:
    out = csv.writer(f)
    out.writerow(["id", "first", "second, quoted", "third"])
    for i in range(200):
        out.writerow([i, field(), field(), field()])
with open(os.path.join(here, "csv.csv"), newline="", encoding="utf-8") as f, open(os.path.join(here, "csv.json"), "w", encoding="utf-8") as out:
    json.dump(list(csv.reader(f))[1:], out, ensure_ascii=False, separators=(",", ":"))
