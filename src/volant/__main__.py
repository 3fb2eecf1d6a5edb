"""`python -m volant` is the `volant` command."""

from volant.app.cli import main

if __name__ == "__main__":
    main()
