"""Options into a server that listens, and a link for everybody who may come."""

import ipaddress
import socket
import ssl
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from gonerd.errors import ConfigError, GonerdError, MissingExtra
from gonerd.review.desk import Desk
from gonerd.review.log import Log
from gonerd.review.queues import Queue
from gonerd.review.web.access import Access, Person, grant, keep_port, last_port

try:
    import uvicorn

    from gonerd.review.web.app import make_app
    from gonerd.review.web.guard import Guard, Rate, Site
    from gonerd.review.web.office import Office
    from gonerd.review.web.saving import Keeper
except ImportError as error:
    raise MissingExtra(
        f"review: {error.name} is not installed; expected the extra `review`.\n"
        "Install it: pip install 'gonerd[review]'"
    ) from None


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """Where to listen, and for whom."""

    people: tuple[Person, ...]
    host: str = "127.0.0.1"
    port: int = 0
    """0: the one of last time, so that open pages go on, or else a free one."""
    names: tuple[str, ...] = ()
    """What the machine is called from outside."""
    certificate: Path | None = None
    key: Path | None = None
    show_others: bool = False
    new_links: bool = False

    @property
    def alone(self) -> bool:
        """Say whether only this machine can come."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def scheme(self) -> str:
        """Give http, or https with a certificate."""
        return "http" if self.certificate is None else "https"


def check(options: Options, *, named_team: bool) -> None:
    """Refuse to be open to others without a token each and TLS."""
    if (options.certificate is None) != (options.key is None):
        raise ConfigError(
            "--certificate, --key: one without the other; expected both, as PEM files, or neither."
        )
    if options.alone:
        return
    if not named_team:
        raise ConfigError(
            f"--host {options.host}: others can come, and nobody is named; expected --annotators, "
            "each of whom gets a link."
        )
    if options.certificate is None:
        raise ConfigError(
            f"--host {options.host}: others can come, and anyone on the way could read links and "
            "texts; expected --certificate and --key.\n"
            "Or listen on 127.0.0.1 and let a server in front of it do TLS."
        )


def listen(options: Options, folder: Path) -> socket.socket:
    """Take a port: the one asked for, or that of last time, or any that is free."""
    ports = [options.port] if options.port else [last_port(folder), 0]
    for port in ports:
        family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
        taken = socket.socket(family)
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            taken.bind((options.host, port))
        except OSError as error:
            taken.close()
            if port == ports[-1]:
                raise ConfigError(
                    f"--host {options.host} --port {port}: cannot be listened on "
                    f"({error.strerror}); expected an address of this machine and a free port."
                ) from None
        else:
            keep_port(folder, taken.getsockname()[1])
            return taken
    raise AssertionError


def links(options: Options, access: Access, port: int) -> Iterable[tuple[str, str]]:
    """Give the name and link of everybody."""
    host = options.names[0] if options.names else options.host
    if host in ("0.0.0.0", "::"):
        host = socket.gethostname()
    shown = f"[{host}]" if ":" in host else host
    for name, token in access.tokens.items():
        yield name, f"{options.scheme}://{shown}:{port}/open/{token}"


def serve(
    desk: Desk,
    log: Log,
    options: Options,
    *,
    ready: Callable[[list[tuple[str, str]]], None],
    named_team: bool = False,
    queue: Queue | None = None,
) -> None:
    """Serve until stopped; `ready` gets names and links once the port is taken."""
    check(options, named_team=named_team)
    folder = log.path.parent
    taken = listen(options, folder)
    port = taken.getsockname()[1]
    access = grant(folder, options.people, show_others=options.show_others, new=options.new_links)
    office = Office(
        desk=desk, keeper=Keeper(log=log), access=access, folder=folder, queue=queue
    )  # fmt: skip
    app = make_app(office)
    guard = Guard(
        app=app,
        access=access,
        site=_site(options, port),
        rate=None if options.alone else Rate(each_second=50, at_once=300),
    )
    config = uvicorn.Config(
        guard,
        log_level="error",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=2,
        ssl_certfile=None if options.certificate is None else str(options.certificate),
        ssl_keyfile=None if options.key is None else str(options.key),
    )
    try:
        config.load()
    except (ssl.SSLError, OSError) as error:
        raise ConfigError(
            f"--certificate {options.certificate}, --key {options.key}: cannot be used ({error}); "
            "expected PEM files that belong together."
        ) from None
    taken.listen(256)
    server = uvicorn.Server(config)
    office.keeper.ending = lambda: server.should_exit
    ready(list(links(options, access, port)))
    server.run(sockets=[taken])


def _site(options: Options, port: int) -> "Site":
    own = f"[{options.host}]" if ":" in options.host else options.host
    if options.alone:
        names = {own, "127.0.0.1", "localhost", "[::1]"}
    else:
        names = {own, socket.gethostname(), socket.getfqdn()}
    names |= set(options.names)
    return Site(
        scheme=options.scheme,
        port=port,
        names=frozenset(name.lower() for name in names),
        any_address=not options.alone,
    )


__all__ = ["GonerdError", "Options", "check", "links", "listen", "serve"]
