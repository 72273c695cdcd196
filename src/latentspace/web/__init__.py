"""The local page's server: a space over HTTP, on this machine alone. What passes is written in docs/decisions/0018."""
