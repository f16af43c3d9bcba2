"""`python -m kubectl_svcnet`, where no script of it is on the PATH."""

from .cli.main import main

main()
