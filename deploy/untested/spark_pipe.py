"""Embeds JSON lines with Spark: each partition goes through quern pipe. UNTESTED: no Spark was at hand.

All executors must have quern in their PATH, and a model in $QUERN_MODEL.

usage: spark-submit spark_pipe.py INPUT OUTPUT
"""
import sys

from pyspark.sql import SparkSession

COMMAND = "quern pipe --quiet -t document --threads 1"

if __name__ == "__main__":
    context = SparkSession.builder.appName("quern").getOrCreate().sparkContext
    context.textFile(sys.argv[1]).pipe(COMMAND, checkCode=True).saveAsTextFile(sys.argv[2])
