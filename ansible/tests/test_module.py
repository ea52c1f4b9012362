"""The module as Ansible runs it on a node, with a program that only plays csync."""

# -*- coding: utf-8 -*-

from __future__ import absolute_import, division, print_function

import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

import places

PLAYED = """#!/bin/sh
cd '%s'
[ "$1" = --version ] && { cat version; exit; }
for word; do echo "$word"; done > argv
for word; do case $word in --authfile=*) cat "${word#*=}" "${word#*=}" > auth;; esac; done
cat > stdin
env > env
tr '\\0' ' ' < /proc/$PPID/cmdline > module
cat stderr >&2
cat stdout
exit "$(cat rc)"
"""

REGISTRIES = [dict(registry="registry.example.com", images={"team/app": ["1.0"]},
                   credentials=dict(username="ci", password="s3cret word"))]
PROMOTION = dict(source=dict(registry="registry.example.com", namespace="a/b"), destinations=[
    dict(registry="q.example", token="t0ken", credentials=dict(username="u", password="s3cret word"))])


class TestModule(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.scratch)
        self.binary = self.path("csync")
        self.write("csync", PLAYED % self.scratch)
        os.chmod(self.binary, 0o755)
        self.play(places.golden("sync"))

    def path(self, name):
        return os.path.join(self.scratch, name)

    def write(self, name, text):
        with open(self.path(name), "wb") as file:
            file.write(text if isinstance(text, bytes) else text.encode("utf-8"))

    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read().decode("utf-8")

    def play(self, stdout, rc=0, stderr="", version="csync 1.2.0 (commit x, go1.26)\n"):
        for name, text in (("stdout", stdout), ("rc", str(rc)), ("stderr", stderr), ("version", version)):
            self.write(name, text)

    def run_module(self, check_mode=False, diff=False, verbosity=0, raw=None, **arguments):
        arguments.setdefault("binary", self.binary)
        arguments.update(_ansible_check_mode=check_mode, _ansible_diff=diff, _ansible_verbosity=verbosity, _ansible_remote_tmp=self.scratch)
        self.write("args", json.dumps(dict(ANSIBLE_MODULE_ARGS=arguments)))
        process = subprocess.Popen([sys.executable, "-B", places.MODULE, self.path("args")], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        stdout, stderr = process.communicate()
        self.assertEqual(b"", stderr)
        return json.loads(stdout.decode("utf-8"))

    def sync(self, **arguments):
        arguments.setdefault("registries", REGISTRIES)
        return self.run_module(destinations=["docker://m.example/x"], **arguments)

    def failed(self, result, *words):
        self.assertTrue(result.get("failed"), result)
        for word in words:
            self.assertIn(word, result["msg"])
        self.without_secrets(result)

    def without_secrets(self, result):
        for secret in ("s3cret", "t0ken", "Traceback"):
            self.assertNotIn(secret, json.dumps(result))

    def test_the_report_is_the_result(self):
        result = self.sync(diff=True)
        self.assertTrue(result["changed"])
        self.assertEqual(places.report("sync"), result["report"])
        self.assertIn("sha256:", result["diff"]["after"])
        self.assertEqual(0, result["rc"])
        self.without_secrets(result)

    def test_secrets_go_to_standard_input_only(self):
        self.sync()
        self.assertEqual("s3cret word", json.loads(self.read("stdin"))["registry.example.com"]["credentials"]["password"])
        for name in ("argv", "env", "module"):
            self.assertNotIn("s3cret", self.read(name))

    def test_secrets_of_the_environment_are_shown_nowhere(self):
        self.play(places.golden("sync"), stderr=u"level=info msg=\"s3cret p\u00e4ss word\"\n")
        result = self.sync(env={"PW": u"s3cret p\u00e4ss word"}, verbosity=3)
        self.assertIn(u"PW=s3cret p\u00e4ss word\n", self.read("env"))
        self.assertNotIn("s3cret", self.read("argv"))
        self.without_secrets(result)

    def test_tokens_go_by_the_environment(self):
        self.play(places.golden("promote"))
        result = self.run_module(verb="promote", promotion=PROMOTION, journal=self.path("j"))
        self.assertIn("=t0ken\n", self.read("env"))
        self.assertNotIn("t0ken", self.read("stdin") + self.read("argv"))
        self.without_secrets(result)

    def test_logins_are_a_file_without_a_name_that_can_be_read_again(self):
        result = self.sync(logins=[dict(registry="m.example", username="ci", password=u"s3cret p\u00e4ss")])
        text = self.read("auth")
        self.assertEqual(text[:len(text) // 2], text[len(text) // 2:])
        import base64
        auth = json.loads(text[:len(text) // 2])["auths"]["m.example"]["auth"]
        self.assertEqual(u"ci:s3cret p\u00e4ss", base64.b64decode(auth).decode("utf-8"))
        self.assertNotIn("s3cret", self.read("argv") + self.read("env"))
        self.without_secrets(result)

    def test_text_that_is_not_ascii_comes_through(self):
        self.play(places.golden("sync"), stderr=u"csync: \u00fc\n")
        result = self.sync(registries=[dict(registry="registry.example.com", images={u"\u00e4": [u"\u00f6"]})], label=None)
        self.assertFalse(result.get("failed"))
        self.assertEqual([u"\u00f6"], json.loads(self.read("stdin"))["registry.example.com"]["images"][u"\u00e4"])
        self.play("", 1, u"csync: \u00fc is no tag\n")
        self.failed(self.sync(), u"csync: \u00fc is no tag")
        self.failed(self.run_module(verb="retag", images=[dict(source=u"\u00e4 b", tags=["x"])]), "no reference")

    def test_check_mode_without_the_program_says_so(self):
        result = self.sync(check_mode=True, binary="/nonexistent/csync")
        self.assertFalse(result.get("failed"))
        self.assertTrue(result["changed"])
        self.assertIn("not on this node yet", result["msg"])
        self.assertEqual({}, result["report"])
        self.assertFalse(self.sync(verb="verify", check_mode=True, binary="/nonexistent/csync")["changed"])

    def test_check_mode_finds_mistakes_without_the_program(self):
        self.failed(self.run_module(check_mode=True, binary="/nonexistent/csync"), "registries")

    def test_check_mode_writes_no_log_and_no_report(self):
        self.play(places.golden("plan"))
        self.sync(check_mode=True, log=self.path("log"), report=[self.path("r.json")])
        self.assertFalse(os.path.exists(self.path("log")))
        self.assertNotIn("--report", self.read("argv"))
        self.assertIn("--dry-run", self.read("argv"))

    def test_a_log_has_what_csync_says(self):
        self.write("log", "before\n")
        self.play(places.golden("sync"), stderr="one\ntwo\n")
        result = self.sync(log=self.path("log"), verbosity=2)
        self.assertEqual("before\none\ntwo\n", self.read("log"))
        self.assertEqual(["one", "two"], result["log"])
        self.assertNotIn("log", self.sync(log=self.path("log")))

    def test_a_log_that_cannot_be_written_is_a_failure(self):
        self.failed(self.sync(log="/nonexistent/log"), "/nonexistent/log")

    def test_a_directory_that_is_not_there_is_a_failure(self):
        self.failed(self.sync(chdir="/nonexistent"), "there is no directory /nonexistent")

    def test_a_journal_has_a_name_of_the_promotion(self):
        self.play(places.golden("promote"))
        self.run_module(verb="promote", promotion=PROMOTION, label="current")
        self.assertIn("/csync/registry.example.com_a_b_current.journal\n", self.read("argv"))
        self.run_module(verb="promote", promotion=PROMOTION, check_mode=True, report=["/r/x.json"])
        self.assertIn("--journal=/r/x.json.journal\n", self.read("argv"))

    def test_a_failed_image_is_a_failed_task_with_its_report(self):
        self.play(places.golden("failures"), 3)
        result = self.sync()
        self.failed(result, "14 of 14 failed")
        self.assertEqual(14, len(result["report"]["results"]))

    def test_the_program_is_missing(self):
        self.failed(self.sync(binary="/nonexistent/csync"), "there is no program /nonexistent/csync")
        self.failed(self.sync(binary="no-such-csync"), "there is no program no-such-csync in PATH or /usr/local/bin")

    def test_the_program_is_of_another_machine(self):
        with open("/bin/sh", "rb") as file:
            program = bytearray(file.read(64))
        program[18:20] = b"\x16\x00" if program[18] != 0x16 else b"\x3e\x00"
        self.write("csync", bytes(program))
        self.failed(self.sync(), self.binary + " is for ", ", and this is ")

    def test_the_program_is_a_page_that_says_not_found(self):
        self.write("csync", "<html>not found</html>")
        self.failed(self.sync(), self.binary + " is not a program")

    def test_the_program_is_too_old(self):
        self.play("", 1, 'csync: "promote" is neither a verb nor a flag\'s value; csync --help\n', "csync 0.1.0 (commit x, go1.26)\n")
        self.failed(self.run_module(verb="promote", promotion=PROMOTION), "neither a verb", "is csync 0.1.0")

    def test_the_program_is_another(self):
        self.play('{"password": "s3cret word"}', 0, "", "cat (GNU coreutils) 9.1\n")
        self.failed(self.sync(), "not a report", "may not be csync")

    def test_a_report_of_another_schema(self):
        self.play('{"schema": "csync.report/2"}')
        self.failed(self.sync(), "csync.report/2", "csync.report/1", "is csync 1.2.0")

    def test_an_unknown_option(self):
        self.failed(self.sync(destination="x"), "Unsupported parameters", "destination")
        self.failed(self.sync(registries=[dict(REGISTRIES[0], image={})]), "Unsupported parameters", "image")

    def test_a_wrong_type(self):
        self.failed(self.sync(jobs="many"), "jobs")
        self.failed(self.sync(registries=[dict(REGISTRIES[0], tls_verify="maybe")]), "tls_verify")
        self.failed(self.sync(registries={"registry.example.com": {}}), "registries")
        self.failed(self.sync(registries=[dict(registry="r.example", images=["a"])]), "images")
        self.failed(self.run_module(verb="push", registries=REGISTRIES), "verb")

    def test_a_password_of_the_wrong_type_is_not_shown(self):
        for credentials in ("ci:s3cret", ["s3cret"], [["s3cret"]], {"username": "ci", "password": {"is": "s3cret"}}, {"pasword": "s3cret"}):
            self.without_secrets(self.sync(registries=[dict(REGISTRIES[0], credentials=credentials)]))
        for wrong in (dict(registries="s3cret"), dict(env="s3cret"), dict(env=["s3cret"]), dict(logins="s3cret"), dict(logins=["s3cret"]),
                      dict(logins={"password": "s3cret"}), dict(credentials="s3cret"), dict(registries=[dict(credentials="s3cret")])):
            self.without_secrets(self.sync(**wrong))
        for wrong in ("s3cret", dict(PROMOTION, destinations="s3cret"), dict(PROMOTION, destinations=[dict(token=["s3cret"])])):
            self.without_secrets(self.run_module(verb="promote", promotion=wrong))

    def test_a_missing_registry(self):
        self.failed(self.sync(registries=[dict(images={})]), "missing required arguments", "registry")
        self.failed(self.run_module(verb="promote", promotion=dict(destinations=[])), "missing required arguments", "source")
        self.failed(self.run_module(verb="promote", promotion=dict(PROMOTION, source={})), "one of the following is required: registry, place")

    def test_a_boolean_of_a_template_is_one(self):
        self.sync(registries=[dict(REGISTRIES[0], tls_verify="false")], deep="yes")
        self.assertIs(False, json.loads(self.read("stdin"))["registry.example.com"]["tls-verify"])
        self.assertIn("--deep\n", self.read("argv"))


if __name__ == "__main__":
    unittest.main()
