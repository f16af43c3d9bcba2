"""Becomes `lib/__main__.py` of the krew archive: what the launcher runs."""

import sys

from kubectl_svcnet.cli.main import main

sys.exit(main())
