"""A registry on this machine, as a process, and small images in it."""

import base64
import hashlib
import json
import os
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request

USER, PASSWORD = "ci", "s3cret-pa55word"
HTPASSWD = USER + ":$2y$04$9BInrn5MHWqIxVL3Y/bjeOSbxtHNoQvXT9Um7n3NhKKJY6tFjD5ji\n"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"
CONFIG = "application/vnd.oci.image.config.v1+json"


class Registry:
    """docker-registry 2.8, on a port of its own. With a password, it is USER's and PASSWORD."""

    def __init__(self, scratch, private=False):
        directory = os.path.join(scratch, "registry-%d" % len(os.listdir(scratch)))
        os.makedirs(directory)
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            self.host = "127.0.0.1:%d" % listener.getsockname()[1]
        config = {
            "version": "0.1", "log": {"level": "error", "accesslog": {"disabled": True}},
            "storage": {"filesystem": {"rootdirectory": directory}, "delete": {"enabled": True}},
            "http": {"addr": self.host, "secret": "x"},
        }
        self.headers = {}
        if private:
            with open(os.path.join(directory, "htpasswd"), "w") as file:
                file.write(HTPASSWD)
            config["auth"] = {"htpasswd": {"realm": "test", "path": file.name}}
            pair = base64.b64encode(("%s:%s" % (USER, PASSWORD)).encode()).decode()
            self.headers["Authorization"] = "Basic " + pair
        with open(os.path.join(directory, "config.yml"), "w") as file:
            json.dump(config, file)  # which is YAML
        self.log = open(os.path.join(directory, "log"), "w")
        self.process = subprocess.Popen(["docker-registry", "serve", file.name], stdout=self.log, stderr=self.log,
                                        env=dict(os.environ, OTEL_TRACES_EXPORTER="none"))
        self.wait()

    def wait(self):
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                return self.ask("GET", "/v2/")
            except urllib.error.URLError:
                if self.process.poll() is not None:
                    break
                time.sleep(0.02)  # there is nothing else to wait for
        raise RuntimeError("the registry does not answer: " + open(self.log.name).read())

    def close(self):
        self.process.terminate()
        self.process.wait()
        self.log.close()

    def ask(self, method, path, body=None, **headers):
        url = urllib.parse.urljoin("http://" + self.host, path)
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(url, data=body, method=method, headers=dict(self.headers, **headers))
        with urllib.request.urlopen(request) as answer:
            return dict(answer.headers), answer.read()

    def put(self, repository, content, media_type):
        digest = "sha256:" + hashlib.sha256(content).hexdigest()
        location = self.ask("POST", "/v2/%s/blobs/uploads/" % repository, b"")[0]["Location"]
        location += ("&" if "?" in location else "?") + "digest=" + digest
        self.ask("PUT", location, content, Content_Type="application/octet-stream")
        return {"digest": digest, "size": len(content), "mediaType": media_type}

    def push(self, repository, tag, text):
        """Put an image with one layer of text there, and return its digest."""
        layer = self.put(repository, text.encode(), LAYER)
        config = {"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": [layer["digest"]]}}
        config = self.put(repository, json.dumps(config).encode(), CONFIG)
        manifest = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [layer]}).encode()
        self.ask("PUT", "/v2/%s/manifests/%s" % (repository, tag), manifest, Content_Type=MANIFEST)
        return "sha256:" + hashlib.sha256(manifest).hexdigest()

    def digest(self, repository, tag):
        """What a tag names, or None."""
        try:
            return self.ask("HEAD", "/v2/%s/manifests/%s" % (repository, tag), Accept=MANIFEST)[0]["Docker-Content-Digest"]
        except urllib.error.HTTPError as error:
            if error.code != 404:
                raise
            return None
