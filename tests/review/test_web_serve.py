"""Tests of the command: whom it lets in, over TLS, what it refuses, how it ends."""

import http.client
import re
import shutil
import socket
import ssl
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from gonerd.errors import ConfigError
from gonerd.review.web.access import team
from gonerd.review.web.serve import Options, check, links
from tests.conftest import run_gonerd
from tests.review.browser import served
from tests.review.offices import write_work


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """Something to review."""
    return write_work(tmp_path / "work")


def get(link: str, context: ssl.SSLContext | None = None, **headers: str) -> tuple[int, bytes]:
    """Get an address over the network."""
    parts = urlsplit(link)
    assert parts.hostname is not None
    kind = http.client.HTTPSConnection if context else http.client.HTTPConnection
    more = {"context": context} if context else {}
    connection = kind(parts.hostname, parts.port, timeout=30, **more)  # type: ignore[arg-type]
    connection.request("GET", parts.path or "/", headers=headers)
    answer = connection.getresponse()
    found = answer.status, answer.read()
    connection.close()
    return found


def test_alone_it_prints_a_link_listens_here_only_and_ends_quietly(work: Path) -> None:
    with served(work) as server:
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/open/[\w-]{32}", server.link)
        token = server.link.rpartition("/")[2]
        assert get(server.link)[0] == 200
        assert get(f"{server.root}/api/desk")[0] == 401
        assert get(f"{server.root}/api/desk", Authorization=f"Bearer {token}")[0] == 200
        assert get(f"{server.root}/api/desk", Host="evil.example")[0] == 421
        address = (socket.gethostbyname(socket.gethostname()), urlsplit(server.link).port)
        if not address[0].startswith("127."):
            with pytest.raises(OSError):
                socket.create_connection(address, timeout=5)
        assert server.end() == 130


def test_links_work_again_after_a_restart_until_new_ones_are_asked_for(work: Path) -> None:
    with served(work) as server:
        first = server.link
    with served(work) as server:
        assert server.link == first
    with served(work, "--annotator", "ana", "--new-links") as server:
        assert server.link != first
        assert get(f"{server.root}/open/{first.rpartition('/')[2]}")[0] == 401


def test_two_servers_of_one_folder_stand_side_by_side(work: Path) -> None:
    with served(work) as one, served(work, "--annotator", "ben") as other:
        assert one.root != other.root
        assert get(one.link)[0] == get(other.link)[0] == 200


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate that signs itself."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl here to make a certificate with")
    paths = tmp_path / "certificate.pem", tmp_path / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost",
         "-out", paths[0], "-keyout", paths[1]],
        check=True, capture_output=True,
    )  # fmt: skip
    return paths


def test_a_team_comes_over_tls_with_a_link_each(work: Path, certificate: tuple[Path, Path]) -> None:
    options = (
        "--annotators", "ana,ben", "--adjudicators", "cora", "--owner", "dan", "--name",
        "localhost", "--host", "0.0.0.0", "--certificate", str(certificate[0]), "--key",
        str(certificate[1]),
    )  # fmt: skip
    with served(work, *options) as server:
        assert len(set(server.links)) == 4
        assert all(link.startswith("https://localhost:") for link in server.links)
        context = ssl.create_default_context(cafile=str(certificate[0]))
        assert {get(link, context)[0] for link in server.links} == {200}
        token = server.links[0].rpartition("/")[2]
        status, body = get(f"{server.root}/api/desk", context, Authorization=f"Bearer {token}")
        assert (status, b'"annotator":"ana"' in body) == (200, True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "--annotator: left out; expected the name under which you review, or --annotators "
         "for several."),
        (("--annotator", "ana", "--annotators", "ben"),
         "--annotator, --annotators: both; expected one name for yourself alone, or several."),
        (("--annotator", " "), "--annotator: is empty; expected a name."),
        (("--annotator", "ana", "--host", "0.0.0.0"),
         "--host 0.0.0.0: others can come, and nobody is named; expected --annotators, each of "
         "whom gets a link."),
        (("--annotators", "ana", "--host", "0.0.0.0"),
         "--host 0.0.0.0: others can come, and anyone on the way could read links and texts; "
         "expected --certificate and --key.\nOr listen on 127.0.0.1 and let a server in front of "
         "it do TLS."),
        (("--annotator", "ana", "--certificate", "a.pem"),
         "--certificate, --key: one without the other; expected both, as PEM files, or neither."),
        (("--annotator", "ana", "--certificate", "a.pem", "--key", "b.pem"),
         "--certificate a.pem, --key b.pem: cannot be used ([Errno 2] No such file or directory); "
         "expected PEM files that belong together."),
        (("--annotator", "ana", "--host", "localhost", "--suggestions", "nobody"),
         "--suggestions nobody: work has annotations of model@1; expected one of them, or '' for "
         "none."),
    ],
)  # fmt: skip
def test_what_is_refused(work: Path, arguments: tuple[str, ...], message: str) -> None:
    done = run_gonerd("review", "work", "--no-browser", *arguments, cwd=work.parent)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"gonerd: {message}\n"


def test_a_port_that_is_taken_is_refused(work: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = run_gonerd(
            "review", "work", "--annotator", "ana", "--no-browser", "--port", port, cwd=work.parent
        )
    assert done.stderr == (
        f"gonerd: --host 127.0.0.1 --port {port}: cannot be listened on (Address already in use); "
        "expected an address of this machine and a free port.\n"
    )


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.8.8.8"])
def test_loopback_is_open_to_this_machine_alone(host: str) -> None:
    options = Options(people=(), host=host)
    assert options.alone
    check(options, named_team=False)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "review.example.org"])
def test_all_else_is_open_to_others(host: str) -> None:
    with pytest.raises(ConfigError):
        check(Options(people=(), host=host), named_team=True)


def test_links_name_the_machine_as_others_call_it(tmp_path: Path) -> None:
    from gonerd.review.web.access import grant

    access = grant(tmp_path, team(["ana"]))
    token = access.tokens["ana"]
    options = Options(people=(), host="::1")
    assert list(links(options, access, 8)) == [("ana", f"http://[::1]:8/open/{token}")]
    options = Options(people=(), host="::", names=("review.example.org",), certificate=Path("c"))
    assert list(links(options, access, 8)) == [
        ("ana", f"https://review.example.org:8/open/{token}")
    ]
    options = Options(people=(), host="0.0.0.0")
    assert list(links(options, access, 8)) == [
        ("ana", f"http://{socket.gethostname()}:8/open/{token}")
    ]


def test_without_the_extra_it_says_what_to_install(work: Path) -> None:
    code = (
        "import sys; sys.modules['uvicorn'] = None\n"
        "import sys; from gonerd.cli import main; sys.argv = sys.argv[:1] + "
        "['review', 'work', '--annotator', 'ana', '--no-browser']; main()"
    )
    import sys

    done = subprocess.run(
        [sys.executable, "-c", code], cwd=work.parent, capture_output=True, text=True, timeout=60
    )
    assert done.stderr == (
        "gonerd: review: uvicorn is not installed; expected the extra `review`.\n"
        "Install it: pip install 'gonerd[review]'\n"
    )


def test_the_command_line_starts_without_the_extra() -> None:
    import sys

    code = (
        "import sys; import gonerd.cli\n"
        "print([one for one in ('fastapi', 'uvicorn', 'starlette', 'markdown_it') "
        "if one in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout == "[]\n", done.stderr
