"""The command line: the library's verbs and words. It parses, calls one function, and prints.

Answers go to stdout or to -o, everything else to stderr. Exit 0; 1 it failed, in one clear line; 2 wrong usage.
"""

import sys
import warnings

from ..visible import visible


def main(arguments: list[str] | None = None) -> None:
    """Runs the command line; `arguments` are sys.argv's by default."""
    from .app import app, options

    warnings.showwarning = _show_warning
    try:
        app(arguments, standalone_mode=True)
    except KeyboardInterrupt:
        _fail("interrupted; files are as they were before the last finished step", 130)
    except BrokenPipeError:
        sys.stderr.close()  # the reader of the pipe has gone; there is nobody to tell
        raise SystemExit(1) from None
    except (ValueError, TypeError, OSError, ImportError, MemoryError, RuntimeError) as error:
        if options.debug:
            raise
        _fail(str(error) or type(error).__name__, 1)
    except Exception as error:
        if options.debug:
            raise
        _fail(f"{type(error).__name__}: {error}. This is a fault of latentspace; --debug shows where it happened.", 1)


def _fail(message: str, code: int) -> None:
    print(f"Error: {visible(message)}", file=sys.stderr)
    raise SystemExit(code)


def _show_warning(message, category=None, *_where, **_more) -> None:
    if getattr(category, "__name__", "") == "DecompressionBombWarning":
        return  # Pillow's, of large images: those past our own limit are skipped, and named
    print(f"Warning: {visible(str(message))}", file=sys.stderr)
