"""`python -m volant` and the `volant` command; quiet from the first moment that Ctrl-C may come."""

import sys


def main() -> None:
    """Run the command line; a Ctrl-C while it is still being imported ends as every other does."""
    try:
        from volant.app.cli import main as run
    except KeyboardInterrupt:
        if sys.stderr is not None:  # as it is under `2>&-`
            sys.stderr.write("volant: interrupted by Ctrl-C\n")
        sys.exit(130)  # Exit.INTERRUPTED, which may be what was not imported
    run()


if __name__ == "__main__":
    main()
