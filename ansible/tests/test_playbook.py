"""Ansible runs the module, with csync and registries that are processes of this machine."""

import glob
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import unittest

import places

try:
    from registry import PASSWORD, USER, Registry
except ImportError:  # of Python 2, which is no controller
    Registry = None

ANSIBLE = os.environ.get("CSYNC_TEST_ANSIBLE", "")  # the directory of its programs
SETTINGS = """[defaults]
collections_path = %s
host_key_checking = false
[connection]
pipelining = false
"""


@unittest.skipUnless(ANSIBLE, "CSYNC_TEST_ANSIBLE does not name the directory of Ansible's programs")
class TestPlaybook(unittest.TestCase):
    numbers = itertools.count()

    @classmethod
    def setUpClass(cls):
        cls.top = tempfile.mkdtemp()
        cls.addClassCleanup(shutil.rmtree, cls.top)
        registries = os.path.join(cls.top, "registries")
        os.mkdir(registries)
        cls.source, cls.private = Registry(registries), Registry(registries, private=True)
        cls.addClassCleanup(cls.source.close)
        cls.addClassCleanup(cls.private.close)
        cls.digest = cls.source.push("team/app", "1.0", "one")
        cls.moved = cls.source.push("team/app", "2.0", "two")

    def setUp(self):
        self.scratch = tempfile.mkdtemp(dir=self.top)
        self.below = "test-%d" % next(self.numbers)  # of a destination that no other test has
        self.secret = self.write("secret.json", json.dumps({"password": PASSWORD}))
        self.environment = dict(
            os.environ, PATH=ANSIBLE + os.pathsep + os.environ["PATH"], HOME=self.scratch, LC_ALL="C.UTF-8",
            ANSIBLE_CONFIG=self.write("ansible.cfg", SETTINGS % places.COLLECTIONS), ANSIBLE_LOCALHOST_WARNING="false",
            ANSIBLE_REMOTE_TEMP=os.path.join(self.scratch, "remote"),
            ANSIBLE_ASYNC_DIR=os.path.join(self.scratch, "async"), ANSIBLE_NOCOLOR="1", ANSIBLE_DEPRECATION_WARNINGS="false")
        self.environment.pop("XDG_STATE_HOME", None)

    def write(self, name, text):
        path = os.path.join(self.scratch, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write(text)
        return path

    def run_program(self, *argv):
        return subprocess.run(argv, env=self.environment, cwd=self.scratch, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, universal_newlines=True)

    def ad_hoc(self, *flags, module="csync.csync.csync", **arguments):
        """The status, the result and all output of one task on this machine."""
        arguments.setdefault("binary", places.BINARY)
        ran = self.run_program("ansible", "localhost", "-m", module, "-a", json.dumps(arguments), "-e", "@" + self.secret, *flags)
        found = re.search(r"^localhost \| (\S+) => ", ran.stdout, re.MULTILINE)
        self.assertTrue(found, ran.stdout)
        result, dummy = json.JSONDecoder().raw_decode(ran.stdout[found.end():])
        return found.group(1).rstrip("!"), result, ran.stdout

    def copying(self, **more):
        """The arguments of a copy of two tags from the open registry to the private one."""
        arguments = dict(
            registries=[dict(registry=self.source.host, tls_verify=False, images={"team/app": ["1.0", "2.0"]})],
            destinations=["docker://%s/%s" % (self.private.host, self.below)], destination_tls_verify=False,
            logins=[dict(registry=self.private.host, username=USER, password="{{ password }}")])
        arguments.update(more)
        return arguments

    def test_what_is_missing_is_copied_once(self):
        status, checked, output = self.ad_hoc("--check", "--diff", **self.copying())
        self.assertEqual(("CHANGED", 2), (status, checked["report"]["summary"]["planned"]))
        self.assertIn("+docker://%s/%s/app:1.0 %s" % (self.private.host, self.below, self.digest), output)
        self.assertIsNone(self.private.digest(self.below + "/app", "1.0"))
        status, first, dummy = self.ad_hoc(**self.copying())
        self.assertEqual(("CHANGED", 2), (status, first["report"]["summary"]["copied"]))
        self.assertEqual(self.digest, self.private.digest(self.below + "/app", "1.0"))
        status, second, output = self.ad_hoc("--diff", **self.copying())
        self.assertEqual(("SUCCESS", False, 2), (status, second["changed"], second["report"]["summary"]["unchanged"]))
        self.assertNotIn("+docker", output)

    def test_a_failed_image_fails_the_task_and_the_others_are_copied(self):
        arguments = self.copying()
        arguments["registries"][0]["images"]["team/gone"] = ["1.0"]
        status, result, dummy = self.ad_hoc(**arguments)
        self.assertEqual("FAILED", status)
        self.assertIn("not-found", result["msg"])
        self.assertEqual((2, 1), (result["report"]["summary"]["copied"], result["report"]["summary"]["failed"]))
        self.assertEqual(self.digest, self.private.digest(self.below + "/app", "1.0"))

    def test_secrets_are_seen_nowhere(self):
        seen, done = set(), threading.Event()

        def look():
            while not done.is_set():
                for path in glob.glob("/proc/[0-9]*/cmdline"):
                    try:
                        with open(path, "rb") as file:
                            seen.add(file.read())
                    except OSError:
                        pass  # it has ended

        watch = threading.Thread(target=look)
        watch.start()
        try:
            status, result, output = self.ad_hoc("-vvv", **self.copying(
                env={"UNUSED": "{{ password }}"}, log=os.path.join(self.scratch, "log"), log_level="trace",
                extra_args=["--rate=%s=8/s" % self.private.host]))
        finally:
            done.set()
            watch.join()
        self.assertEqual("CHANGED", status, result)
        self.assertTrue([line for line in seen if b"--src-yaml=-" in line], "csync was not seen")
        self.assertFalse([line for line in seen if PASSWORD.encode() in line])
        self.assertNotIn(PASSWORD, output)
        holds = subprocess.run(["grep", "-rlF", PASSWORD, self.scratch], stdout=subprocess.PIPE, universal_newlines=True).stdout
        self.assertEqual([self.secret], holds.split())

    def test_a_wrong_password_is_named_and_not_shown(self):
        status, result, output = self.ad_hoc("-vvv", **self.copying(logins=[
            dict(registry=self.private.host, username=USER, password="{{ password }}-wrong")], retry_times=0))
        self.assertEqual("FAILED", status)
        self.assertIn("unauthorized", result["msg"])
        self.assertNotIn(PASSWORD, output)

    def test_bad_input_is_told_without_a_traceback(self):
        for words, arguments in (
            (["has no key", "imagse", "1:19"], dict(source_file=self.write("bad.yaml", "%s: {imagse: {}}\n" % self.source.host), destinations=["dir:x"])),
            (["Unsupported parameters"], self.copying(destinaton="x")),
            ([], self.copying(registries=[dict(registry="a.example", credentials=["{{ password }}"])])),
        ):
            status, result, output = self.ad_hoc("-vvv", **arguments)
            self.assertEqual("FAILED", status)
            for word in words:
                self.assertIn(word, result["msg"])
            self.assertNotIn("Traceback", output)
            self.assertNotIn(PASSWORD, output)

    def test_a_promotion_moves_its_label_and_puts_it_back(self):
        for name in ("base", "nova"):
            self.source.push("ci/openstack-" + name, "abc", name)
        promotion = dict(
            source=dict(registry=self.source.host, namespace="ci", tls_verify=False, label=False),
            destinations=[dict(registry=self.private.host, namespace=self.below, tls_verify=False,
                               credentials=dict(username=USER, password="{{ password }}"))],
            images=dict(prefix="openstack-", names=["base", "nova"]))
        arguments = dict(verb="promote", promotion=promotion, hash="abc", label="current", journal=os.path.join(self.scratch, "journal"))
        status, result, output = self.ad_hoc("--check", "--diff", **arguments)
        self.assertEqual("CHANGED", status, output)
        self.assertIn("+docker://%s/%s/openstack-nova:current" % (self.private.host, self.below), output)
        self.assertFalse(os.path.exists(os.path.join(self.scratch, "journal")))
        self.assertEqual("CHANGED", self.ad_hoc(**arguments)[0])
        self.assertTrue(self.private.digest(self.below + "/openstack-nova", "current"))
        self.assertEqual("SUCCESS", self.ad_hoc(**arguments)[0])
        status, result, dummy = self.ad_hoc(**dict(arguments, rollback=True))
        self.assertEqual(("CHANGED", 2), (status, result["report"]["summary"]["deleted"]))
        self.assertIsNone(self.private.digest(self.below + "/openstack-nova", "current"))

    def test_the_single_actions_are_done_once_and_deletions_too(self):
        for suffix in ("_x86_64", "_again"):
            self.source.push("%s/app" % self.below, "1.0" + suffix, suffix)
        repository = "%s/%s/app" % (self.source.host, self.below)
        insecure = dict(destination_tls_verify=False)
        for changed, arguments in (
            ("retagged", dict(verb="retag", images=[dict(source=repository + ":1.0_x86_64", tags=["stable", "1"])])),
            ("assembled", dict(verb="assemble", images=[dict(destination=repository + ":1.0")], suffixes=["linux/amd64=_x86_64"])),
            ("merged", dict(verb="merge", images=[dict(source=repository + ":1.0", destinations=[repository + ":merged"])])),
        ):
            arguments.update(insecure if arguments["verb"] == "retag" else dict(insecure, source_tls_verify=False))
            status, result, output = self.ad_hoc("--check", "--diff", **arguments)
            self.assertEqual("CHANGED", status, output)
            self.assertGreater(result["report"]["summary"]["planned"], 0)
            self.assertIn("+docker://" + repository, output)
            status, result, output = self.ad_hoc(**arguments)
            self.assertEqual("CHANGED", status, output)
            self.assertEqual("SUCCESS", self.ad_hoc(**arguments)[0], changed)
        arguments = dict(insecure, verb="prune", images=[dict(source="docker://%s:1" % repository)])
        status, result, output = self.ad_hoc("--check", "--diff", **arguments)
        self.assertEqual("CHANGED", status, output)
        self.assertIn("-docker://%s:1 sha256:" % repository, output)
        self.assertTrue(self.source.digest("%s/app" % self.below, "1"))

    def test_every_flag_is_known_to_its_verb(self):
        csync = places.module()
        values = dict(timeout="1m", log_level="info", format="oci", destination_path="name")
        flags = csync.FLAGS + (("report", "--report", csync.RUNNING), ("authfile", "--authfile", csync.RUNNING), ("journal", "--journal", ("promote",)))
        for verb in csync.RUNNING + ("inspect",):
            words = ["%s=%s" % (flag, values.get(name) or {"bool": "true", "int": "1"}.get(csync.SPEC[name]["type"], "x"))
                     for name, flag, verbs in flags if verb in verbs]
            ran = self.run_program(places.BINARY, verb, "--help", *words)
            self.assertEqual(0, ran.returncode, ran.stdout)

    def test_an_image_is_inspected(self):
        status, result, dummy = self.ad_hoc(verb="inspect", images=[dict(source="docker://%s/team/app:1.0" % self.source.host)], tls_verify=False)
        self.assertEqual(("SUCCESS", self.digest), (status, result["images"][0]["digest"]))

    def test_nodes_with_old_pythons_run_it(self):
        pythons = os.environ.get("CSYNC_TEST_NODE_PYTHONS", "").split()
        for python in pythons:
            below = "%s/%s" % (self.below, os.path.basename(os.path.dirname(os.path.dirname(python))))
            status, result, output = self.ad_hoc("-e", "ansible_python_interpreter=" + python, **self.copying(
                destinations=["docker://%s/%s" % (self.private.host, below)]))
            self.assertEqual("CHANGED", status, output)
            self.assertEqual(self.digest, self.private.digest(below + "/app", "1.0"))

    def test_a_role_has_it_by_its_short_name_and_tasks_run_at_the_same_time_and_in_the_background(self):
        library = os.path.join(self.scratch, "roles", "mirror", "library")
        os.makedirs(library)
        os.symlink(places.MODULE, os.path.join(library, "csync.py"))
        arguments = self.copying(destinations=["docker://%s/%s/{{ inventory_hostname }}" % (self.private.host, self.below)], binary=places.BINARY)
        self.write("roles/mirror/tasks/main.yml", json.dumps([
            {"name": "Copy", "csync": arguments, "async": 60, "poll": 1, "register": "copied"},
            {"name": "Look", "ansible.builtin.assert": {"that": ["copied.report.summary.copied == 2"]}},
            {"name": "Fail", "csync": dict(arguments, registries=[dict(registry=self.source.host, tls_verify=False, images={"team/gone": ["1"]})]),
             "register": "gone", "failed_when": "gone.report.results | rejectattr('error.kind', 'equalto', 'not-found') | list | length > 0"},
        ]))
        play = self.write("play.yml", json.dumps([{"hosts": "all", "gather_facts": False, "roles": ["mirror"]}]))
        inventory = self.write("inventory", "".join("n%d ansible_connection=local ansible_python_interpreter=%s\n" % (i, sys.executable) for i in range(3)))
        ran = self.run_program("ansible-playbook", "-i", inventory, "-e", "@" + self.secret, "--forks", "3", play)
        self.assertEqual(0, ran.returncode, ran.stdout)
        self.assertEqual(3, len(re.findall(r"n\d +: ok=3 +changed=1 ", ran.stdout)), ran.stdout)
        for i in range(3):
            self.assertEqual(self.digest, self.private.digest("%s/n%d/app" % (self.below, i), "1.0"))


if __name__ == "__main__":
    unittest.main()
