"""``postroad`` and ``python -m postroad``."""

from postroad.cli.main import postroad


def main() -> None:
    """Run the command line; ends the process with one of ``postroad.cli.exit_codes``."""
    postroad.main(prog_name="postroad")


if __name__ == "__main__":
    main()
