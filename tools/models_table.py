#!/usr/bin/env python3
"""Writes the tables of models in docs/models.md from what the command knows.

usage: models_table.py QUERN SOURCE-ROOT           says whether the tables are up to date; exit code 1 if not
       models_table.py QUERN SOURCE-ROOT --write   writes them

A table stands between the lines <!-- models: NAME --> and <!-- end of models -->. What the command does not know, the
speed and what was checked, is in tools/models.tsv: the speed for an architecture with so many layers and dimensions,
what was checked for a model, or else for its ARCHITECTURE/TOKENIZER.
"""
import json
import os
import re
import subprocess
import sys


def ask(quern, *arguments):
    return json.loads(subprocess.run((quern,) + arguments, check=True, capture_output=True, text=True).stdout)


def read_measured(path):
    """{"architecture LAYERSxDIMENSIONS": speed, model or "architecture/tokenizer": what was checked}"""
    with open(path, encoding="utf-8") as file:
        return dict(line.rstrip("\n").split("\t") for line in file if line.strip() and not line.startswith("#"))


def row(*cells):
    return "| " + " | ".join(cells) + " |"


def called(model):
    return "`%s`" % model["name"]


def size(model, files):
    file = next((file for file in files if file["name"] == model["name"]), None)
    known = file["size"] / 1e6 if file and file["size"] else None
    return "%d MB" % round(known) if known else "%d MB *" % round(model["parameters"] * 34 / 32)


def dims(model):
    least = model["least_dimensions"]
    return "%d" % model["dimensions"] + (" (≥ %d)" % least if least else "")


def overview(models, files, measured):
    lines = [row("model", "published as", "dimensions", "tokens", "languages", "licence", "Q8_0", "128 tokens", "checked"),
             "|---|---|---:|---:|---|---|---:|---:|---|"]
    for model in models:
        speed = measured.get("%(architecture)s %(layers)dx%(dimensions)d" % model, "–")
        checked = measured.get(model["name"], measured.get("%(architecture)s/%(tokenizer)s" % model, "–"))
        lines.append(row(called(model), model["repository"], dims(model), "%d" % model["most_tokens"],
                         model["languages"], model["license"], size(model, files), speed, checked))
    return lines


def prompts(models):
    """One row for all models with the same prompts."""
    groups = {}
    for model in models:
        groups.setdefault(json.dumps(model["prompts"], sort_keys=True), []).append(model)
    lines = [row("models", "prompt of `query`", "of `document`", "of other tasks"), "|---|---|---|---|"]
    for same in groups.values():
        texts = {task: text.replace("\n", "\\n").replace("|", "\\|") for task, text in same[0]["prompts"].items()}
        show = lambda task: "`%s`" % texts[task] if task in texts else "none"
        others = [task for task in texts if task not in ("query", "document")]
        as_query = [task for task in others if texts[task] == texts.get("query")]
        own = ["%s: `%s`" % (task, texts[task]) for task in others if task not in as_query]
        words = own + ([", ".join(as_query) + ": as `query`"] if as_query else [])
        lines.append(row(", ".join(called(model) for model in same), show("query"), show("document"),
                         "; ".join(words) or "none"))
    return lines


def replaced(text, tables):
    def table(match):
        return "%s\n%s\n%s" % (match[1], "\n".join(tables[match[2]]), match[3])
    return re.sub(r"(<!-- models: (\w+) -->)\n.*?(<!-- end of models -->)", table, text, flags=re.DOTALL)


def main():
    if len(sys.argv) not in (3, 4) or sys.argv[3:] not in ([], ["--write"]):
        sys.exit(__doc__)
    quern, root = sys.argv[1:3]
    models = [model for model in ask(quern, "models", "known", "--json") if model["runs"]]
    files = ask(quern, "pull", "--list", "--json")
    measured = read_measured(os.path.join(root, "tools/models.tsv"))
    tables = {"overview": overview(models, files, measured), "prompts": prompts(models)}
    path = os.path.join(root, "docs/models.md")
    with open(path, encoding="utf-8") as file:
        before = file.read()
    after = replaced(before, tables)
    if before == after:
        return 0
    if not sys.argv[3:]:
        print("docs/models.md: a table of models is old: run tools/models_table.py %s %s --write" % (quern, root),
              file=sys.stderr)
        return 1
    with open(path, "w", encoding="utf-8") as file:
        file.write(after)
    return 0


if __name__ == "__main__":
    sys.exit(main())
