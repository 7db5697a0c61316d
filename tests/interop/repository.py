"""Writes a repository with python-tuf that rolls a bundle out: BUNDLE NAME VERSION RELEASE DIR."""

import datetime
import hashlib
import json
import pathlib
import sys

from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import (
    DelegatedRole,
    Delegations,
    Metadata,
    MetaFile,
    Root,
    Snapshot,
    TargetFile,
    Targets,
    Timestamp,
)

bundle, name, version, release, folder = sys.argv[1:]
bundle, folder, release = pathlib.Path(bundle), pathlib.Path(folder), int(release)
end = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=7)).replace(microsecond=0)
keys = {role: CryptoSigner.generate_ed25519() for role in ("root", "targets", "online")}
(folder / "metadata").mkdir(parents=True)


def write(filename, role, *signers):
    metadata = Metadata(role)
    for signer in signers:
        metadata.sign(signer, append=True)
    metadata.to_file(str(folder / "metadata" / filename))


def lay(path, content):
    """Lays a target where consistent snapshots have it."""
    digest = hashlib.sha256(content).hexdigest()
    directory, _, filename = path.rpartition("/")
    place = folder / "targets" / directory
    place.mkdir(parents=True, exist_ok=True)
    (place / f"{digest}.{filename}").write_bytes(content)
    return TargetFile.from_data(path, content, ["sha256"])


target = f"models/{name}/{name}-{version}-r{release}.tar"
released = lay(target, bundle.read_bytes())
released.unrecognized_fields["custom"] = {
    "bundle": {
        "name": name,
        "version": version,
        "release": release,
        "task": "detect",
        "requires": {"agent": "0.1.0", "arch": [], "memory_kib": 0},
        "permits_downgrade_from": 0,
        "patches": [],
    }
}
rollout = lay(
    f"rollouts/default/{name}.json",
    json.dumps(
        {
            "schema": 1,
            "id": "from-python",
            "revision": 1,
            "model": name,
            "group": "default",
            "release": release,
            "target": target,
            "sha256": released.hashes["sha256"],
            "salt": "00",
            "start": "2026-01-01T00:00:00Z",
            "ramp": [{"after_s": 0, "percent": 100}],
            "state": "running",
            "predicates": {},
        }
    ).encode(),
)

root = Root(expires=end, consistent_snapshot=True)
for role, key in (("root", "root"), ("targets", "targets"), ("snapshot", "online"), ("timestamp", "online")):
    root.add_key(keys[key].public_key, role)
targets = Targets(expires=end)
targets.delegations = Delegations(
    {},
    {
        f"models-{name}": DelegatedRole(f"models-{name}", [], 1, True, paths=[f"models/{name}/*"]),
        "rollouts": DelegatedRole("rollouts", [], 1, True, paths=["rollouts/*/*"]),
    },
)
targets.add_key(keys["targets"].public_key, f"models-{name}")
targets.add_key(keys["online"].public_key, "rollouts")
models = Targets(expires=end, targets={target: released})
rollouts = Targets(expires=end, targets={rollout.path: rollout})
snapshot = Snapshot(
    expires=end,
    meta={file: MetaFile(1) for file in ("targets.json", f"models-{name}.json", "rollouts.json")},
)
write("1.root.json", root, keys["root"])
write("1.targets.json", targets, keys["targets"])
write(f"1.models-{name}.json", models, keys["targets"])
write("1.rollouts.json", rollouts, keys["online"])
write("1.snapshot.json", snapshot, keys["online"])
write("timestamp.json", Timestamp(expires=end, snapshot_meta=MetaFile(1)), keys["online"])
