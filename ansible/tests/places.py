"""Where things are, and the module, for tests under every Python from 2.7."""

from __future__ import absolute_import, division, print_function

import json
import os
import sys

TESTS = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(TESTS))
COLLECTIONS = os.path.join(ROOT, "ansible")
MODULE = os.path.join(COLLECTIONS, "ansible_collections", "csync", "csync", "plugins", "modules", "csync.py")
BINARY = os.path.join(ROOT, "bin", "csync")

sys.dont_write_bytecode = True


def module():
    """The module, as Python."""
    sys.path.insert(0, os.path.dirname(MODULE))
    try:
        import csync
    finally:
        sys.path.pop(0)
    return csync


def golden(name):
    """A report that the Go tests hold csync to."""
    for directory in (("testdata", "report"), ("cmd", "csync", "testdata", "report")):
        path = os.path.join(ROOT, *(directory + (name + ".json",)))
        if os.path.exists(path):
            with open(path, "rb") as file:
                return file.read().decode("utf-8")
    raise IOError("there is no golden report " + name)


def goldens():
    """The names of all golden reports."""
    names = []
    for directory in (("testdata", "report"), ("cmd", "csync", "testdata", "report")):
        names += [name[:-len(".json")] for name in os.listdir(os.path.join(ROOT, *directory)) if name.endswith(".json")]
    return sorted(names)


def report(name):
    return json.loads(golden(name))
