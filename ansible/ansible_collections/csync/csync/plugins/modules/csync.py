#!/usr/bin/python
# -*- coding: utf-8 -*-

# Copyright: The csync authors
# SPDX-License-Identifier: Apache-2.0

"""The command csync as a task: a document goes in, a report comes out."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: csync
short_description: Bring container images to where they must be
description: Runs the program csync with a document on its standard input, and returns its report.
"""

EXAMPLES = r"""
- csync.csync.csync:
    source_file: /etc/csync/images.yaml
    destinations: ["docker://mirror.example.net/copies"]
"""

RETURN = r"""
report:
  description: What csync did.
  returned: always
  type: dict
"""

import base64
import json
import os
import platform
import struct
import sys
import tempfile
from collections import OrderedDict

from ansible.module_utils.basic import AnsibleModule

SCHEMA = "csync.report/1"

TEXT = (str, type(u""))

# What ELF calls the machines whose programs run where uname says this.
MACHINES = {
    "x86_64": (62, 3), "amd64": (62, 3), "i686": (3,), "i386": (3,), "aarch64": (183, 40), "arm64": (183, 40),
    "armv7l": (40,), "ppc64le": (21,), "ppc64": (21,), "s390x": (22,), "riscv64": (243,),
}
PROGRAMS = {62: "x86_64", 3: "i386", 183: "aarch64", 40: "arm", 21: "ppc64", 22: "s390x", 243: "riscv64"}

# The verbs, by what they take.
SYNCING = ("sync", "plan", "verify")
ACTIONS = ("retag", "assemble", "merge")
RUNNING = SYNCING + ("promote", "prune") + ACTIONS
LOOKING = ("plan", "verify", "inspect")

# What says what is wanted, and to which verbs; each run takes one of them.
DOCUMENTS = (
    ("registries", SYNCING + ("prune",)),
    ("source_file", SYNCING + ("prune",)),
    ("source", SYNCING),
    ("promotion", ("promote", "verify", "prune")),
    ("promotion_file", ("promote", "verify", "prune")),
    ("images", ACTIONS + ("prune", "inspect")),
    ("images_file", ACTIONS),
)

# The other options, their flags, and the verbs that have them.
FLAGS = (
    ("destinations", "--dest", SYNCING + ("prune",)),
    ("destination_path", "--dest-path", SYNCING + ("prune",)),
    ("hash", "--hash", ("promote", "verify", "prune")),
    ("label", "--label", ("promote", "verify")),
    ("allow_partial", "--allow-partial", ("promote",)),
    ("allow_missing_platforms", "--allow-missing-platforms", SYNCING),
    ("require_images", "--require-images", SYNCING),
    ("deep", "--deep", SYNCING),
    ("resume", "--resume", ("promote",)),
    ("rollback", "--rollback", ("promote",)),
    ("guard", "--guard", ("retag",)),
    ("suffixes", "--suffixes", ("assemble",)),
    ("optional", "--optional", ("assemble",)),
    ("format", "--format", ("assemble",)),
    ("keep_tag", "--keep-tag", ("merge",)),
    ("unlabelled", "--unlabelled", ("prune",)),
    ("all_tags", "--all-tags", ("prune",)),
    ("remove_last", "--remove-last", ("prune",)),
    ("max_delete", "--max-delete", ("prune",)),
    ("tag_policy", "--tag-policy", SYNCING + ("promote",) + ACTIONS),
    ("fail_fast", "--fail-fast", SYNCING + ("promote",) + ACTIONS),
    ("source_tls_verify", "--src-tls-verify", RUNNING),
    ("source_cert_dir", "--src-cert-dir", RUNNING),
    ("destination_tls_verify", "--dest-tls-verify", RUNNING),
    ("destination_cert_dir", "--dest-cert-dir", RUNNING),
    ("tls_verify", "--tls-verify", ("inspect",)),
    ("cert_dir", "--cert-dir", ("inspect",)),
    ("jobs", "--jobs", RUNNING),
    ("retry_times", "--retry-times", RUNNING),
    ("timeout", "--command-timeout", RUNNING + ("inspect",)),
    ("log_level", "--log-level", RUNNING + ("inspect",)),
)

# Flags that would show a secret to everybody, and those that are this module's.
SECRET_FLAGS = ("creds", "password", "registry-token", "screds", "dcreds")
OWN_FLAGS = ("--output", "-o", "--dry-run", "--confirm", "--src-yaml", "--file", "--report", "--journal", "--authfile")


class Mistake(Exception):
    """What the task asks for cannot be; nothing was run."""


def access(**more):
    """The options of one registry, as all documents have them."""
    return dict(dict(
        registry=dict(type="str", required=True),
        credentials=dict(type="dict", options=dict(
            username=dict(type="str"),
            password=dict(type="str", no_log=True),
            identitytoken=dict(type="str", no_log=True),
        )),
        tls_verify=dict(type="bool", aliases=["tls-verify"]),
        cert_dir=dict(type="path", aliases=["cert-dir"]),
    ), **more)


def own(**more):
    """The options under the key csync of one registry."""
    return dict(type="dict", options=dict(dict(
        username_env=dict(type="str", aliases=["username-env"]),
        password_env=dict(type="str", aliases=["password-env"], no_log=False),
        password_file=dict(type="path", aliases=["password-file"], no_log=False),
    ), **more))


REGISTRY = access(
    images=dict(type="dict"),
    images_by_tag_regex=dict(type="dict", aliases=["images-by-tag-regex"]),
    images_by_semver=dict(type="dict", aliases=["images-by-semver"]),
    csync=own(
        platforms=dict(type="list", elements="str"),
        prune=dict(type="bool"),
        repositories=dict(type="dict"),
    ),
)

SOURCE = access(
    namespace=dict(type="str"),
    label=dict(type="bool"),
    csync=own(),
)

DESTINATION = dict(
    SOURCE,
    create_repositories=dict(type="str", choices=["public", "private"], aliases=["create-repositories"]),
    token=dict(type="str", no_log=True),
    token_file=dict(type="path", aliases=["token-file"], no_log=False),
    token_env=dict(type="str", aliases=["token-env"], no_log=False),
    rename=dict(type="raw"),
)

PROMOTION = dict(
    source=dict(type="dict", required=True, options=SOURCE),
    destinations=dict(type="list", elements="dict", required=True, options=DESTINATION),
    images=dict(type="dict", options=dict(
        prefix=dict(type="str"),
        names=dict(type="list", elements="str"),
        exclude=dict(type="list", elements="str"),
        lacking=dict(type="dict"),
        file=dict(type="str"),
        tripleo=dict(type="dict", options=dict(
            url=dict(type="str"),
            versions=dict(type="str"),
            base_url=dict(type="str", aliases=["base-url"]),
            path=dict(type="str"),
            release=dict(type="str"),
            distro=dict(type="str"),
            image_source=dict(type="list", elements="str", aliases=["image-source"]),
            exclude_file=dict(type="str", aliases=["exclude-file"]),
        )),
        zuul=dict(type="dict", options=dict(
            api=dict(type="str", required=True),
            job=dict(type="str", required=True),
        )),
    )),
    hash=dict(type="raw"),
    label=dict(type="str"),
    rollback_label=dict(type="str", aliases=["rollback-label"]),
    platforms=dict(type="raw"),
    optional=dict(type="list", elements="str"),
    index=dict(type="str", choices=["copy", "assemble", "merge"]),
    index_tag=dict(type="str", aliases=["index-tag"]),
    format=dict(type="str", choices=["oci", "docker"]),
    label_names=dict(type="str", choices=["image", "index"], aliases=["label-names"]),
    tag_policy=dict(type="raw", aliases=["tag-policy"]),
    gate=dict(type="raw"),
    keep=dict(type="str", choices=["never", "on-failure", "always"]),
    keep_directory=dict(type="path", aliases=["keep-directory"]),
)

SPEC = dict(
    verb=dict(type="str", default="sync", choices=[
        "sync", "plan", "verify", "promote", "retag", "assemble", "merge", "prune", "inspect",
    ]),
    registries=dict(type="list", elements="dict", options=REGISTRY),
    promotion=dict(type="dict", options=PROMOTION),
    source_file=dict(type="path"),
    promotion_file=dict(type="path"),
    images_file=dict(type="path"),
    source=dict(type="str"),
    images=dict(type="list", elements="dict", options=dict(
        source=dict(type="str"),
        sources=dict(type="list", elements="str"),
        tags=dict(type="list", elements="str"),
        destination=dict(type="str"),
        destinations=dict(type="list", elements="str"),
    )),
    destinations=dict(type="list", elements="str"),
    destination_path=dict(type="str", choices=["name", "path", "full", "flat", "nested"]),
    platforms=dict(type="list", elements="str"),
    hash=dict(type="str"),
    label=dict(type="str"),
    tag_policy=dict(type="str"),
    allow_partial=dict(type="bool", default=False),
    allow_missing_platforms=dict(type="bool", default=False),
    require_images=dict(type="bool", default=False),
    deep=dict(type="bool", default=False),
    fail_fast=dict(type="bool", default=False),
    journal=dict(type="path"),
    resume=dict(type="bool", default=False),
    rollback=dict(type="bool", default=False),
    guard=dict(type="bool", default=False),
    suffixes=dict(type="list", elements="str"),
    optional=dict(type="list", elements="str"),
    format=dict(type="str", choices=["oci", "docker"]),
    keep_tag=dict(type="str"),
    unlabelled=dict(type="bool", default=False),
    all_tags=dict(type="bool", default=False),
    remove_last=dict(type="bool", default=False),
    max_delete=dict(type="str"),
    logins=dict(type="list", elements="dict", options=dict(
        registry=dict(type="str", required=True),
        username=dict(type="str", required=True),
        password=dict(type="str", required=True, no_log=True),
    )),
    authfile=dict(type="path"),
    env=dict(type="dict", no_log=True),
    source_tls_verify=dict(type="bool"),
    source_cert_dir=dict(type="path"),
    destination_tls_verify=dict(type="bool"),
    destination_cert_dir=dict(type="path"),
    tls_verify=dict(type="bool"),
    cert_dir=dict(type="path"),
    jobs=dict(type="int"),
    retry_times=dict(type="int"),
    timeout=dict(type="str"),
    report=dict(type="list", elements="path"),
    log=dict(type="path"),
    log_level=dict(type="str", choices=["error", "warn", "info", "debug", "trace"]),
    binary=dict(type="path", default="csync"),
    chdir=dict(type="path"),
    extra_args=dict(type="list", elements="str"),
)


def check(params):
    """Refuse what the verb does not take, before anything is run."""
    verb = params["verb"]
    wanted = [name for name, verbs in DOCUMENTS if verb in verbs]
    found = [name for name, verbs in DOCUMENTS if params.get(name) is not None]
    for name in found:
        if name not in wanted:
            raise Mistake("%s does not go with the verb %s, which takes %s" % (name, verb, " or ".join(wanted)))
    if len(found) != 1:
        raise Mistake("the verb %s needs %s, and just one; given: %s" % (verb, " or ".join(wanted), ", ".join(found) or "none"))
    if not params[found[0]]:
        raise Mistake("%s is empty" % found[0])
    for name, flag, verbs in FLAGS:
        if is_given(params, name) and verb not in verbs:
            raise Mistake("%s does not go with the verb %s" % (name, verb))
    for name, verbs in (("journal", ("promote",)), ("report", RUNNING)):
        if params.get(name) and verb not in verbs:
            raise Mistake("%s does not go with the verb %s" % (name, verb))
    if params.get("platforms") and found[0] not in ("registries", "promotion"):
        raise Mistake("platforms goes with registries and promotion, and %s was given" % found[0])
    for word in params.get("extra_args") or []:
        flag = word.split("=", 1)[0]
        if flag in OWN_FLAGS or word == "-":
            raise Mistake("extra_args: %s is not for extra_args, as the module says it itself" % flag)
        if flag.startswith("-") and flag.split("-", 3)[-1] in SECRET_FLAGS or flag.lstrip("-") in SECRET_FLAGS:
            raise Mistake("extra_args: %s would show a secret to everybody; use logins, authfile or env" % flag)


def is_given(params, name):
    """Whether a task says something about an option."""
    value = params.get(name)
    return value is not None and value != [] and value != SPEC[name].get("default")


def command(binary, params, check_mode):
    """The command line of a task. Everybody can read it, so it has no secrets."""
    verb = params["verb"]
    argv = [binary, verb, "--output=json"]
    if check_mode and verb not in LOOKING + ("prune",):
        argv.append("--dry-run")
    if not check_mode and verb == "prune":
        argv.append("--confirm")
    for name, flag, dummy in FLAGS:
        if is_given(params, name):
            argv += [worded(flag, value) for value in listed(params[name])]
    for name, flag in (("authfile", "--authfile"), ("journal", "--journal"), ("source", "--src"), ("source_file", "--src-yaml"), ("images_file", "--file")):
        if params.get(name):
            argv.append("%s=%s" % (flag, params[name]))
    if not check_mode:
        argv += ["--report=" + path for path in params.get("report") or []]
    if params.get("registries"):
        argv.append("--src-yaml=-")
    elif params.get("images") and verb in ACTIONS:
        argv.append("--file=-")
    return argv + (params.get("extra_args") or []) + arguments(params)


def arguments(params):
    """What stands behind the flags."""
    if params.get("promotion"):
        return ["-"]
    if params.get("promotion_file"):
        return ["--", params["promotion_file"]]
    if params.get("images") and params["verb"] not in ACTIONS:
        return ["--"] + [word for words in lines(params) for word in words]
    return []


def listed(value):
    return value if isinstance(value, list) else [value]


def worded(flag, value):
    if value is True:
        return flag
    return "%s=%s" % (flag, "false" if value is False else value)


def lines(params):
    """The arguments of each image."""
    first, more = {
        "retag": ("source", "tags"), "merge": ("source", "destinations"), "assemble": ("destination", "sources"),
    }.get(params["verb"], ("source", None))
    result = []
    for i, image in enumerate(params["images"]):
        where = "images[%d]" % i
        for name in SPEC["images"]["options"]:
            if image.get(name) and name not in (first, more):
                raise Mistake("%s: %s does not go with the verb %s" % (where, name, params["verb"]))
        if not image.get(first) or more and not image.get(more) and not (more == "sources" and params.get("suffixes")):
            raise Mistake("%s: the verb %s needs %s" % (where, params["verb"], first + " and " + more if more else first))
        words = [image[first]] + (image.get(more) or [] if more else [])
        for word in words:
            if not word or len(word.split()) != 1 or word.startswith("#"):
                raise Mistake("%s: %r is no reference and no tag" % (where, str(word)))
        result.append(words)
    return result


def document(params):
    """What goes to standard input, or None, and the variables with its secrets."""
    if params.get("registries"):
        return json.dumps(source_document(params)), {}
    if params.get("promotion"):
        promotion, secrets = promotion_document(params)
        return json.dumps(promotion), secrets
    if params.get("images") and params["verb"] in ACTIONS:
        return "".join(" ".join(words) + "\n" for words in lines(params)), {}
    if params.get("images"):
        lines(params)  # which are arguments
    return None, {}


def written(value, options):
    """What was given, in the words of a file and without what was left out."""
    if isinstance(value, list):
        return [written(one, options) for one in value]
    result = OrderedDict()
    for name in sorted(options):
        if value.get(name) is not None:
            inner = options[name].get("options")
            result[name.replace("_", "-")] = written(value[name], inner) if inner else value[name]
    return result


def source_document(params):
    """The source file that registries stand for."""
    result = OrderedDict()
    for i, registry in enumerate(params["registries"]):
        where = "registries[%d]" % i
        for name in ("images", "images_by_tag_regex", "images_by_semver"):
            only_text(registry.get(name), "%s.%s" % (where, name))
        entry = written(registry, REGISTRY)
        host = entry.pop("registry")
        if host in result:
            raise Mistake("%s: %s is there twice" % (where, host))
        own_keys = entry.setdefault("csync", OrderedDict())
        for name, settings in (own_keys.get("repositories") or {}).items():
            if isinstance(settings, dict):
                for key in ("tags", "exclude", "platforms", "destination"):
                    only_text(settings.get(key), "%s.csync.repositories.%s.%s" % (where, name, key))
        if params.get("platforms"):
            own_keys.setdefault("platforms", params["platforms"])
        result[host] = entry
    return result


def only_text(value, where):
    """Refuse numbers where tags are meant: of 1.20, YAML has left 1.2."""
    if isinstance(value, dict):
        for key in value:
            only_text(value[key], "%s.%s" % (where, key))
    elif isinstance(value, list):
        for i, one in enumerate(value):
            only_text(one, "%s[%d]" % (where, i))
    elif value is not None and not isinstance(value, TEXT):
        raise Mistake("%s: %s is not text; put quotes around it in the playbook" % (where, json.dumps(value)))


def promotion_document(params):
    """The promotion file that promotion stands for, and the tokens in it."""
    given, secrets = params["promotion"], {}
    for name in ("hash", "platforms", "tag_policy", "gate"):
        only_text(given.get(name), "promotion." + name)
    result = written(given, PROMOTION)
    for i, destination in enumerate(result["destinations"]):
        token = destination.pop("token", None)
        if token is not None:
            variable = "CSYNC_MODULE_TOKEN_%d" % i
            secrets[variable] = token
            destination["token-env"] = variable
        if "rename" in destination:
            destination["rename"] = renames(destination["rename"], "promotion.destinations[%d].rename" % i)
    if params.get("platforms"):
        result.setdefault("platforms", params["platforms"])
    if isinstance(result.get("platforms"), dict):
        result["platforms"] = in_order(result["platforms"])
    return result, secrets


def in_order(mapping):
    """A mapping as it was written. Python 2 has forgotten that, and sorts it."""
    keys = sorted(mapping) if sys.version_info[0] == 2 else mapping
    return OrderedDict((key, mapping[key]) for key in keys)


def renames(value, where):
    """Renames in their order, which decides: a list has it with every Python."""
    if isinstance(value, dict):
        only_text(value, where)
        if len(value) > 1 and sys.version_info[0] == 2:
            raise Mistake("%s: Python 2 forgets the order of a mapping; write a list of {regex: …, name: …}" % where)
        return in_order(value)
    result = OrderedDict()
    for one in listed(value):
        if not isinstance(one, dict) or sorted(one) != ["name", "regex"]:
            raise Mistake("%s: want a list of {regex: …, name: …}" % where)
        only_text(one, where)
        result[one["regex"]] = one["name"]
    return result


def outcome(verb, rc, stdout, stderr):
    """The result of a task, from how csync ended and what it wrote."""
    if rc not in (0, 3, 130) or verb == "inspect" and rc == 130:
        return dict(failed=True, changed=False, msg=complaint(stderr) or "csync ended with %d and said nothing" % rc)
    try:
        found = json.loads(stdout)
    except ValueError:
        return dict(failed=True, changed=rc != 0, msg="what csync wrote is not JSON: %d characters" % len(stdout))
    if verb == "inspect":
        return inspected(rc, found, stderr)
    schema = found.get("schema") if isinstance(found, dict) else None
    if schema != SCHEMA:
        return dict(failed=True, changed=True, msg="what csync wrote is not a report that this module reads: its schema is %s, not %s" % (json.dumps(schema), SCHEMA))
    result = dict(changed=bool(found["changed"]) and verb != "verify", report=found, diff=difference(found), msg=summary(found))
    failures = [one for one in found["results"] if one["status"] in ("failed", "rolled-back")]
    if rc != 0 or failures:
        result.update(failed=True, msg=failure(rc, found, failures) or complaint(stderr) or result["msg"])
    return result


def inspected(rc, found, stderr):
    """The result of inspect, which has no report."""
    result = dict(changed=False, images=listed(found), msg="%d in all" % len(listed(found)))
    if rc != 0:
        result.update(failed=True, msg=complaint(stderr))
    return result


def complaint(stderr):
    """What csync said last, to people."""
    said = [line for line in stderr.splitlines() if line.strip()]
    starts = [i for i, line in enumerate(said) if line.startswith("csync: ")]
    return "\n".join(said[starts[-1]:] if starts else said[-5:])


def failure(rc, report, failures):
    """What went wrong, of many things the first."""
    errors = [one for one in failures if one.get("error")]
    if not errors:
        return "interrupted" if rc == 130 else ""
    return "%d of %d failed%s, the first: %s: %s" % (
        len(failures), report["summary"]["total"], " when the run was interrupted" if rc == 130 else "",
        errors[0]["error"]["kind"], errors[0]["error"]["message"])


def summary(report):
    """The counts that are not 0, in the words of the report."""
    names = ("copied", "retagged", "assembled", "merged", "deleted", "unchanged", "planned", "skipped", "failed", "rolled_back")
    counts = ["%d %s" % (report["summary"][name], name.replace("_", " ")) for name in names if report["summary"].get(name)]
    return "%s%d in all%s" % ("dry run, " if report["dry_run"] else "", report["summary"]["total"], ": " + ", ".join(counts) if counts else "")


def difference(report):
    """What tags named before and name now, or would name."""
    before, after = [], []
    for one in report["results"]:
        if one["status"] not in ("done", "planned"):
            continue
        previous, now = one.get("previous_digest"), one.get("digest")
        if one["action"] == "delete":
            previous, now = previous or now, None
        for lines_of, digest in ((before, previous), (after, now)):
            if digest:
                lines_of.append("%s %s\n" % (one["destination"], digest))
    return dict(before="".join(before), after="".join(after), before_header="tags", after_header="tags")


def foreign(head, machine):
    """Why a program that begins with head cannot run on a machine, or nothing."""
    if head.startswith(b"#!"):
        return ""
    if not head.startswith(b"\x7fELF") or len(head) < 20:
        return "is not a program"
    little = head[5:6] == b"\x01"
    kind = struct.unpack("<H" if little else ">H", head[18:20])[0]
    if kind in MACHINES.get(machine, (kind,)) and (machine != "ppc64le" or little):
        return ""
    return "is for %s, and this is %s" % (PROGRAMS.get(kind, "another machine"), machine)


class Run(object):
    """One run of csync on this node."""

    def __init__(self, module):
        self.module = module
        self.params = dict(module.params)
        self.secrets = {}

    def go(self):
        """Do what the task says, and end the module."""
        try:
            check(self.params)
            text, self.secrets = document(self.params)
        except Mistake as mistake:
            self.module.fail_json(msg="%s" % mistake)
        binary = self.find()
        self.params["journal"] = self.journal()
        login = self.login()
        if login is not None:
            self.params["authfile"] = "/proc/%d/fd/%d" % (os.getpid(), login.fileno())
        argv = command(binary, self.params, self.module.check_mode)
        rc, stdout, stderr = self.execute(argv, text)
        result = outcome(self.params["verb"], rc, stdout, stderr)
        result.update(rc=rc, cmd=argv)
        if self.module._verbosity >= 2 or result.get("failed"):
            result["log"] = stderr.splitlines()
        if not self.module._diff:
            result.pop("diff", None)
        if result.get("failed") and "report" not in result:
            result["msg"] += self.version(binary)
        if result.pop("failed", False):
            self.module.fail_json(**result)
        self.module.exit_json(**result)

    def find(self):
        """The program, if it is one that can run here."""
        name = self.params["binary"]
        binary = self.module.get_bin_path(name, opt_dirs=["/usr/local/bin"])
        if binary is None and self.module.check_mode:
            self.module.exit_json(
                changed=self.params["verb"] not in LOOKING, report={},
                msg="csync is not on this node yet (%s), so nobody knows what would change" % name)
        if binary is None:
            self.module.fail_json(msg="csync is not on this node: there is no program %s%s" % (name, "" if "/" in name else " in PATH or /usr/local/bin"))
        with open(binary, "rb") as program:
            wrong = foreign(program.read(20), platform.machine())
        if wrong:
            self.module.fail_json(msg="%s %s" % (binary, wrong))
        return binary

    def journal(self):
        """The journal of a promotion: what is on standard input has no name of its own."""
        if self.params["verb"] != "promote" or self.params["journal"]:
            return self.params["journal"]
        if self.params["report"]:
            return self.params["report"][0] + ".journal"
        promotion = self.params["promotion"]
        if not promotion:
            return None
        words = [promotion["source"]["registry"], promotion["source"].get("namespace"), self.params["label"] or promotion.get("label")]
        state = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
        return os.path.join(state, "csync", "_".join(word for word in words if word).replace("/", "_").replace(":", "_") + ".journal")

    def login(self):
        """The credentials as a file that has no name, in memory."""
        if not self.params["logins"]:
            return None
        auths = {}
        for login in self.params["logins"]:
            pair = "%s:%s" % (login["username"], login["password"])
            auths[login["registry"]] = dict(auth=base64.b64encode(pair.encode("utf-8")).decode("ascii"))
        file = tempfile.TemporaryFile(dir="/dev/shm" if os.path.isdir("/dev/shm") else None)
        file.write(json.dumps(dict(auths=auths)).encode("utf-8"))
        file.flush()
        return file

    def execute(self, argv, text):
        """Run csync. With a log, that is where what it says goes while it runs."""
        environment = dict((str(name), "%s" % value) for name, value in (self.params["env"] or {}).items())
        environment.update(self.secrets)
        log, begin = self.params["log"], 0
        if log and not self.module.check_mode:
            with open(log, "a") as file:
                begin = file.tell()
            environment["CSYNC_MODULE_LOG"] = log
            argv = ["/bin/sh", "-c", 'exec "$0" "$@" 2>>"$CSYNC_MODULE_LOG"'] + argv
        rc, stdout, stderr = self.module.run_command(argv, data=text, cwd=self.params["chdir"], environ_update=environment)
        if log and not self.module.check_mode:
            with open(log, "rb") as file:
                file.seek(begin)
                stderr = file.read().decode("utf-8", "replace")
        return rc, stdout, stderr

    def version(self, binary):
        """What a complaint says of the program: it may be too old."""
        rc, stdout, dummy = self.module.run_command([binary, "--version"])
        if rc != 0 or not stdout.startswith("csync "):
            return " (%s does not say its version, so it may not be csync)" % binary
        return " (%s is %s)" % (binary, stdout.strip())


def main():
    module = AnsibleModule(
        argument_spec=SPEC,
        mutually_exclusive=[("authfile", "logins")],
        supports_check_mode=True,
    )
    Run(module).go()


if __name__ == "__main__":
    main()
