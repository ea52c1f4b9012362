#!/usr/bin/python
# -*- coding: utf-8 -*-

# Copyright: The csync authors
# SPDX-License-Identifier: Apache-2.0

"""The command csync as a task: a document goes in, a report comes out."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
---
module: csync
short_description: Bring container images to where they must be
version_added: 1.0.0
author:
  - The csync authors (!UNKNOWN)
description:
  - Runs the program csync on the node, once. What is wanted goes to its standard input, what it did comes back as its report.
  - The task fails where any image does, and has the report all the same, so that C(failed_when) may look at RV(report.results).
  - Images are compared by digest. What is in place already is left alone, and the task is not changed.
  - Options within O(registries) and O(promotion) are the keys of csync's source file and promotion file, with underscores for hyphens.
requirements:
  - The program csync on the node, a static binary that needs nothing else.
  - Python 2.7, or 3.6 or newer, on the node.
attributes:
  check_mode:
    support: full
    description:
      - Nothing is written anywhere, and the report says what would be. Neither O(report) nor O(log) is written.
      - Where csync is not on the node yet, the task says so, is changed, and RV(report) is empty.
  diff_mode:
    support: full
    description: The tags that moved, or would move, each with the digest that it named before and names now.
  platform:
    support: full
    description: Linux, on any machine that csync is built for.
    platforms: linux
options:
  verb:
    description:
      - What csync is to do.
      - V(sync) brings O(destinations) to what O(registries), O(source_file) or O(source) say, V(plan) says what V(sync) would do.
      - V(promote) brings a release everywhere, checks it, then moves its label, or nothing.
      - V(verify) checks that everything is at every destination, and complete.
      - V(retag) gives images further tags, V(assemble) makes indexes of images for one platform each, V(merge) copies images and keeps
        the platforms that only the destination has.
      - V(prune) deletes what is wanted no more.
      - V(inspect) returns what RV(images) are made of.
      - V(plan), V(verify) and V(inspect) only read. V(plan) is changed where V(sync) would be, the others never are.
    type: str
    choices: [sync, plan, verify, promote, retag, assemble, merge, prune, inspect]
    default: sync
  registries:
    description:
      - The source file, as a list. For V(sync), V(plan), V(verify) and V(prune).
      - Tags have quotes around them, as YAML reads C(1.20) as C(1.2).
    type: list
    elements: dict
    suboptions:
      registry:
        description: HOST or HOST:PORT, with a namespace behind it or without.
        type: str
        required: true
      images:
        description: Lists of tags and digests, by repository. An empty list is every tag.
        type: dict
      images_by_tag_regex:
        description: Regexes (RE2, not anchored) of tags, by repository.
        type: dict
      images_by_semver:
        description: Constraints on versions, by repository.
        type: dict
      credentials: &credentials
        description:
          - Who asks the registry. They go to csync on standard input.
          - See O(env), O(authfile) and O(logins) for other ways.
        type: dict
        suboptions:
          username:
            description: The user.
            type: str
          password:
            description: The password.
            type: str
          identitytoken:
            description: An OAuth2 refresh token instead of a password.
            type: str
      tls_verify: &tls_verify
        description: V(false) takes any certificate, and HTTP where there is no HTTPS. Without it, registries.conf decides.
        type: bool
      cert_dir: &cert_dir
        description: Directory on the node with C(*.crt), C(*.cert) and C(*.key) for the registry.
        type: path
      csync:
        description: What skopeo's source files have no key for.
        type: dict
        suboptions:
          platforms:
            description: Of every repository of the registry, the only platforms that are wanted of an index.
            type: list
            elements: str
          prune:
            description: Remove from the destinations what the source has lost.
            type: bool
          repositories:
            description: Settings of repositories, by name or glob, in the words of the source file.
            type: dict
          username_env: &username_env
            description: The variable of the environment that holds the user name. O(env) sets it.
            type: str
          password_env: &password_env
            description: The variable of the environment that holds the password. O(env) sets it.
            type: str
          password_file: &password_file
            description: The file on the node that holds the password.
            type: path
  promotion:
    description: The promotion file. For V(promote), V(verify) and V(prune).
    type: dict
    suboptions:
      source:
        description: Where the images are.
        type: dict
        required: true
        suboptions:
          registry: &side
            description: HOST or HOST:PORT. This or a place.
            type: str
          place: &place
            description: An OCI layout on the node instead of a registry, C(oci:PATH).
            type: str
          namespace:
            description: What stands before the name of an image.
            type: str
          label: &moves
            description: Whether the label moves here, too. csync moves it if nothing is said.
            type: bool
          credentials: *credentials
          tls_verify: *tls_verify
          cert_dir: *cert_dir
          csync: &environment
            description: Where user name and password are.
            type: dict
            suboptions:
              username_env: *username_env
              password_env: *password_env
              password_file: *password_file
      destinations:
        description: Where the images go.
        type: list
        elements: dict
        required: true
        suboptions:
          registry: *side
          place: *place
          namespace:
            description: What stands before the name of an image. The source's, if nothing is said.
            type: str
          label: *moves
          credentials: *credentials
          tls_verify: *tls_verify
          cert_dir: *cert_dir
          csync: *environment
          create_repositories:
            description: How repositories that are not there are created, by Quay's API. Nobody does, if nothing is said.
            type: str
            choices: [public, private]
          token:
            description: The token of that API. It goes to csync in the environment.
            type: str
          token_file:
            description: The file on the node that holds the token.
            type: path
          token_env:
            description: The variable of the environment that holds the token. O(env) sets it.
            type: str
          rename:
            description:
              - Other names of images. Of the regexes the first that matches counts, and what it matches is replaced.
              - A mapping from regex to name, or a list of mappings with C(regex) and C(name). With Python 2 on the node a
                mapping has lost its order, so more than one is a list there.
            type: raw
      images:
        description: Which images, the union of all that its keys give.
        type: dict
        suboptions:
          prefix:
            description: Put before every name.
            type: str
          names:
            description: These.
            type: list
            elements: str
          exclude:
            description: Not these, whoever names them.
            type: list
            elements: str
          lacking:
            description: Lists of the names that a platform does not have, by platform.
            type: dict
          file:
            description: Path on the node, or URL, of a text file with a name a line.
            type: str
          tripleo:
            description: A containers file of tripleo.
            type: dict
            suboptions:
              url:
                description: Path or URL of the containers file itself.
                type: str
              versions:
                description: Path or URL of the C(versions.csv) that names the commit of tripleo-common.
                type: str
              base_url:
                description: Where commits of tripleo-common are.
                type: str
              path:
                description: Of the containers file in tripleo-common.
                type: str
              release:
                description: The release, which decides on prefix and sources.
                type: str
              distro:
                description: The distribution, of the exclusions.
                type: str
              image_source:
                description: Only entries with one of these.
                type: list
                elements: str
              exclude_file:
                description: Path or URL of the exclusions.
                type: str
          zuul:
            description: The latest successful build of a job.
            type: dict
            suboptions:
              api:
                description: URL of a tenant of Zuul.
                type: str
                required: true
              job:
                description: The job that builds the images.
                type: str
                required: true
      hash:
        description: What the images are tagged with. Or a mapping with C(dlrn), a mapping with C(url) and C(promote-name).
        type: raw
      label:
        description: The tag that moves onto the images.
        type: str
      rollback_label:
        description: The tag that gets what the label named before. C({label}) stands for the label.
        type: str
      platforms:
        description:
          - The platforms that every index must have, as a list.
          - Or the suffixes of the tags for each platform, as a mapping. It decides on the order in an index. With Python 2 on the
            node, that is the alphabet's.
        type: raw
      optional:
        description: Platforms that an image may lack.
        type: list
        elements: str
      index:
        description: Where indexes come from.
        type: str
        choices: [copy, assemble, merge]
      index_tag:
        description: The tag of the index. C({hash}) stands for the hash.
        type: str
      format:
        description: Of assembled indexes. That of the images, if nothing is said.
        type: str
        choices: [oci, docker]
      label_names:
        description: What the label names where the index has a tag of its own.
        type: str
        choices: [image, index]
      tag_policy:
        description: Which of the tags that exist may move, V(allow), V(deny), a regex, or a mapping with C(may-move) and C(immutable).
        type: raw
      gate:
        description: A program on the node that is asked about every digest before labels move, a list, or a mapping with C(command)
          and C(timeout).
        type: raw
      keep:
        description: When what was read of an image stays on disk.
        type: str
        choices: [never, on-failure, always]
      keep_directory:
        description: Where it stays.
        type: path
  images:
    description:
      - The images of the verbs for single actions, and of V(inspect).
      - V(retag) takes O(images[].source) and O(images[].tags), V(merge) takes O(images[].source) and O(images[].destinations),
        V(assemble) takes O(images[].destination) and O(images[].sources), V(prune) and V(inspect) take O(images[].source).
    type: list
    elements: dict
    suboptions:
      source:
        description: A reference, such as C(registry.example.com/team/app:1.2.0).
        type: str
      sources:
        description: The references of an index's images, each with C(=PLATFORM) behind it if it must be for that. With O(suffixes),
          at most one, whose tag gets the suffixes.
        type: list
        elements: str
      tags:
        description: Further tags in the same repository.
        type: list
        elements: str
      destination:
        description: The reference that gets the index.
        type: str
      destinations:
        description: The references that get the image.
        type: list
        elements: str
  source_file:
    description: The source file on the node, instead of O(registries). It may be a manifest of cip.
    type: path
  promotion_file:
    description: The promotion file on the node, instead of O(promotion).
    type: path
  images_file:
    description: A file on the node with the arguments for an image in each line, instead of O(images). For V(retag), V(assemble) and
      V(merge).
    type: path
  source:
    description: Every image of one place, such as C(dir:/media/images) or C(docker://registry.example.com/team/app:1.2.0), instead of
      O(registries).
    type: str
  destinations:
    description: Where the images go, such as C(docker://mirror.example.net/copies) or C(oci:/media/images). Promotions have theirs in
      O(promotion).
    type: list
    elements: str
  destination_path:
    description: What images are called at O(destinations). V(name) is the last part of their name at the source, if nothing is said.
    type: str
    choices: [name, path, full, flat, nested]
  platforms:
    description: O(registries[].csync.platforms) of all registries without their own, or O(promotion.platforms).
    type: list
    elements: str
  hash:
    description: Of a promotion, the hash instead of what O(promotion) says.
    type: str
  label:
    description: Of a promotion, the label instead of what O(promotion) says.
    type: str
  tag_policy:
    description: Which of the tags that exist may move, V(allow), V(deny), or a regex of those that may.
    type: str
  allow_partial:
    description: Promote the other images where the source lacks some.
    type: bool
    default: false
  allow_missing_platforms:
    description: Take an index that lacks some of the wanted platforms.
    type: bool
    default: false
  require_images:
    description: Fail where the source has no images.
    type: bool
    default: false
  deep:
    description: Ask the destinations for every layer and config, too.
    type: bool
    default: false
  fail_fast:
    description: Stop at the first failure, instead of doing all that can be done.
    type: bool
    default: false
  journal:
    description:
      - The file on the node that has what tags named before a promotion. O(resume) and O(rollback) read it.
      - The default is beside the first O(report), or else in the user's directory for state, with a name made of the source's registry
        and namespace and of the label.
    type: path
  resume:
    description: Go on with a promotion that did not come to its end.
    type: bool
    default: false
  rollback:
    description: Put back every tag that the journal's last promotion has moved.
    type: bool
    default: false
  guard:
    description: Of V(retag), look at each tag right before it is written, and leave one alone that somebody else has moved.
    type: bool
    default: false
  suffixes:
    description: Of V(assemble), C(PLATFORM=SUFFIX) of the tags where the images are, in the order of the index.
    type: list
    elements: str
  optional:
    description: Of V(assemble), platforms that are left out where there is no image for them.
    type: list
    elements: str
  format:
    description: Of V(assemble), the form of the index. That of the images, if nothing is said.
    type: str
    choices: [oci, docker]
  keep_tag:
    description: Of V(merge), a further tag for what was merged, such as C({tag}-{digest}).
    type: str
  unlabelled:
    description: Of V(prune) with a promotion, delete every release that no label names.
    type: bool
    default: false
  all_tags:
    description: Of V(prune) with O(images), delete every tag of the repositories that they name.
    type: bool
    default: false
  remove_last:
    description: Of V(prune), delete also the last tag of what something needs.
    type: bool
    default: false
  max_delete:
    description: Of V(prune), delete nothing if more tags than this would go, or more of a repository's than this with C(%).
    type: str
  logins:
    description:
      - Credentials for registries on either side. They reach csync in a file that has no name, in memory.
      - The files of podman and docker do not count then.
    type: list
    elements: dict
    suboptions:
      registry:
        description: HOST or HOST:PORT, with a namespace behind it if they are for that only.
        type: str
        required: true
      username:
        description: The user.
        type: str
        required: true
      password:
        description: The password.
        type: str
        required: true
  authfile:
    description: The credentials file on the node, instead of podman's and docker's.
    type: path
  env:
    description:
      - Variables of the environment that hold secrets. What they hold is left out of everything that Ansible shows, wherever it stands.
      - For what is no secret there is the keyword C(environment) of a task, whose values Ansible shows.
    type: dict
  source_tls_verify:
    description: V(false) takes any certificate of sources, and HTTP.
    type: bool
  source_cert_dir:
    description: Directory on the node with certificates for the sources.
    type: path
  destination_tls_verify:
    description: V(false) takes any certificate of destinations, and HTTP. It is for the registries of V(retag) and V(prune), too.
    type: bool
  destination_cert_dir:
    description: Directory on the node with certificates for the destinations.
    type: path
  tls_verify:
    description: Of V(inspect), V(false) takes any certificate, and HTTP.
    type: bool
  cert_dir:
    description: Of V(inspect), directory on the node with certificates.
    type: path
  jobs:
    description: Images at the same time, and requests at a registry. csync's own default is 30.
    type: int
  retry_times:
    description: How often a request that fails on its way is repeated. csync's own default is 5.
    type: int
  timeout:
    description: After which csync gives up, such as V(90m).
    type: str
  report:
    description: Files on the node that get the report, as JSON, or as a page if their name ends in C(.html).
    type: list
    elements: path
  log:
    description: A file on the node to which csync's log is appended while it runs, with a line a minute of how far it is.
    type: path
  log_level:
    description: From where on csync logs. V(info), if nothing is said.
    type: str
    choices: [error, warn, info, debug, trace]
  binary:
    description: The program, by its path, or by its name in C(PATH) or C(/usr/local/bin).
    type: path
    default: csync
  chdir:
    description: The directory on the node that csync runs in, to which the names of files in documents are relative.
    type: path
  extra_args:
    description: Further flags of csync, each with its value behind C(=). Those that would show a secret are refused.
    type: list
    elements: str
notes:
  - Passwords are in the arguments of the module, as with every module. With pipelining they touch no disk of the node.
  - Ansible leaves out what is secret wherever it stands. A password such as V(team) makes holes in all that is returned.
  - A long task goes with C(async), and says with O(log) how far it is.
"""

EXAMPLES = r"""
---
- name: Bring two tags and every 7.x to two mirrors
  csync.csync.csync:
    registries:
      - registry: registry.example.com
        images:
          team/app: ["1.2.0", latest]
        images_by_semver:
          team/db: "7.x"
        csync:
          platforms: [linux/amd64, linux/ppc64le]
          repositories:
            team/app:
              tags: {"1.2.0": [stable]}
    destinations:
      - docker://mirror.example.net/copies
      - docker://mirror.example.org:5000/copies

- name: Read from a registry with a password, and write to another
  csync.csync.csync:
    source_file: /etc/csync/images.yaml
    destinations: ["docker://quay.example.org/team"]
    logins:
      - registry: registry.example.com
        username: ci
        password: "{{ registry_password }}"
      - registry: quay.example.org/team
        username: team+ci
        password: "{{ quay_password }}"

- name: Say what would be copied, and how much of it is there
  csync.csync.csync:
    verb: plan
    source_file: /etc/csync/images.yaml
    destinations: ["docker://mirror.example.net/copies"]
  register: plan

- name: Promote a release, and move its label if all is in place
  csync.csync.csync:
    verb: promote
    promotion:
      source: {registry: trunk.example.com, namespace: tripleomaster}
      destinations:
        - registry: quay.example.com
          credentials:
            username: promoter
            password: "{{ quay_password }}"
      images:
        prefix: openstack-
        names: [base, nova-api]
    hash: 3f2a7c1b9e4d5a60f1b2c3d4e5f60718293a4b5c_9b1c2d3e
    label: current-tripleo
    journal: /var/lib/csync/tripleomaster.journal
    report: [/var/log/csync/promotion.html]

- name: Put the labels back to what they named before
  csync.csync.csync:
    verb: promote
    promotion_file: /etc/csync/promotion.yaml
    journal: /var/lib/csync/tripleomaster.journal
    rollback: true

- name: Mirror for hours, and look at the log on the node meanwhile
  csync.csync.csync:
    source_file: /etc/csync/everything.yaml
    destinations: ["oci:/srv/images"]
    log: /var/log/csync/everything.log
  async: 14400
  poll: 60

- name: Mirror, and accept that images are missing at the source
  csync.csync.csync:
    source_file: /etc/csync/images.yaml
    destinations: ["docker://mirror.example.net/copies"]
  register: mirrored
  failed_when: >-
    mirrored.report is not defined or
    mirrored.report.results | selectattr('status', 'equalto', 'failed')
    | rejectattr('error.kind', 'equalto', 'not-found') | list | length > 0

- name: Check that every layer is there
  csync.csync.csync:
    verb: verify
    source_file: /etc/csync/images.yaml
    destinations: ["docker://mirror.example.net/copies"]
    deep: true

- name: Give an image two more tags
  csync.csync.csync:
    verb: retag
    images:
      - source: registry.example.com/team/app:1.2.0
        tags: [stable, "1.2"]

- name: Make an index of images for one platform each
  csync.csync.csync:
    verb: assemble
    images:
      - destination: registry.example.com/team/tools:1.0
    suffixes: [linux/amd64=_x86_64, linux/ppc64le=_ppc64le]

- name: Delete what the source file names no more, but not much at a time
  csync.csync.csync:
    verb: prune
    source_file: /etc/csync/images.yaml
    destinations: ["docker://mirror.example.net/copies"]
    max_delete: 10%

- name: Look at an image
  csync.csync.csync:
    verb: inspect
    images:
      - source: docker://registry.example.com/team/app:1.2.0
  register: app
"""

RETURN = r"""
---
msg:
  description: The counts of the report, or what went wrong.
  returned: always
  type: str
  sample: "5 in all: 4 copied, 1 retagged"
report:
  description:
    - The report of csync, schema C(csync.report/1). Fields may be added to it.
    - Empty in check mode where csync is not on the node yet.
  returned: when csync has run, also when images failed, and the verb is not V(inspect)
  type: dict
  contains:
    schema:
      description: The version of the report.
      type: str
      returned: always
      sample: csync.report/1
    version:
      description: The version of csync.
      type: str
      returned: always
      sample: 1.2.0
    verb:
      description: What csync was asked to do.
      type: str
      returned: always
      sample: sync
    dry_run:
      description: Whether nothing was written anywhere.
      type: bool
      returned: always
    changed:
      description: Whether something was done, or would be.
      type: bool
      returned: always
    started:
      description: When csync began, in UTC.
      type: str
      returned: always
      sample: "2026-03-14T09:26:53.589Z"
    finished:
      description: When csync ended, in UTC.
      type: str
      returned: always
      sample: "2026-03-14T09:26:57.789Z"
    duration_ms:
      description: Milliseconds between the two.
      type: int
      returned: always
      sample: 4200
    summary:
      description: The number of results, how many there are of each kind, bytes, and requests by host.
      type: dict
      returned: always
      sample:
        total: 2
        copied: 1
        retagged: 0
        assembled: 0
        merged: 0
        deleted: 0
        unchanged: 1
        planned: 0
        skipped: 0
        failed: 0
        rolled_back: 0
        bytes_read: 41500000
        bytes_written: 41500000
        bytes_reused: 0
        requests: {registry.example.com: 21}
    results:
      description: What became of everything that was asked for, sorted by destination.
      type: list
      elements: dict
      returned: always
      contains:
        action:
          description: V(copy), V(retag), V(assemble), V(merge) or V(delete).
          type: str
          returned: always
          sample: copy
        status:
          description: V(done), V(unchanged), V(planned), V(skipped), V(failed) or V(rolled-back).
          type: str
          returned: always
          sample: done
        source:
          description: The image's reference at the source, with its transport.
          type: str
          returned: always
          sample: docker://registry.example.com/library/redis:7.4
        source_digest:
          description: The digest there.
          type: str
          returned: if known
          sample: sha256:7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a
        destination:
          description: The image's reference at the destination, with its transport.
          type: str
          returned: always
          sample: docker://mirror.example.net:5000/library/redis:7.4
        digest:
          description: The digest that the destination has or, where it was planned or failed, should have.
          type: str
          returned: if known
          sample: sha256:7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a
        previous_digest:
          description: The digest that the tag named before.
          type: str
          returned: if it named another
          sample: sha256:7272727272727272727272727272727272727272727272727272727272727272
        media_type:
          description: Of the manifest.
          type: str
          returned: if known
          sample: application/vnd.oci.image.index.v1+json
        platforms:
          description: What the image is for.
          type: list
          elements: str
          returned: if known
          sample: [linux/amd64, linux/arm/v7]
        verified:
          description: Whether the digest was seen at the destination in this run.
          type: bool
          returned: always
        bytes_read:
          description: Read from the source.
          type: int
          returned: always
        bytes_written:
          description: Written to the destination.
          type: int
          returned: always
        bytes_reused:
          description: Of blobs that the destination had already.
          type: int
          returned: always
        attempts:
          description: How often it was tried.
          type: int
          returned: always
        duration_ms:
          description: Milliseconds that it took.
          type: int
          returned: always
        reason:
          description: Why it was skipped, or what was converted.
          type: str
          returned: if there is something to say
        gate:
          description: The gate of a label, with C(command), C(passed) and C(output).
          type: dict
          returned: of a label, if a gate was asked
        error:
          description: Why it failed, with C(kind), C(side) and C(message).
          type: dict
          returned: if it failed
          sample:
            kind: not-found
            side: source
            message: "source docker://registry.example.com/library/gone:1: the image is not there"
images:
  description: What each image is made of, platforms, digests, sizes and labels, as C(csync inspect) has it.
  returned: when the verb is V(inspect)
  type: list
  elements: dict
cmd:
  description: The command line. It has no secrets.
  returned: when csync has run
  type: list
  elements: str
rc:
  description: The exit code of csync, 0 where everything is in place, 1 where nothing was attempted, 3 where images failed, 130 where it
    was interrupted.
  returned: when csync has run
  type: int
  sample: 0
log:
  description: What csync logged.
  returned: when the task failed, or with C(-vv)
  type: list
  elements: str
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
TWO_SIDED = SYNCING + ("promote", "prune", "assemble", "merge")
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
    ("deep", "--deep", ("sync", "verify")),
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
    ("source_tls_verify", "--src-tls-verify", TWO_SIDED),
    ("source_cert_dir", "--src-cert-dir", TWO_SIDED),
    ("destination_tls_verify", "--dest-tls-verify", RUNNING),
    ("destination_cert_dir", "--dest-cert-dir", RUNNING),
    ("tls_verify", "--tls-verify", ("inspect",)),
    ("cert_dir", "--cert-dir", ("inspect",)),
    ("jobs", "--jobs", RUNNING),
    ("retry_times", "--retry-times", RUNNING),
    ("timeout", "--command-timeout", RUNNING + ("inspect",)),
    ("log_level", "--log-level", RUNNING + ("inspect",)),
)

# Those that name something on the node, or a place.
FILES = (
    ("authfile", "--authfile"), ("journal", "--journal"), ("source", "--src"), ("source_file", "--src-yaml"), ("images_file", "--file"),
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
        tls_verify=dict(type="bool"),
        cert_dir=dict(type="path"),
    ), **more)


def own(**more):
    """The options under the key csync of one registry."""
    return dict(type="dict", options=dict(dict(
        username_env=dict(type="str"),
        password_env=dict(type="str", no_log=False),
        password_file=dict(type="path", no_log=False),
    ), **more))


REGISTRY = access(
    images=dict(type="dict"),
    images_by_tag_regex=dict(type="dict"),
    images_by_semver=dict(type="dict"),
    csync=own(
        platforms=dict(type="list", elements="str"),
        prune=dict(type="bool"),
        repositories=dict(type="dict"),
    ),
)

SOURCE = access(
    registry=dict(type="str"),
    place=dict(type="str"),
    namespace=dict(type="str"),
    label=dict(type="bool"),
    csync=own(),
)

DESTINATION = dict(
    SOURCE,
    create_repositories=dict(type="str", choices=["public", "private"]),
    token=dict(type="str", no_log=True),
    token_file=dict(type="path", no_log=False),
    token_env=dict(type="str", no_log=False),
    rename=dict(type="raw"),
)

ONE_PLACE = [("registry", "place")]

PROMOTION = dict(
    source=dict(type="dict", required=True, options=SOURCE, required_one_of=ONE_PLACE, mutually_exclusive=ONE_PLACE),
    destinations=dict(
        type="list", elements="dict", required=True, options=DESTINATION, required_one_of=ONE_PLACE, mutually_exclusive=ONE_PLACE),
    images=dict(type="dict", options=dict(
        prefix=dict(type="str"),
        names=dict(type="list", elements="str"),
        exclude=dict(type="list", elements="str"),
        lacking=dict(type="dict"),
        file=dict(type="str"),
        tripleo=dict(type="dict", options=dict(
            url=dict(type="str"),
            versions=dict(type="str"),
            base_url=dict(type="str"),
            path=dict(type="str"),
            release=dict(type="str"),
            distro=dict(type="str"),
            image_source=dict(type="list", elements="str"),
            exclude_file=dict(type="str"),
        )),
        zuul=dict(type="dict", options=dict(
            api=dict(type="str", required=True),
            job=dict(type="str", required=True),
        )),
    )),
    hash=dict(type="raw"),
    label=dict(type="str"),
    rollback_label=dict(type="str"),
    platforms=dict(type="raw"),
    optional=dict(type="list", elements="str"),
    index=dict(type="str", choices=["copy", "assemble", "merge"]),
    index_tag=dict(type="str"),
    format=dict(type="str", choices=["oci", "docker"]),
    label_names=dict(type="str", choices=["image", "index"]),
    tag_policy=dict(type="raw"),
    gate=dict(type="raw"),
    keep=dict(type="str", choices=["never", "on-failure", "always"]),
    keep_directory=dict(type="path"),
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
    verb, document_option = params["verb"], chosen(params)
    for name, verbs in [(name, verbs) for name, dummy, verbs in FLAGS] + [("journal", ("promote",)), ("report", RUNNING)]:
        if is_given(params, name) and verb not in verbs:
            raise Mistake("%s does not go with the verb %s" % (name, verb))
    for name, documents in (
        ("destinations", ("registries", "source_file", "source")),
        ("destination_path", ("registries", "source_file", "source")),
        ("platforms", ("registries", "promotion")),
    ):
        if is_given(params, name) and document_option not in documents:
            raise Mistake("%s does not go with %s, but with %s" % (name, document_option, " and ".join(documents)))
    for word in params.get("extra_args") or []:
        flag = word.split("=", 1)[0]
        if flag in OWN_FLAGS or word == "-":
            raise Mistake("extra_args: %s is not for extra_args, as the module says it itself" % flag)
        if flag.lstrip("-").replace("src-", "", 1).replace("dest-", "", 1) in SECRET_FLAGS:
            raise Mistake("extra_args: %s would show a secret to everybody; use logins, authfile or env" % flag)


def chosen(params):
    """The one option that says what is wanted."""
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
    return found[0]


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
    for name, flag in FILES:
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
                raise Mistake("%s: %s is no reference and no tag" % (where, json.dumps(word)))
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
            raise Mistake("%s: Python 2 forgets the order of a mapping; write a list of {regex, name}" % where)
        return in_order(value)
    result = OrderedDict()
    for one in listed(value):
        if not isinstance(one, dict) or sorted(one) != ["name", "regex"]:
            raise Mistake("%s: want a list of {regex, name}" % where)
        only_text(one, where)
        result[one["regex"]] = one["name"]
    return result


def outcome(verb, rc, stdout, stderr):
    """The result of a task, from how csync ended and what it wrote."""
    if rc not in (0, 3, 130) or verb == "inspect" and rc == 130:
        return dict(failed=True, changed=False, msg=complaint(stderr) or "csync ended with %d and said nothing" % rc)
    try:
        found = json.loads(stdout)
        return inspected(rc, found, stderr) if verb == "inspect" else reported(verb, rc, found, stderr)
    except ValueError:
        wrong = "what csync wrote is not JSON but %d characters of something else" % len(stdout)
    except (AttributeError, KeyError, TypeError):
        wrong = "what csync wrote is not a report"
    except Mistake as mistake:
        wrong = str(mistake)
    return dict(failed=True, changed=verb not in LOOKING, msg=wrong)  # as it may have done anything


def reported(verb, rc, found, stderr):
    """The result of a verb that has a report."""
    if found["schema"] != SCHEMA:
        raise Mistake("csync wrote a report of schema %s, and this module reads %s" % (json.dumps(found["schema"]), SCHEMA))
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
        for tags, digest in ((before, one.get("previous_digest")), (after, one.get("digest"))):
            if digest:
                tags.append("%s %s\n" % (one["destination"], digest))
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


def octets(text):
    """Text as it is written; with Python 2 it mostly is that already."""
    return text if isinstance(text, bytes) else text.encode("utf-8")


class Run(object):
    """One run of csync on this node."""

    def __init__(self, module):
        self.module = module
        self.params = dict(module.params)
        self.secrets = {}

    def go(self):
        """Do what the task says, and end the module."""
        check(self.params)
        text, self.secrets = document(self.params)
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
        if self.params["chdir"] and not os.path.isdir(self.params["chdir"]):
            raise Mistake("chdir: there is no directory %s" % self.params["chdir"])
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
        source = promotion["source"]
        words = [source["registry"] or source["place"], source["namespace"], self.params["label"] or promotion["label"]]
        state = os.environ.get("XDG_STATE_HOME") or os.path.join(os.environ.get("HOME", "/"), ".local", "state")
        return os.path.join(state, "csync", "_".join(word for word in words if word).replace("/", "_").replace(":", "_") + ".journal")

    def login(self):
        """The credentials as a file that has no name, in memory."""
        if not self.params["logins"]:
            return None
        auths = {}
        for login in self.params["logins"]:
            pair = octets("%s:%s" % (login["username"], login["password"]))
            auths[login["registry"]] = dict(auth=base64.b64encode(pair).decode("ascii"))
        file = tempfile.TemporaryFile(dir="/dev/shm" if os.path.isdir("/dev/shm") else None)
        file.write(octets(json.dumps(dict(auths=auths))))
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


def secrets_in(value, inside=False):
    """Every text in arguments that may be a secret, whatever its type should have been."""
    if isinstance(value, dict):
        return [text for key in value if key not in ("username", "registry")
                for text in secrets_in(value[key], inside or key in ("credentials", "logins", "env", "token"))]
    if isinstance(value, list):
        return [text for one in value for text in secrets_in(one, inside)]
    return [value] if inside and isinstance(value, TEXT) else []


class Module(AnsibleModule):
    """Shows nothing of arguments that are not what they should be: Ansible cannot tell their secrets."""

    accepted = False

    def fail_json(self, msg, **kwargs):
        if not self.accepted:
            kwargs["invocation"] = {}
            self.no_log_values.update(secrets_in(self.params))
        super(Module, self).fail_json(msg=msg, **kwargs)


def main():
    module = Module(
        argument_spec=SPEC,
        mutually_exclusive=[("authfile", "logins")],
        supports_check_mode=True,
    )
    module.accepted = True
    try:
        Run(module).go()
    except Mistake as mistake:
        module.fail_json(msg=str(mistake))
    except EnvironmentError as error:  # of the log, the program, the working directory
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
