"""`python -m gonerd` is the command `gonerd`."""

from gonerd.cli import main

main()
