#!/usr/bin/env python3
"""Runs the parts of a long test side by side, as many at once as there are cores, and says where it is.

A failed part stops no other. The exit status is 0 when no part failed; each leaves its output in FOLDER/NAME.log.

usage: tools/run_parts.py FOLDER <LIST
A line of LIST is NAME MODE COMMAND. A part with the mode "alone" is sensitive to time or uses all cores itself: nothing
runs beside it. The others have the mode "beside". A part that exits with 77 was skipped.
Environment: CORES (default: all that may be used), STATUS_SECONDS (60) between two lines that say what runs.
"""
import os
import signal
import subprocess
import sys
import time

SKIPPED = 77


def minutes(seconds):
    return "%d:%02d" % (seconds // 60, seconds % 60)


def last_line(path):
    """The last line of a log that says anything, shortened."""
    with open(path, "rb") as log:
        log.seek(0, os.SEEK_END)
        log.seek(max(0, log.tell() - 4096))
        lines = [line.strip() for line in log.read().decode(errors="replace").splitlines() if line.strip()]
    return lines[-1][:90] if lines else ""


class Part:
    def __init__(self, line, folder):
        self.name, mode, self.command = line.split(None, 2)
        if mode not in ("alone", "beside"):
            sys.exit("a part is alone or beside, and %s is %s" % (self.name, mode))
        self.alone = mode == "alone"
        self.log = os.path.join(folder, self.name + ".log")
        self.result = None

    def start(self):
        self.began = time.monotonic()
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(["sh", "-c", self.command], stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=subprocess.STDOUT, start_new_session=True)

    def has_ended(self):
        status = self.process.poll()
        if status is None:
            return False
        result = {0: "passed", SKIPPED: "skipped"}.get(status, "FAILED with status %d" % status)
        self.result = "%s in %s" % (result, minutes(self.age()))
        self.failed = status not in (0, SKIPPED)
        return True

    def age(self):
        return time.monotonic() - self.began


class Run:
    def __init__(self, parts):
        self.began = time.monotonic()
        self.parts = parts
        self.waiting = list(parts)
        self.running = []

    def say(self, text):
        print("[%s] %s" % (minutes(time.monotonic() - self.began), text), flush=True)

    def may_start(self, part, cores):
        if part.alone or any(other.alone for other in self.running):
            return not self.running
        return len(self.running) < cores

    def start_some(self, cores):
        while self.waiting and self.may_start(self.waiting[0], cores):
            part = self.waiting.pop(0)
            part.start()
            self.running.append(part)
            self.say("%s started" % part.name)

    def collect(self):
        for part in [part for part in self.running if part.has_ended()]:
            self.running.remove(part)
            done = len(self.parts) - len(self.waiting) - len(self.running)
            self.say("%s %s; %d of %d parts are done" % (part.name, part.result, done, len(self.parts)))
            if part.failed:
                with open(part.log, errors="replace") as log:
                    print("".join("    " + line for line in log.readlines()[-20:]), flush=True)

    def show(self):
        for part in self.running:
            self.say("%s has been running for %s: %s" % (part.name, minutes(part.age()), last_line(part.log)))
        self.say("%d parts wait: %s" % (len(self.waiting), " ".join(part.name for part in self.waiting)))

    def stop(self, *_):
        """Ends what runs: each part is a session of its own."""
        for part in self.running:
            os.killpg(part.process.pid, signal.SIGTERM)
        sys.exit(1)

    def work(self, cores, interval):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self.stop)
        shown = time.monotonic()
        while self.waiting or self.running:
            self.start_some(cores)
            time.sleep(0.2)
            self.collect()
            if self.running and time.monotonic() - shown >= interval:
                self.show()
                shown = time.monotonic()

    def summary(self):
        print()
        for part in self.parts:
            print("%-24s %s" % (part.name, part.result))
        failed = [part for part in self.parts if part.failed]
        for part in failed:
            print("the output of %s is in %s" % (part.name, part.log))
        self.say("%d of %d parts failed" % (len(failed), len(self.parts)))
        return 1 if failed else 0


def main():
    if len(sys.argv) != 2:
        sys.exit("\n".join(__doc__.splitlines()[4:]))
    folder = sys.argv[1]
    os.makedirs(folder, exist_ok=True)
    run = Run([Part(line, folder) for line in sys.stdin if line.strip()])
    run.work(int(os.environ.get("CORES") or len(os.sched_getaffinity(0))), float(os.environ.get("STATUS_SECONDS", 60)))
    return run.summary()


if __name__ == "__main__":
    sys.exit(main())
