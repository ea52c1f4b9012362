"""Reaches a node that is a container of podman, without a collection."""

from __future__ import annotations

import shutil
import subprocess

from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.plugins.connection import ConnectionBase

DOCUMENTATION = """
name: csync_node
short_description: run tasks in a container of podman
description: Runs commands by C(podman exec), and passes files through its standard streams.
author: The csync authors
options:
  remote_addr:
    description: Name of the container.
    default: inventory_hostname
    vars:
      - name: inventory_hostname
      - name: ansible_host
"""


class Connection(ConnectionBase):
    """A container's shell."""

    transport = "csync_node"
    has_pipelining = True

    def _connect(self):
        self._connected = True
        return self

    def close(self):
        self._connected = False

    def exec_command(self, cmd, in_data=None, sudoable=False):
        super().exec_command(cmd, in_data=in_data, sudoable=sudoable)
        return self._run(["/bin/sh", "-c", cmd], input=in_data or b"")

    def put_file(self, in_path, out_path):
        with open(in_path, "rb") as source:
            code, _, err = self._run(["/bin/sh", "-c", 'cat > "$0"', out_path], stdin=source)
        if code:
            raise AnsibleError("cannot write %s: %s" % (out_path, err.decode(errors="replace")))

    def fetch_file(self, in_path, out_path):
        code, out, err = self._run(["cat", in_path], input=b"")
        if code:
            raise AnsibleError("cannot read %s: %s" % (in_path, err.decode(errors="replace")))
        with open(out_path, "wb") as destination:
            destination.write(out)

    def _run(self, argv, **streams):
        podman = shutil.which("podman") or "podman"
        done = subprocess.run(
            [podman, "exec", "-i", self.get_option("remote_addr"), *argv],
            capture_output=True, check=False, **streams)
        if done.returncode == 125:
            raise AnsibleConnectionFailure(done.stderr.decode(errors="replace"))
        return done.returncode, done.stdout, done.stderr
