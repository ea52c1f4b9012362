"""The report of csync becomes the result of a task."""

from __future__ import absolute_import, division, print_function

import json
import unittest

import places

csync = places.module()


def outcome(name, rc=0, verb="sync"):
    return csync.outcome(verb, rc, places.golden(name), "")


class TestOutcome(unittest.TestCase):
    def test_every_golden_report_is_returned_whole(self):
        for name in places.goldens():
            found = places.report(name)
            rc = 3 if found["summary"]["failed"] or found["summary"]["rolled_back"] else 0
            result = outcome(name, rc, found["verb"])
            self.assertEqual(found, result["report"], name)
            self.assertEqual(rc != 0, result.get("failed", False), name)
            self.assertTrue(result["msg"], name)

    def test_a_task_is_changed_where_something_was_done_or_would_be(self):
        for name, changed in (("sync", True), ("sync-again", False), ("plan", True), ("verify", False), ("dry-run", True),
                              ("promote", True), ("promote-again", False), ("promote-dry-run", True), ("promote-rollback", True)):
            self.assertIs(changed, outcome(name, verb=places.report(name)["verb"])["changed"], name)

    def test_verify_never_changes(self):
        self.assertFalse(outcome("dry-run", verb="verify")["changed"])

    def test_a_failed_image_fails_the_task_and_leaves_the_report(self):
        result = outcome("failures", 3)
        self.assertTrue(result["failed"])
        self.assertEqual(14, len(result["report"]["results"]))
        self.assertEqual("14 of 14 failed, the first: not-found: source docker://registry.example.com/library/gone: "
                         "listing tags: repository does not exist", result["msg"])

    def test_a_failure_fails_the_task_whatever_the_exit_code(self):
        self.assertTrue(outcome("failures", 0)["failed"])

    def test_labels_that_went_back_are_a_failure_and_no_difference(self):
        result = outcome("rolled-back", 3, "promote")
        self.assertTrue(result["failed"])
        self.assertIn("pushing is not allowed", result["msg"])
        self.assertEqual(("", ""), (result["diff"]["before"], result["diff"]["after"]))

    def test_an_interrupted_run_fails_with_what_it_did(self):
        result = outcome("interrupted", 130)
        self.assertTrue(result["failed"])
        self.assertTrue(result["changed"])
        self.assertIn("when the run was interrupted", result["msg"])

    def test_an_interrupted_run_fails_also_if_all_was_done(self):
        self.assertEqual("interrupted", csync.outcome("sync", 130, places.golden("done"), "")["msg"])

    def test_what_a_report_file_lacks_is_said_though_all_images_are_there(self):
        result = csync.outcome("sync", 3, places.golden("done"), "csync: writing report /r: no space left on device\n")
        self.assertTrue(result["failed"])
        self.assertIn("no space left", result["msg"])

    def test_the_message_counts(self):
        self.assertEqual("4 in all: 1 copied, 1 retagged, 1 unchanged, 1 skipped", outcome("done")["msg"])
        self.assertTrue(outcome("dry-run")["msg"].startswith("dry run, "))

    def test_the_difference_names_the_digests_of_tags(self):
        found = outcome("promote-moved", verb="promote")
        label = [one for one in found["report"]["results"] if one["action"] == "retag"][0]
        self.assertIn("%s %s\n" % (label["destination"], label["previous_digest"]), found["diff"]["before"])
        self.assertIn("%s %s\n" % (label["destination"], label["digest"]), found["diff"]["after"])

    def test_what_is_planned_is_in_the_difference_and_what_is_in_place_is_not(self):
        self.assertTrue(outcome("plan")["diff"]["after"])
        self.assertEqual("", outcome("sync-again")["diff"]["after"])

    def test_a_tag_that_goes_was_there_before_only(self):
        for name in ("prune", "prune-dry-run"):
            result = outcome(name, verb="prune")
            tag = result["report"]["results"][0]
            self.assertEqual("delete", tag["action"])
            self.assertTrue(result["changed"])
            self.assertEqual(("%s %s\n" % (tag["destination"], tag["previous_digest"]), ""), (result["diff"]["before"], result["diff"]["after"]))
        self.assertEqual("", outcome("prune-limited", 3, "prune")["diff"]["before"])

    def test_what_is_not_json_is_a_failure_that_shows_none_of_it(self):
        result = csync.outcome("sync", 0, '{"password": "s3cret', "")
        self.assertTrue(result["failed"])
        self.assertIn("not JSON", result["msg"])
        self.assertNotIn("s3cret", result["msg"])

    def test_another_schema_is_a_failure_that_names_both(self):
        result = csync.outcome("sync", 0, '{"schema": "csync.report/2", "results": []}', "")
        self.assertTrue(result["failed"])
        self.assertEqual('csync wrote a report of schema "csync.report/2", and this module reads csync.report/1', result["msg"])

    def test_json_that_is_no_report_is_a_failure(self):
        for text in ("[]", '"x"', "null", "{}", "7", '{"schema": "csync.report/1"}'):
            result = csync.outcome("sync", 0, text, "")
            self.assertTrue(result["failed"], text)
            self.assertEqual("what csync wrote is not a report", result["msg"])

    def test_a_report_with_parts_missing_is_a_failure(self):
        for part in ("results", "summary", "changed", "dry_run"):
            broken = places.report("done")
            del broken[part]
            result = csync.outcome("sync", 0, json.dumps(broken), "")
            self.assertTrue(result["failed"], part)

    def test_where_nothing_was_attempted_csync_says_why(self):
        result = csync.outcome("sync", 1, "", "time=x level=info msg=y\ncsync: <stdin>:1:2: unknown key\n<stdin>:2:2: another\n")
        self.assertTrue(result["failed"])
        self.assertFalse(result["changed"])
        self.assertEqual("csync: <stdin>:1:2: unknown key\n<stdin>:2:2: another", result["msg"])
        self.assertNotIn("report", result)

    def test_a_program_that_dies_in_silence_is_a_failure(self):
        self.assertEqual("csync ended with -9 and said nothing", csync.outcome("sync", -9, "", "")["msg"])

    def test_inspect_returns_a_list_of_images(self):
        one, two = '{"reference": "a"}', '[{"reference": "a"}, {"reference": "b"}]'
        self.assertEqual([{"reference": "a"}], csync.outcome("inspect", 0, one, "")["images"])
        result = csync.outcome("inspect", 3, two, "csync: b is not there")
        self.assertEqual((2, True, False), (len(result["images"]), result["failed"], result["changed"]))


class TestForeign(unittest.TestCase):
    @staticmethod
    def elf(machine, order=1):
        code = bytearray(20)
        code[0:4], code[5] = b"\x7fELF", order
        code[18 if order == 1 else 19] = machine
        return bytes(code)

    def test_a_program_for_this_machine_is_taken(self):
        for machine, code in (("x86_64", 62), ("x86_64", 3), ("aarch64", 183), ("ppc64le", 21)):
            self.assertEqual("", csync.foreign(self.elf(code), machine))
        self.assertEqual("", csync.foreign(self.elf(22, 2), "s390x"))
        self.assertEqual("", csync.foreign(b"#!/bin/sh\n", "x86_64"))
        self.assertEqual("", csync.foreign(self.elf(99), "loongarch64"))

    def test_a_program_for_another_machine_is_named(self):
        self.assertEqual("is for ppc64, and this is x86_64", csync.foreign(self.elf(21), "x86_64"))
        self.assertEqual("is for ppc64, and this is ppc64le", csync.foreign(self.elf(21, 2), "ppc64le"))
        self.assertIn("another machine", csync.foreign(self.elf(99), "x86_64"))

    def test_a_page_that_says_not_found_is_no_program(self):
        for head in (b"", b"<html>Not found", b"\x7fELF"):
            self.assertEqual("is not a program", csync.foreign(head, "x86_64"))


if __name__ == "__main__":
    unittest.main()
