"""The application: one command a verb, each in the file of its room, and the options that all share."""

from dataclasses import dataclass
from typing import Annotated

import typer

app = typer.Typer(
    name="latentspace",
    help="Turn images, sounds, a table or an array into a latent space: fit, encode, decode, search, map, sample.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@dataclass
class Options:
    """What was said before the verb."""

    debug: bool = False


options = Options()


def _version(asked: bool) -> None:
    if asked:
        from latentspace import __version__

        print(__version__)
        raise typer.Exit


@app.callback()
def _shared(
    debug: Annotated[bool, typer.Option("--debug", help="Show the whole traceback of an error.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    options.debug = debug
    del version  # its callback has answered already


# Each adds its verbs to `app`, in the order of --help.
from . import (  # noqa: E402
    choose,  # noqa: F401
    compress,  # noqa: F401
    demo,  # noqa: F401
    evaluate,  # noqa: F401
    explain,  # noqa: F401
    export,  # noqa: F401
    fit,  # noqa: F401
    generate,  # noqa: F401
    large,  # noqa: F401
    look,  # noqa: F401
    models,  # noqa: F401
    recommend,  # noqa: F401
    search,  # noqa: F401
    serve,  # noqa: F401
    upkeep,  # noqa: F401
)
