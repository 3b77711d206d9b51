"""repo2docker without docker: its own content provider fetches a repository. `clone_only.py FOLDER REF URL`

Prints what a build with `--json-logs` prints, and ends with 1 if it fails.
"""

import json
import sys

from repo2docker.contentproviders import Git

folder, ref, url = sys.argv[1:]
provider = Git()
try:
    for line in provider.fetch(provider.detect(url, ref=ref), folder, yield_output=True):
        sys.stdout.write(json.dumps({"phase": "fetching", "message": line}) + "\n")
except Exception as failure:
    sys.stdout.write(json.dumps({"phase": "failed", "message": f"{failure}\n"}) + "\n")
    sys.exit(1)
