#!/usr/bin/env python3
"""Embeds files of texts with the workers of a Dask cluster: each task makes a share of the parts (docs/bulk.md).

A task takes one thread of a worker. All workers must see the same files and the same folder, and have quern and setpriv
(util-linux) in their PATH. A task that fails is tried again, and goes on where it was.

usage: embed_shards.py [--scheduler ADDRESS | --workers N] [--shards N] -- INPUT... -o OUT [OPTION OF QUERN RUN]...
"""
import argparse
import os
import subprocess

from distributed import Client, LocalCluster, as_completed

RETRIES = 3


def make_shard(shard, shards, options):
    # When the worker is killed, its run must not go on beside the one that takes its place.
    subprocess.run(["setpriv", "--pdeathsig", "KILL", "quern", "run", "--quiet", "--threads", "1",
                    "--shard", "%d/%d" % (shard, shards), *options], check=True)
    return shard


def embed(client, shards, options):
    tasks = [client.submit(make_shard, shard, shards, options, pure=False, retries=RETRIES) for shard in range(shards)]
    for task in as_completed(tasks):
        print("shard %d of %d is done" % (task.result(), shards), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scheduler", metavar="ADDRESS",
                        help="of a cluster that runs; default: workers are started here")
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)), metavar="N")
    parser.add_argument("--shards", type=int, metavar="N", help="default: four for each worker")
    parser.add_argument("options", nargs="+", help="of quern run, behind --")
    given = parser.parse_args()
    cluster = given.scheduler or LocalCluster(n_workers=given.workers, threads_per_worker=1, host="127.0.0.1",
                                              dashboard_address=None)
    with Client(cluster) as client:
        workers = len(client.scheduler_info()["workers"])
        embed(client, given.shards or 4 * workers, given.options)


if __name__ == "__main__":  # workers import this file, too
    main()
