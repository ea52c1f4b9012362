"""What the pages say of Ansible is so."""

import glob
import importlib.machinery
import importlib.util
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

import places

try:
    import yaml
except ImportError:  # where Ansible is not installed
    yaml = None

csync = places.module()
TEMPLATES = {"registry_password": "one", "quay_password": "two"}


def reference():
    """The program that writes the reference, as Python."""
    loader = importlib.machinery.SourceFileLoader("reference", os.path.join(places.COLLECTIONS, "reference"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("reference", loader))
    loader.exec_module(module)
    return module


def tasks():
    """Where a task is shown, and its arguments, of every page and of the module's examples."""
    texts = {"EXAMPLES": csync.EXAMPLES}
    for path in [os.path.join(places.ROOT, "README.md")] + glob.glob(os.path.join(places.ROOT, "docs", "*.md")):
        with open(path, encoding="utf-8") as file:
            for i, block in enumerate(re.findall(r"^```yaml\n(- .*?)^```", file.read(), re.MULTILINE | re.DOTALL)):
                texts["%s, block %d" % (os.path.relpath(path, places.ROOT), i)] = block
    for where, text in texts.items():
        for name, value in TEMPLATES.items():
            text = text.replace("{{ %s }}" % name, value)
        for task in yaml.safe_load(text):
            if "csync.csync.csync" in task:
                yield "%s: %s" % (where, task.get("name")), task["csync.csync.csync"]


@unittest.skipUnless(yaml, "PyYAML is not there")
class TestPages(unittest.TestCase):
    def test_the_reference_is_what_the_module_says(self):
        with open(os.path.join(places.ROOT, "docs", "ansible-module.md"), encoding="utf-8") as file:
            self.assertEqual(file.read(), reference().page(csync), "write it anew: ansible/reference > docs/ansible-module.md")

    def test_the_documentation_has_the_options_that_there_are(self):
        def options(documented, spec, where):
            self.assertEqual(sorted(spec), sorted(documented), where)
            for name in spec:
                self.assertEqual(spec[name].get("default"), documented[name].get("default"), where + name)
                self.assertEqual(spec[name].get("type"), documented[name]["type"], where + name)
                options(documented[name].get("suboptions", {}), spec[name].get("options", {}), where + name + ".")
        options(yaml.safe_load(csync.DOCUMENTATION)["options"], csync.SPEC, "")

    def test_every_task_that_is_shown_has_options_that_there_are(self):
        shown = list(tasks())
        self.assertGreater(len(shown), 10)
        with tempfile.TemporaryDirectory() as scratch:
            for where, arguments in shown:
                path = os.path.join(scratch, "args.json")
                with open(path, "w", encoding="utf-8") as file:
                    json.dump({"ANSIBLE_MODULE_ARGS": dict(arguments, binary="/nonexistent/csync", _ansible_check_mode=True)}, file)
                ran = subprocess.run([sys.executable, "-B", places.MODULE, path], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
                self.assertIn("not on this node yet", json.loads(ran.stdout.decode())["msg"], where)


if __name__ == "__main__":
    unittest.main()
