"""A model's configuration, as Triton reads it, and the version that its `version_policy` pins."""

import re

PIECE = re.compile(r"""#.*|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'""")
"""A comment or a string, which say nothing of the policy whatever they hold."""
NAME = re.compile(r"\bversion_policy\b")
POLICY = re.compile(r"\bversion_policy\s*:?\s*{(?:[^{}]|{[^{}]*})*}")
PIN = re.compile(r"specific\s*:?\s*{\s*versions\s*:\s*\[?\s*(\d+)\s*\]?\s*}")
UNPINNED = re.compile(r"(latest|all)\s*:?\s*{")
LATEST = "version_policy { latest { num_versions: 1 } }"

CONFIGURATION = f"""\
platform: "pytorch_libtorch"
max_batch_size: 0
input [ {{ name: "INPUT__0" data_type: TYPE_FP64 dims: [ -1, -1 ] }} ]
output [ {{ name: "OUTPUT__0" data_type: TYPE_FP64 dims: [ -1 ] }} ]
instance_group [ {{ kind: KIND_CPU }} ]
{LATEST}
"""


def pin_of(config: str) -> int | None:
    """The version that a configuration pins; raises ValueError for a policy that is not understood."""
    text = _bare(config)
    policies = NAME.findall(text)
    if not policies:
        return None
    policy = POLICY.search(text) if len(policies) == 1 else None
    pin = PIN.search(policy[0]) if policy else None
    if pin:
        return int(pin[1])
    if policy and UNPINNED.search(policy[0]):
        return None
    raise ValueError("its version_policy is neither latest, all, nor specific with one version.")


def pinning(config: str, number: int | None) -> str:
    """The configuration with `number` pinned, or the newest served; raises ValueError where that cannot be written."""
    policy = LATEST if number is None else f"version_policy {{ specific {{ versions: [ {number} ] }} }}"
    there = POLICY.search(_bare(config))
    pinned = config[: there.start()] + policy + config[there.end() :] if there else f"{config.rstrip()}\n{policy}\n"
    if pin_of(pinned) != number:
        raise ValueError("its version_policy cannot be replaced.")
    return pinned


def _bare(config: str) -> str:
    """`config` with blanks for comments and strings, so that everything else stays where it is."""
    return PIECE.sub(lambda piece: " " * len(piece[0]), config)
