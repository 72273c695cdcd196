"""The verb that opens the page."""

from pathlib import Path
from typing import Annotated

import typer

from .app import app


@app.command()
def serve(
    spaces: Annotated[
        list[Path], typer.Argument(metavar="SPACE...", help="A .latent file, or two to compare.", show_default=False)
    ],
    port: Annotated[int, typer.Option("--port", help="The next free one is taken where it is in use; 0: any.")] = 8765,
    host: Annotated[str, typer.Option("--host", help="Another address lets other machines in.")] = "127.0.0.1",
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Print the link and open nothing.")] = False,
) -> None:
    """Open a space in the browser: its map, its items, its dimensions. For this machine alone.

    latentspace serve photos.latent
    """
    import latentspace as ls
    from latentspace.optional import require

    require("fastapi", "web", "serve")
    from latentspace.web.opened import Opened
    from latentspace.web.serve import serve as serve_page

    serve_page([Opened(ls.load(path)) for path in spaces], host=host, port=port, browser=not no_browser)
