"""The table of bench/search: reads what the programs printed, and prints Markdown."""
import json
import statistics
import sys


def values(text):
    """The JSON values of a text, one behind the other."""
    decoder, at = json.JSONDecoder(), 0
    while text[at:].strip():
        at += len(text[at:]) - len(text[at:].lstrip())
        value, at = decoder.raw_decode(text, at)
        yield value


def main():
    rows, threads, rounds = sys.argv[1:]
    found, ours, recalls = {}, {}, {}
    for value in values(sys.stdin.read()):
        if "program" in value:
            found.setdefault((value["queries"], value["program"]), []).append(value["min_ms"])
            recalls[value["program"]] = value.get("recall", 1)
            continue
        for row in value["search"]:
            name = "quern, " + row["kind"]
            found.setdefault((row["queries"], name), []).append(row["min_ms"])
            recalls[name] = row["recall"]
            if row["kind"] == "certified":
                ours.setdefault(row["queries"], []).append(row["min_ms"])
    print("%s vectors of 768 dimensions, best 10, %s threads, %s rounds in turn; ms: the least time of each round, the\n"
          "median and the least of the rounds; times: the median of the ratios to quern's certified search of the same\n"
          "round; recall: the part of the ten best that is found.\n" % (rows, threads, rounds))
    print("| queries at once | program | ms, median | least | times quern's | recall |")
    print("|---:|---|---:|---:|---:|---:|")
    for (queries, program), times in sorted(found.items(), key=lambda item: (item[0][0], statistics.median(item[1]))):
        ratios = [a / b for a, b in zip(times, ours.get(queries, []))]
        print("| %d | %s | %.2f | %.2f | %s | %.3f |" % (queries, program, statistics.median(times), min(times),
                                                         "%.2f" % statistics.median(ratios) if ratios else "",
                                                         recalls[program]))


main()
