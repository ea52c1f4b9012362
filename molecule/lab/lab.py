#!/usr/bin/env python3
"""Registries and images for a scenario, on the controller.

lab.py up DIR FILE      starts what FILE, a scenario's lab.yml, has, fills it, and writes DIR/lab.json
lab.py tags DIR         prints what the registries have: {name: {repository: {tag: {digest, type, children}}}}
lab.py writes DIR       prints how many requests of the registries have written
lab.py down DIR         ends the registries and removes DIR

lab.yml: registries, NAME[:tls][:auth][:readonly] each; hash; namespaces; images, a name and its platforms each, of which a
source has the tags in every namespace; before, where a label names an older image already: label and registries.
"""

import base64
import hashlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.request

import yaml

USERNAME, PASSWORD = "promoter", "s3cret-of-the-lab"
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
LIST = "application/vnd.docker.distribution.manifest.list.v2+json"


def up(directory, file):
    scenario = yaml.safe_load(pathlib.Path(file).read_text())
    directory.mkdir(parents=True, exist_ok=True)
    lab = {}
    for entry in scenario["registries"]:
        name, *options = entry.split(":")
        port = free_port()
        host = name + ".lab" if "tls" in options else "localhost"  # a loopback address would not be verified
        lab[name] = {"host": "%s:%d" % (host, port), "port": port, "options": options}
        start(directory, name, lab[name], [option for option in options if option != "readonly"])
    fill(lab, scenario)
    for name, registry in lab.items():
        if "readonly" in registry["options"]:
            stop(registry)
            start(directory, name, registry, registry["options"])
    (directory / "lab.json").write_text(json.dumps(lab))


def fill(lab, scenario):
    before = scenario.get("before", {"registries": []})
    for namespace in scenario["namespaces"]:
        for image, platforms in scenario["images"].items():
            repository = "%s/%s" % (namespace, image)
            push(lab["source"], repository, scenario["hash"])
            for platform in platforms:
                push(lab["source"], repository, scenario["hash"] + "_" + platform, {"x86_64": "amd64"}.get(platform, platform))
            for name in before["registries"]:
                push(lab[name], repository, before["label"])


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start(directory, name, registry, options):
    home = directory / name
    home.mkdir(exist_ok=True)
    http = {"addr": "127.0.0.1:%d" % registry["port"], "secret": "lab"}
    storage = {"filesystem": {"rootdirectory": str(home / "storage")}, "delete": {"enabled": True}}
    config = {"version": 0.1, "log": {"level": "error"}, "storage": storage, "http": http}
    if "readonly" in options:
        storage["maintenance"] = {"readonly": {"enabled": True}}
    if "tls" in options:
        http["tls"] = {"certificate": str(home / "ca.crt"), "key": str(home / "key.pem")}
        registry["ca"] = str(home / "ca.crt")
        if not (home / "ca.crt").exists():
            certificate(home)
    if "auth" in options:
        registry.update(username=USERNAME, password=PASSWORD)
        line = subprocess.run(["htpasswd", "-niB", USERNAME], input=PASSWORD.encode(), check=True, capture_output=True)
        (home / "htpasswd").write_bytes(line.stdout)
        config["auth"] = {"htpasswd": {"realm": "lab", "path": str(home / "htpasswd")}}
    (home / "config.yml").write_text(json.dumps(config))  # JSON is YAML
    with open(home / "log", "ab") as log:
        process = subprocess.Popen(
            ["docker-registry", "serve", str(home / "config.yml")],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            env={"PATH": os.environ["PATH"], "OTEL_TRACES_EXPORTER": "none"},
        )
    registry["pid"] = process.pid
    wait_for(registry["port"], process)


def certificate(home):
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:%s.lab,IP:127.0.0.1" % home.name,
         "-keyout", str(home / "key.pem"), "-out", str(home / "ca.crt")],
        check=True, capture_output=True)


def wait_for(port, process):
    for _ in range(300):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        if process.poll() is not None:
            break
        time.sleep(0.1)
    sys.exit("a registry does not start on port %d" % port)


def down(directory):
    for registry in load(directory).values():
        stop(registry)
    shutil.rmtree(directory, ignore_errors=True)


def stop(registry):
    try:
        if b"docker-registry" in pathlib.Path("/proc/%d/cmdline" % registry["pid"]).read_bytes():
            os.kill(registry["pid"], signal.SIGTERM)
            while pathlib.Path("/proc/%d/stat" % registry["pid"]).read_text().split()[2] != "Z":
                time.sleep(0.05)
    except (FileNotFoundError, ProcessLookupError):
        pass


def load(directory):
    path = directory / "lab.json"
    return json.loads(path.read_text()) if path.exists() else {}


def request(registry, method, path, body=None, **headers):
    secure = "ca" in registry
    url = path if "://" in path else "http%s://127.0.0.1:%d%s" % ("s" if secure else "", registry["port"], path)
    headers = {key.replace("_", "-"): value for key, value in headers.items()}
    if "username" in registry:
        token = "%s:%s" % (registry["username"], registry["password"])
        headers["Authorization"] = "Basic " + base64.b64encode(token.encode()).decode()
    context = ssl.create_default_context(cafile=registry["ca"]) if secure else None
    return urllib.request.urlopen(urllib.request.Request(url, body, headers, method=method), context=context)


def push(registry, repository, tag, architecture="amd64"):
    build = tag.removesuffix("_x86_64").removesuffix("_ppc64le")  # one image may have several tags
    layer = ("%s %s %s\n" % (repository, build, architecture)).encode() * 100
    diff = "sha256:" + hashlib.sha256(layer).hexdigest()
    config = json.dumps({"architecture": architecture, "os": "linux", "config": {},
                         "rootfs": {"type": "layers", "diff_ids": [diff]}}).encode()
    manifest = json.dumps({
        "schemaVersion": 2, "mediaType": MANIFEST,
        "config": upload(registry, repository, config, "application/vnd.docker.container.image.v1+json"),
        "layers": [upload(registry, repository, layer, "application/vnd.docker.image.rootfs.diff.tar")],
    }).encode()
    request(registry, "PUT", "/v2/%s/manifests/%s" % (repository, tag), manifest, Content_Type=MANIFEST)


def upload(registry, repository, blob, kind):
    digest = "sha256:" + hashlib.sha256(blob).hexdigest()
    session = request(registry, "POST", "/v2/%s/blobs/uploads/" % repository, b"")
    location = session.headers["Location"]
    location += ("&" if "?" in location else "?") + "digest=" + digest
    request(registry, "PUT", location, blob, Content_Type="application/octet-stream")
    return {"mediaType": kind, "size": len(blob), "digest": digest}


def manifest_of(registry, repository, tag):
    path = "/v2/%s/manifests/%s" % (repository, tag)
    answer = request(registry, "GET", path, Accept=MANIFEST + ", " + LIST)
    return answer.read(), answer.headers["Content-Type"], answer.headers["Docker-Content-Digest"]


def tags(directory):
    print(json.dumps({name: tags_of(registry) for name, registry in load(directory).items()}, sort_keys=True))


def tags_of(registry):
    found = {}
    for repository in json.load(request(registry, "GET", "/v2/_catalog?n=1000"))["repositories"]:
        found[repository] = {}
        for tag in json.load(request(registry, "GET", "/v2/%s/tags/list" % repository))["tags"] or []:
            body, kind, digest = manifest_of(registry, repository, tag)
            children = json.loads(body).get("manifests", [])
            found[repository][tag] = {
                "digest": digest, "type": kind,
                "children": {m["platform"]["architecture"]: m["digest"] for m in children},
            }
    return found


def writes(directory):
    lines = "".join((directory / name / "log").read_text() for name in load(directory))
    print(len(re.findall(r'"(?:PUT|POST|PATCH|DELETE) /v2/', lines)))


def main(verb, directory, *arguments):
    verbs = {f.__name__: f for f in (up, down, tags, writes)}
    verbs[verb](pathlib.Path(directory), *arguments)


if __name__ == "__main__":
    main(*sys.argv[1:])
