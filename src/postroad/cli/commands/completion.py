"""``postroad completion``."""

from typing import Final

import click

from postroad.cli.terminal import say

_PROGRAM: Final = "postroad"
_VARIABLE: Final = "_POSTROAD_COMPLETE"  # by it the script asks; click derives the name from the program's

_EPILOG = """\
\b
To have it in every new shell:
  bash   postroad completion bash > ~/.local/share/bash-completion/completions/postroad
  zsh    postroad completion zsh > "${fpath[1]}/_postroad"
  fish   postroad completion fish > ~/.config/fish/completions/postroad.fish
"""


@click.command(epilog=_EPILOG)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the script that completes commands and options in a shell."""
    # Loaded only now, as click itself does.
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    assert kind is not None, "the choices are click's own"
    say(kind(ctx.find_root().command, {}, _PROGRAM, _VARIABLE).source().rstrip())
