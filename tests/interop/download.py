"""Downloads a target with python-tuf's client: ROOT URL TARGET FILE."""

import pathlib
import sys
import tempfile

from tuf.ngclient import Updater

root, url, target, out = sys.argv[1:]
with tempfile.TemporaryDirectory() as metadata:
    client = Updater(
        metadata_dir=metadata,
        metadata_base_url=f"{url}/metadata/",
        target_base_url=f"{url}/targets/",
        target_dir=metadata,
        bootstrap=pathlib.Path(root).read_bytes(),
    )
    client.refresh()
    info = client.get_targetinfo(target)
    if info is None:
        sys.exit(f"{target}: no role names it")
    client.download_target(info, out)
    print(client._trusted_set.timestamp.version)
