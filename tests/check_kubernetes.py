#!/usr/bin/env python3
"""Runs the commands of deploy/kubernetes as they stand there, with files of this machine in the places of volumes.

usage: check_kubernetes.py SOURCE-ROOT QUERN MKMODEL
"""
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

try:
    import yaml
except ImportError:
    print("there is no python3-yaml")
    sys.exit(77)

ROOT, QUERN, MKMODEL = (os.path.abspath(path) for path in sys.argv[1:4])


def read(name):
    with open(os.path.join(ROOT, "deploy", "kubernetes", name)) as file:
        return {document["kind"]: document for document in yaml.safe_load_all(file)}


def container(resource):
    (only,) = resource["spec"]["template"]["spec"]["containers"]
    mounted = {mount["name"] for mount in only["volumeMounts"]}
    volumes = {volume["name"] for volume in resource["spec"]["template"]["spec"]["volumes"]}
    assert mounted == volumes, (mounted, volumes)
    return only


def command(box, places):
    """The command of a container, with paths replaced."""
    words = box["command"] + box["args"]
    assert words[0] == "quern" and all(isinstance(word, str) for word in words), words
    return [QUERN] + [replace(word, places) for word in words[1:]]


def replace(word, places):
    for path, place in places.items():
        word = word.replace(path, place)
    return word


def check_job(work):
    job = read("embed-job.yaml")["Job"]["spec"]
    box = container({"spec": job})
    places = {"/" + name: os.path.join(work, name) for name in ("texts", "vectors", "models")}
    os.mkdir(places["/texts"])
    with open(os.path.join(places["/texts"], "docs.jsonl"), "w") as file:
        for i in range(40):
            file.write(json.dumps({"id": i, "body": "text %d" % i}) + "\n")
    given = {variable["name"]: replace(variable["value"], places) for variable in box["env"]}
    assert job["completionMode"] == "Indexed" and int(given["JOB_COMPLETIONS"]) == job["completions"]
    assert job["template"]["spec"]["restartPolicy"] == "Never" # as podFailurePolicy wants it
    for index in range(job["completions"]):
        environment = {**os.environ, **given, "JOB_COMPLETION_INDEX": str(index)}
        subprocess.run(command(box, places) + ["--part-rows", "3"], env=environment, check=True)
        assert os.path.exists(os.path.join(places["/vectors"], "part-%05d.done" % index))
    subprocess.run([QUERN, "run", "verify", places["/vectors"]], check=True)


def status(address, path, headers):
    try:
        with urllib.request.urlopen(urllib.request.Request(address + path, headers=headers), timeout=10) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def check_server(work):
    resources = read("server.yaml")
    box = container(resources["Deployment"])
    pod = resources["Deployment"]["spec"]["template"]
    keys = os.path.join(work, "keys.txt")
    with open(keys, "w") as file:
        file.write("secret-key\n")
    os.chmod(keys, 0o400)
    os.symlink(keys, os.path.join(work, "keys")) # as Kubernetes mounts a secret
    port = str(20000 + os.getpid() % 10000)
    words = command(box, {"/models": os.path.join(work, "models"), "/keys/keys": os.path.join(work, "keys")})
    words[words.index("--port") + 1] = port
    address = "http://127.0.0.1:" + port
    server = subprocess.Popen(words)
    try:
        probe = {"Host": "10.1.2.3:8080"} # kubelet asks by the address of the pod, and has no key
        for name in ("startupProbe", "readinessProbe", "livenessProbe"):
            path = box[name]["httpGet"]["path"]
            deadline = time.monotonic() + 60
            while status(address, path, probe) != 200:
                assert time.monotonic() < deadline and server.poll() is None, name
                time.sleep(0.1)
        client = {"Host": resources["Service"]["metadata"]["name"]}
        assert status(address, "/v1/models", client) == 401
        assert status(address, "/v1/models", {**client, "Authorization": "Bearer secret-key"}) == 200
    finally:
        server.terminate()
        assert server.wait(60) == 0
    drain = int(words[words.index("--drain-timeout") + 1])
    assert drain < pod["spec"]["terminationGracePeriodSeconds"]
    assert resources["Service"]["spec"]["selector"] == pod["metadata"]["labels"]


with tempfile.TemporaryDirectory() as folder:
    os.mkdir(os.path.join(folder, "models"))
    subprocess.run([MKMODEL, "tiny", os.path.join(folder, "models", "model.gguf"), "--head"], check=True)
    check_job(folder)
    check_server(folder)
