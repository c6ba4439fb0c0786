"""An http(s) address into the bytes behind it, or the reason why not.

Nothing is cut: an answer over the limit, or one that ends early, is refused whole.
"""

from dataclasses import dataclass

import requests

USER_AGENT = "gonerd (+https://github.com/gonerd/gonerd)"
MAX_REDIRECTS = 10
_CHUNK = 65_536


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What a server gave."""

    content: bytes
    kind: str
    """Media type without parameters, in lower case; empty when the server names none."""
    charset: str | None
    """As the server names it."""


class Refused(Exception):
    """The address gave no document; the message is the reason."""


def open_session() -> requests.Session:
    """Open a session that says who asks and does not follow redirects without end."""
    session = requests.Session()
    session.headers["User-Agent"] = USER_AGENT
    session.max_redirects = MAX_REDIRECTS
    return session


def fetch(
    session: requests.Session, address: str, *, timeout_seconds: float, max_bytes: int
) -> Answer:
    """Fetch an address; whatever stands in the way is Refused with its reason."""
    try:
        with session.get(address, timeout=timeout_seconds, stream=True) as response:
            if response.status_code != 200:
                raise Refused(f"the server answered {response.status_code}")
            chunks: list[bytes] = []
            size = 0
            for chunk in response.iter_content(_CHUNK):
                chunks.append(chunk)
                size += len(chunk)
                if size > max_bytes:
                    raise Refused(f"the answer is over {max_bytes} bytes")
            declared = response.headers.get("Content-Length", "")
            encoded = response.headers.get("Content-Encoding")
            if declared.isdigit() and not encoded and int(declared) != size:
                raise Refused("the answer ended before its declared length")
            kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
            charset = requests.utils.get_encoding_from_headers(response.headers)
            has_charset = "charset" in response.headers.get("Content-Type", "").lower()
            return Answer(
                content=b"".join(chunks), kind=kind, charset=charset if has_charset else None
            )
    except requests.Timeout:
        raise Refused(f"no answer within {timeout_seconds:g} seconds") from None
    except requests.TooManyRedirects:
        raise Refused(f"more than {MAX_REDIRECTS} redirects") from None
    except requests.exceptions.ChunkedEncodingError:
        raise Refused("the answer broke off") from None
    except requests.ConnectionError:
        raise Refused("no connection to the server") from None
    except requests.RequestException as error:
        raise Refused(f"the request failed ({type(error).__name__})") from None
