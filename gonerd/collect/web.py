"""An http(s) address into the bytes behind it, or the reason why not.

Nothing is cut: an answer over the limit, or one that ends early, is refused whole.
"""

import zlib
from dataclasses import dataclass

import requests
import urllib3

from gonerd import __version__

USER_AGENT = f"gonerd/{__version__}"
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
    session.headers["Accept-Encoding"] = "gzip"  # what `fetch` can see the end of
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
            encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
            if encoding not in ("identity", "gzip", "x-gzip", "deflate"):
                raise Refused(f"the answer is packed as {encoding}")
            unpack = None if encoding == "identity" else zlib.decompressobj(wbits=47)
            chunks: list[bytes] = []
            size = 0
            for chunk in response.raw.stream(_CHUNK, decode_content=False):
                if unpack is not None:
                    chunk = unpack.decompress(chunk, max_bytes + 1)
                chunks.append(chunk)
                size += len(chunk)
                if size > max_bytes:
                    raise Refused(f"the answer is over {max_bytes} bytes")
            if unpack is not None and not unpack.eof:
                raise Refused("the answer broke off")
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
    except urllib3.exceptions.ReadTimeoutError:
        raise Refused(f"no answer within {timeout_seconds:g} seconds") from None
    except urllib3.exceptions.ProtocolError:
        raise Refused("the answer broke off") from None
    except requests.ConnectionError:
        raise Refused("no connection to the server") from None
    except zlib.error:
        raise Refused("the answer cannot be unpacked") from None
    except (requests.RequestException, urllib3.exceptions.HTTPError, ValueError) as error:
        raise Refused(f"the request failed ({type(error).__name__})") from None
