"""An issuer of OpenID Connect tokens, at a path of the loopback API server."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import parse_qsl


def id_token(exp: float | None = 4102444800, **claims: Any) -> str:
    parts = ({"alg": "none"}, {**claims, **({} if exp is None else {"exp": exp})})
    words = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode() for part in parts]
    return ".".join([*(word.rstrip("=") for word in words), "sig"])


def issue(exchange: Any) -> None:
    """An OpenID Connect issuer; the id-token says how it was asked for."""
    asked = exchange.asked
    if asked.path.endswith("/.well-known/openid-configuration"):
        host = asked.header("Host")[0]
        scheme = "https" if asked.secure else "http"
        exchange.json({"token_endpoint": f"{scheme}://{host}/issuer/token"})
        return
    form = dict(sorted(parse_qsl(asked.body.decode())))
    by_header = asked.header("Authorization")
    if form["refresh_token"] == "refused" or (form["refresh_token"] == "form" and by_header):
        exchange.json({"error": "invalid_grant"}, status=400)
        return
    tokens = {"access_token": "a", "token_type": "Bearer"}
    if form["refresh_token"] != "empty":
        tokens["id_token"] = id_token(form=form, header=by_header)
    exchange.json(tokens)
