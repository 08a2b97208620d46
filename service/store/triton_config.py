"""A model's config.pbtxt, which Triton reads too; its `version_policy` pins a version."""

import re

COMMENT_OR_STRING = re.compile(r"""#.*|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'""")
NAME = re.compile(r"\bversion_policy\b")
POLICY = re.compile(r"\bversion_policy\s*:?\s*{(?:[^{}]|{[^{}]*})*}")
PIN = re.compile(r"specific\s*:?\s*{\s*versions\s*:\s*\[?\s*(\d{1,18})\s*\]?\s*}")
UNPINNED = re.compile(r"(latest|all)\s*:?\s*{")
LATEST = "version_policy { latest { num_versions: 1 } }"

DEFAULT = f"""\
platform: "pytorch_libtorch"
max_batch_size: 0
input [ {{ name: "INPUT__0" data_type: TYPE_FP64 dims: [ -1, -1 ] }} ]
output [ {{ name: "OUTPUT__0" data_type: TYPE_FP64 dims: [ -1 ] }} ]
instance_group [ {{ kind: KIND_CPU }} ]
{LATEST}
"""


def pinned_version(config: str) -> int | None:
    """Return the version that a configuration pins; raises ValueError for an unsupported policy."""
    text = _masked(config)
    policies = POLICY.findall(text)
    if len(NAME.findall(text)) == len(policies) < 2:
        policy = "".join(policies)
        if pin := PIN.search(policy):
            return int(pin[1])
        if not policy or UNPINNED.search(policy):
            return None
    raise ValueError("version_policy must be latest, all, or specific with one version.")


def with_pin(config: str, number: int | None) -> str:
    """Return the configuration with `number` pinned, or none; raises ValueError if its policy cannot be replaced."""
    policy = LATEST if number is None else f"version_policy {{ specific {{ versions: [ {number} ] }} }}"
    found = POLICY.search(_masked(config))
    changed = config[: found.start()] + policy + config[found.end() :] if found else f"{config.rstrip()}\n{policy}\n"
    if pinned_version(changed) != number:
        raise ValueError("its version_policy cannot be replaced. Edit the file so that it has one version_policy.")
    return changed


def _masked(config: str) -> str:
    """Return `config` with spaces for comments and strings, so that offsets stay the same."""
    return COMMENT_OR_STRING.sub(lambda found: " " * len(found[0]), config)
