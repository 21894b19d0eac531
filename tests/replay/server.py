"""The exchange on loopback: `python -m tests.replay` prints its address and serves until killed."""

import argparse
import asyncio
import gzip
import json
import random
import re
import time
from email.utils import formatdate

from aiohttp import web

from .venues import RefusalError, answer
from .world import World

FAULTS = ("busy", "teapot", "forbidden", "down", "cut", "short", "html", "drop", "slow", "mixed")


class Replay:
    """Serves venues; `faults` is the share of requests that go wrong.

    Settings can be changed while it runs by POST to /_settings, requests are listed at /_log.
    """

    def __init__(self, faults=0.0, seed=0, kinds=FAULTS):
        self.world = World()
        self.settings = {"faults": faults, "kinds": list(kinds), "always": "", "clock": 0}
        self.random = random.Random(seed)
        self.log = []

    def app(self):
        app = web.Application()
        app.router.add_post("/_settings", self.change)
        app.router.add_get("/_log", self.read_log)
        app.router.add_route("*", "/{venue}/{path:.*}", self.serve)
        return app

    async def change(self, request):
        self.settings.update(await request.json())
        self.world.ahead = self.settings["clock"]
        self.log.clear()
        return web.json_response(self.settings)

    async def read_log(self, request):
        return web.json_response(self.log)

    async def serve(self, request):
        venue, path = request.match_info["venue"], re.sub("/+", "/", request.match_info["path"])
        body = await request.text()
        query = {**request.query, **(json.loads(body) if body else {})}
        fault = self.fault()
        self.log.append({
            "venue": venue, "path": path, "query": query, "fault": fault,
            "headers": dict(request.headers),
        })  # fmt: skip
        try:
            text = answer(self.world, venue, path, query)
        except RefusalError as refusal:
            return self.respond(refusal.status, refusal.body)
        if fault:
            return await self.misbehave(request, fault, text)
        return self.respond(200, text, packed=self.random.random() < 0.3)

    def fault(self):
        if self.settings["always"]:
            return self.settings["always"]
        wrong = self.random.random() < self.settings["faults"]
        return self.random.choice(self.settings["kinds"]) if wrong else ""

    async def misbehave(self, request, fault, text):
        busy = {"Retry-After": "0"}
        match fault:
            case "busy":
                return self.respond(429, '{"code":-1003,"msg":"Too many requests"}', busy)
            case "teapot":
                return self.respond(418, '{"code":-1003,"msg":"banned"}', busy)
            case "banned":
                return self.respond(418, '{"code":-1003,"msg":"banned"}', {"Retry-After": "7200"})
            case "forbidden":
                return self.respond(403, "<html>WAF limit</html>")
            case "abroad":
                return self.respond(451, '{"code":0,"msg":"restricted location"}')
            case "country":
                return self.respond(403, "configured to block access from your country")
            case "down":
                return self.respond(503, "<html>Service Unavailable</html>")
            case "cut":
                return self.respond(200, text[: len(text) // 2])
            case "html":
                return self.respond(200, "<html>be right back</html>")
            case "mixed":
                return self.respond(200, mixed(text, self.random))
            case "slow":
                await asyncio.sleep(0.3)
                return self.respond(200, text)
            case "hang":
                await asyncio.sleep(3600)
            case "short":
                await short(request, text)
            case "drop":
                request.transport.close()
        raise web.HTTPServiceUnavailable

    def respond(self, status, text, headers=None, packed=False):
        sent = time.time() + self.world.ahead / 1000
        headers = {**(headers or {}), "Date": formatdate(sent, usegmt=True)}
        body = text.encode()
        if packed:
            body, headers["Content-Encoding"] = gzip.compress(body, 1), "gzip"
        kind = "application/json" if text[:1] in "[{" else "text/html"
        return web.Response(status=status, body=body, headers=headers, content_type=kind)


def mixed(text, chance):
    """The same rows out of order and some of them twice."""
    content = json.loads(text)

    def shuffle(value):
        if isinstance(value, dict):
            return {key: shuffle(one) for key, one in value.items()}
        if isinstance(value, list) and len(value) > 3 and isinstance(value[0], list | dict):
            rows = value + value[: len(value) // 3]
            chance.shuffle(rows)
            return rows
        return value

    return json.dumps(shuffle(content))


async def short(request, text):
    """Half of the bytes that the header says, and the end of the connection."""
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    response.content_length = len(text.encode())
    await response.prepare(request)
    await response.write(text.encode()[: len(text) // 2])
    request.transport.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--faults", type=float, default=0.0)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    asyncio.run(serve(given))


async def serve(given):
    runner = web.AppRunner(Replay(given.faults, given.seed).app(), access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", given.port)
    await site.start()
    port = site._server.sockets[0].getsockname()[1]
    print(f"http://127.0.0.1:{port}", flush=True)
    await asyncio.Event().wait()
