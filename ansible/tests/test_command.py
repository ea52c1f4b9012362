"""A task becomes a command line, which has no secrets, and a document, which may."""

from __future__ import absolute_import, division, print_function

import json
import os
import sys
import unittest

import places

csync = places.module()

HOST = "registry.example.com"


def complete(options, given):
    """What AnsibleModule makes of what was given."""
    result = {}
    for name in options:
        value, inner = given.get(name, options[name].get("default")), options[name].get("options")
        if inner and isinstance(value, list):
            value = [complete(inner, one) for one in value]
        elif inner and value is not None:
            value = complete(inner, value)
        result[name] = value
    return result


def task(**given):
    return complete(csync.SPEC, given)


def command(check_mode=False, **given):
    params = task(**given)
    csync.check(params)
    return csync.command("csync", params, check_mode)


def document(**given):
    params = task(**given)
    csync.check(params)
    text, dummy = csync.document(params)
    return json.loads(text)


REGISTRIES = [dict(registry=HOST, images={"team/app": ["1.0"]})]
PROMOTION = dict(source=dict(registry=HOST), destinations=[dict(registry="mirror.example.net")], images=dict(names=["base"]))


class TestCommand(unittest.TestCase):
    def test_a_document_goes_to_standard_input(self):
        self.assertEqual(["csync", "sync", "--output=json", "--dest=docker://m", "--src-yaml=-"],
                         command(registries=REGISTRIES, destinations=["docker://m"]))
        self.assertEqual(["csync", "promote", "--output=json", "--hash=abc", "--label=current", "-"],
                         command(verb="promote", promotion=PROMOTION, hash="abc", label="current"))
        self.assertEqual(["csync", "verify", "--output=json", "-"], command(verb="verify", promotion=PROMOTION))
        self.assertEqual(["csync", "retag", "--output=json", "--guard", "--file=-"],
                         command(verb="retag", guard=True, images=[dict(source="h.example/a:1", tags=["x"])]))

    def test_a_file_on_the_node_is_named(self):
        self.assertIn("--src-yaml=/f", command(source_file="/f", destinations=["oci:/d"]))
        self.assertEqual(["--", "/f"], command(verb="promote", promotion_file="/f")[-2:])
        self.assertIn("--file=/f", command(verb="merge", images_file="/f"))
        self.assertIn("--src=dir:/d", command(source="dir:/d", destinations=["oci:/d"]))

    def test_images_to_look_at_are_arguments(self):
        self.assertEqual(["csync", "inspect", "--output=json", "--tls-verify=false", "--", "h.example/a:1", "h.example/b:1"],
                         command(verb="inspect", tls_verify=False, images=[dict(source="h.example/a:1"), dict(source="h.example/b:1")]))

    def test_check_mode_writes_nothing(self):
        given = dict(registries=REGISTRIES, destinations=["docker://m"], report=["/r.json"])
        self.assertIn("--report=/r.json", command(**given))
        checked = command(check_mode=True, **given)
        self.assertIn("--dry-run", checked)
        self.assertNotIn("--report=/r.json", checked)
        for verb in ("plan", "verify"):
            self.assertNotIn("--dry-run", command(check_mode=True, verb=verb, **given))

    def test_prune_deletes_only_outside_of_check_mode(self):
        given = dict(verb="prune", registries=REGISTRIES, destinations=["docker://m"])
        self.assertIn("--confirm", command(**given))
        self.assertNotIn("--confirm", command(check_mode=True, **given))
        self.assertNotIn("--dry-run", command(check_mode=True, **given))

    def test_every_flag_has_its_value_in_the_same_word(self):
        argv = command(registries=REGISTRIES, destinations=["-x", "docker://m"], jobs=3, tag_policy="-.*", destination_tls_verify=False,
                       source_tls_verify=True, deep=True, timeout="90m", extra_args=["--rate=h=1/s"])
        for word in ("--dest=-x", "--dest=docker://m", "--jobs=3", "--tag-policy=-.*", "--dest-tls-verify=false", "--src-tls-verify",
                     "--deep", "--command-timeout=90m", "--rate=h=1/s"):
            self.assertIn(word, argv)
        self.assertNotIn("--fail-fast", argv)

    def test_an_empty_hash_is_for_csync_to_refuse(self):
        self.assertIn("--hash=", command(verb="promote", promotion=PROMOTION, hash=""))


class TestDocument(unittest.TestCase):
    def test_registries_are_a_source_file(self):
        registry = dict(registry=HOST, images={"a": []}, images_by_semver={"b": ">= 1"}, images_by_tag_regex={"c": "^1"}, tls_verify=False,
                        credentials=dict(username="u", password="p"), csync=dict(password_env="P", repositories={"a": {"latest": 2}}))
        self.assertEqual({HOST: {
            "images": {"a": []}, "images-by-semver": {"b": ">= 1"}, "images-by-tag-regex": {"c": "^1"}, "tls-verify": False,
            "credentials": {"username": "u", "password": "p"}, "csync": {"password-env": "P", "repositories": {"a": {"latest": 2}}},
        }}, document(registries=[registry]))

    def test_platforms_are_of_registries_without_their_own(self):
        found = document(registries=[dict(registry="a.example", images={}), dict(registry="b.example", csync=dict(platforms=["arm64"]))],
                         platforms=["amd64"])
        self.assertEqual((["amd64"], ["arm64"]), (found["a.example"]["csync"]["platforms"], found["b.example"]["csync"]["platforms"]))
        self.assertEqual(["amd64"], document(verb="promote", promotion=PROMOTION, platforms=["amd64"])["platforms"])

    def test_a_promotion_is_a_promotion_file(self):
        promotion = dict(PROMOTION, rollback_label="previous-{label}", hash={"dlrn": {"url": "https://t.example", "promote-name": "x"}},
                         platforms={"linux/amd64": "_x86_64", "linux/ppc64le": "_ppc64le"}, keep_directory="/k")
        found = document(verb="promote", promotion=promotion)
        self.assertEqual("previous-{label}", found["rollback-label"])
        self.assertEqual("/k", found["keep-directory"])
        self.assertEqual(promotion["hash"], found["hash"])
        self.assertEqual(promotion["platforms"], found["platforms"])
        self.assertEqual({"registry": HOST}, found["source"])
        self.assertNotIn("gate", found)

    def test_tokens_go_by_the_environment(self):
        params = task(verb="promote", promotion=dict(PROMOTION, destinations=[dict(registry="q.example", token="t0ken")]))
        text, secrets = csync.document(params)
        self.assertNotIn("t0ken", text)
        self.assertEqual({json.loads(text)["destinations"][0]["token-env"]: "t0ken"}, secrets)

    def test_renames_keep_their_order(self):
        renames = [dict(regex="^z", name="1"), dict(regex="^a", name="2"), dict(regex="^m", name="3")]
        promotion = dict(PROMOTION, destinations=[dict(registry="m.example", rename=renames)])
        text, dummy = csync.document(task(verb="promote", promotion=promotion))
        self.assertLess(text.index("^z"), text.index("^a"))
        self.assertLess(text.index("^a"), text.index("^m"))

    def test_a_mapping_of_renames_has_an_order_only_where_python_keeps_it(self):
        params = task(verb="promote", promotion=dict(PROMOTION, destinations=[dict(registry="m.example", rename={"^z": "1", "^a": "2"})]))
        if sys.version_info[0] == 2:
            self.assertRaises(csync.Mistake, csync.document, params)
        else:
            self.assertLess(csync.document(params)[0].index("^z"), csync.document(params)[0].index("^a"))

    def test_images_are_lines(self):
        def lines(**given):
            return csync.document(task(**given))[0]
        self.assertEqual("h.example/a:1 x y\n", lines(verb="retag", images=[dict(source="h.example/a:1", tags=["x", "y"])]))
        self.assertEqual("h.example/a:1 m.example/a:1\n", lines(verb="merge", images=[dict(source="h.example/a:1", destinations=["m.example/a:1"])]))
        self.assertEqual("m.example/a:1 h.example/a:1_x h.example/a:1_p=ppc64le\n", lines(
            verb="assemble", images=[dict(destination="m.example/a:1", sources=["h.example/a:1_x", "h.example/a:1_p=ppc64le"])]))
        self.assertEqual("m.example/a:1\n", lines(verb="assemble", images=[dict(destination="m.example/a:1")], suffixes=["amd64=_x"]))


class TestSchemas(unittest.TestCase):
    @staticmethod
    def keys(options):
        return sorted(name.replace("_", "-") for name in options)

    @staticmethod
    def schema(name, *definition):
        with open(os.path.join(places.ROOT, "docs", "schema", name + ".json"), "rb") as file:
            schema = json.loads(file.read().decode("utf-8"))
        for word in definition:
            schema = schema["$defs"][word]
        return sorted(schema["properties"])

    def test_the_options_of_a_promotion_are_the_keys_of_its_file(self):
        images = csync.PROMOTION["images"]["options"]
        self.assertEqual(self.schema("promotion"), self.keys(csync.PROMOTION))
        self.assertEqual(self.schema("promotion", "images"), self.keys(images))
        self.assertEqual(self.schema("promotion", "tripleo"), self.keys(images["tripleo"]["options"]))
        self.assertEqual(self.schema("promotion", "zuul"), self.keys(images["zuul"]["options"]))
        self.assertEqual(self.schema("promotion", "source"), self.keys(csync.SOURCE))
        self.assertEqual(sorted(self.schema("promotion", "destination") + ["token"]), self.keys(csync.DESTINATION))
        self.assertEqual(self.schema("promotion", "csync"), self.keys(csync.SOURCE["csync"]["options"]))
        self.assertEqual(self.schema("promotion", "credentials"), self.keys(csync.SOURCE["credentials"]["options"]))

    def test_the_options_of_a_registry_are_the_keys_of_its_file(self):
        self.assertEqual(sorted(self.schema("source", "registry") + ["registry"]), self.keys(csync.REGISTRY))
        self.assertEqual(self.schema("source", "csync"), self.keys(csync.REGISTRY["csync"]["options"]))


class TestMistakes(unittest.TestCase):
    def refused(self, *words, **given):
        try:
            params = task(**given)
            csync.check(params)
            csync.document(params)
        except csync.Mistake as mistake:
            for word in words:
                self.assertIn(word, str(mistake))
        else:
            self.fail("not refused: %r" % (given,))

    def test_a_verb_without_a_document_is_refused(self):
        self.refused("sync needs registries or source_file or source", "given: none", destinations=["oci:/d"])
        self.refused("promote needs promotion or promotion_file", verb="promote")
        self.refused("inspect needs images", verb="inspect")
        self.refused("registries is empty", registries=[])

    def test_two_documents_are_refused(self):
        self.refused("just one", "registries, source_file", registries=REGISTRIES, source_file="/f")

    def test_what_belongs_to_another_verb_is_refused(self):
        self.refused("promotion does not go with the verb sync", promotion=PROMOTION)
        self.refused("hash does not go with the verb sync", registries=REGISTRIES, hash="x")
        self.refused("resume does not go with the verb verify", verb="verify", promotion=PROMOTION, resume=True)
        self.refused("journal does not go with the verb sync", registries=REGISTRIES, journal="/j")
        self.refused("jobs does not go with the verb inspect", verb="inspect", images=[dict(source="a")], jobs=1)
        self.refused("images[0]: tags does not go with the verb merge", verb="merge", images=[dict(source="a", tags=["x"])])
        self.refused("destinations does not go with promotion", verb="verify", promotion=PROMOTION, destinations=["oci:/d"])
        self.refused("platforms does not go with source_file, but with registries and promotion", source_file="/f", platforms=["amd64"])

    def test_images_need_what_their_verb_is_about(self):
        self.refused("images[1]: the verb retag needs source and tags", verb="retag", images=[dict(source="a", tags=["x"]), dict(source="b")])
        self.refused("images[0]: the verb assemble needs destination and sources", verb="assemble", images=[dict(destination="a")])
        self.refused("images[0]: the verb inspect needs source", verb="inspect", images=[dict()])

    def test_a_word_that_would_be_two_is_refused(self):
        for word in ("a b", "", "#a", "a\nb"):
            self.refused("no reference", verb="retag", images=[dict(source="h.example/a:1", tags=[word])])

    def test_numbers_where_tags_are_meant_are_refused(self):
        self.refused("registries[0].images.team/app[1]: 1.2 is not text", registries=[dict(registry=HOST, images={"team/app": ["1", 1.2]})])
        self.refused("registries[0].images_by_semver.a: 7 is not text", registries=[dict(registry=HOST, images_by_semver={"a": 7})])
        self.refused("repositories.a.tags.1[0]: true", registries=[dict(registry=HOST, csync=dict(repositories={"a": {"tags": {"1": [True]}}}))])
        self.refused("promotion.hash: 12 is not text", verb="promote", promotion=dict(PROMOTION, hash=12))

    def test_a_registry_that_is_there_twice_is_refused(self):
        self.refused("registries[1]: registry.example.com is there twice", registries=REGISTRIES * 2)

    def test_renames_of_another_form_are_refused(self):
        for rename in ("x", [dict(regex="x")], [dict(regex="x", name=1)]):
            self.refused("rename", verb="promote", promotion=dict(PROMOTION, destinations=[dict(registry="m.example", rename=rename)]))

    def test_flags_with_secrets_are_refused(self):
        for flag in ("--src-creds=u:s3cret", "--dest-password=s3cret", "--creds=u:s3cret", "--password", "--dest-registry-token=s3cret",
                     "--src-registry-token", "--screds=u:s3cret"):
            self.refused("would show a secret", registries=REGISTRIES, extra_args=[flag])

    def test_flags_of_the_module_are_refused(self):
        for flag in ("--output=text", "-o", "--dry-run", "--dry-run=false", "--confirm", "--src-yaml=/f", "-"):
            self.refused("the module says it itself", registries=REGISTRIES, extra_args=[flag])


if __name__ == "__main__":
    unittest.main()
