"""Embeds files of texts with the workers of a Ray cluster, as deploy/dask does. UNTESTED: no Ray was at hand.

All workers must see the same files and the same folder, and have quern and setpriv (util-linux) in their PATH.

usage: ray_shards.py SHARDS INPUT... -o OUT [OPTION OF QUERN RUN]...
"""
import subprocess
import sys

import ray


@ray.remote(num_cpus=1, max_retries=3, retry_exceptions=True)
def make_shard(shard, shards, options):
    subprocess.run(["setpriv", "--pdeathsig", "KILL", "quern", "run", "--quiet", "--threads", "1",
                    "--shard", "%d/%d" % (shard, shards), *options], check=True)


if __name__ == "__main__":
    ray.init()
    ray.get([make_shard.remote(shard, int(sys.argv[1]), sys.argv[2:]) for shard in range(int(sys.argv[1]))])
