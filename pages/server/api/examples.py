"""The examples of the API, as the page and docs/api.md show them; tests run them."""

from dataclasses import dataclass
from typing import Final

_CURL: Final = """\
# The photo as the body
curl {address}/analyze {token}--data-binary @photo.jpg
# The photo as a form field; with the landmarks of each face, and only one network
curl "{address}/analyze?networks={network}&landmarks=1" {token}--form file=@photo.jpg
# The available networks
curl {address}/networks {token}"""
_CURL_TOKEN: Final = '--header "Authorization: Bearer $TOKEN" '

# As `ruff format` leaves it in docs/api.md.
_PYTHON: Final = """\
import json, os
from urllib.request import Request, urlopen

request = Request("{address}/analyze", open("photo.jpg", "rb").read())
{token}answer = json.load(urlopen(request))
for face in answer["faces"]:
    main = face["predictions"][face["main_network"]]
    print(face["box_xyxy"], main["expression"], main["level"])"""
_PYTHON_TOKEN: Final = """\
request.add_header("Authorization", "Bearer " + os.environ["TOKEN"])
"""

_JAVASCRIPT: Final = """\
const [photo] = document.querySelector("input[type=file]").files;
const response = await fetch("{address}/analyze", {{ method: "POST", body: photo{token} }});
const answer = await response.json();
if (!response.ok) throw new Error(answer.error);
for (const face of answer.faces)
  console.log(face.box_xyxy, face.predictions[face.main_network].expression);"""
_JAVASCRIPT_TOKEN: Final = ", headers: { Authorization: `Bearer ${token}` }"


@dataclass(frozen=True, slots=True)
class Example:
    """A program of a few lines.

    Attributes:
        title: what people call its language.
        language: what highlighters and Markdown call it.
        code: the program.
    """

    title: str
    language: str
    code: str


def examples(address: str, network: str, *, token: bool = False) -> tuple[Example, ...]:
    """Return the examples.

    Args:
        address: of the API, such as `pages.shared.address.LOCAL`, without what has a meaning in a string or
            a shell.
        network: one of those that answer by default.
        token: whether requests must bear a token, which then comes from a variable.
    """

    def of(title: str, language: str, template: str, with_token: str) -> Example:
        code = template.format(address=address, network=network, token=with_token if token else "")
        return Example(title, language, code.rstrip())

    python = _PYTHON if token else _PYTHON.replace("json, os", "json")
    return (
        of("curl", "bash", _CURL, _CURL_TOKEN),
        of("Python", "python", python, _PYTHON_TOKEN),
        of("JavaScript", "javascript", _JAVASCRIPT, _JAVASCRIPT_TOKEN),
    )
