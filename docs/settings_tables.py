"""`python docs/settings_tables.py` writes the tables of docs/configuration.md; `--check` only says if they are stale.

They are made from the settings classes themselves, between the two marks; what is around them is written by hand.
"""

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from modalmesh_gateway.settings import GatewaySettings
from modalmesh_services.common.configuration.command_line import flag
from modalmesh_services.common.configuration.environment import may_hold_secret, variable
from modalmesh_services.common.configuration.other_variables import OTHER_VARIABLES
from modalmesh_services.common.configuration.reading import Configuration
from modalmesh_services.common.configuration.settings import ServerSettings
from modalmesh_services.fusion_ranker.settings import FusionRankerSettings
from modalmesh_services.image_encoder.settings import ImageEncoderSettings
from modalmesh_services.text_encoder.settings import TextEncoderSettings

PAGE = Path(__file__).with_name("configuration.md")
BEGIN, END = "<!-- made by `make settings`: begin -->", "<!-- made by `make settings`: end -->"
SERVERS: dict[str, tuple[str, type[Configuration]]] = {
    "gateway": ("modalmesh_gateway", GatewaySettings),
    "text-encoder": ("modalmesh_services.text_encoder", TextEncoderSettings),
    "image-encoder": ("modalmesh_services.image_encoder", ImageEncoderSettings),
    "fusion-ranker": ("modalmesh_services.fusion_ranker", FusionRankerSettings),
}
UNITS = ("bytes", "days", "pixels", "seconds", "tokens")
MIB = 1024 * 1024


def tables() -> str:
    parts = [section(name, module, settings) for name, (module, settings) in SERVERS.items()]
    return "\n\n".join([*parts, others()])


def section(name: str, module: str, settings: type[Configuration]) -> str:
    """The settings of one server: its own, then those that all servers have."""
    schema = settings.model_json_schema()["properties"]
    # One that only changes the default of a common setting is no setting of its own.
    fields = sorted(settings.model_fields, key=lambda field: field in ServerSettings.model_fields)
    rows = [row(settings, field, schema[field]) for field in fields]
    return "\n".join(
        [
            f"## {name}",
            "",
            f"`python -m {module}`",
            "",
            *table("flag", "variable", "default", "values", "meaning"),
            *rows,
        ]
    )


def row(settings: type[Configuration], field: str, schema: dict[str, Any]) -> str:
    name = variable(settings, field)
    meaning = schema["description"]
    if may_hold_secret(settings.model_fields[field]):
        meaning += f"; may come from the file that `{name}_FILE` names"
    return line(f"`{flag(field)}`", f"`{name}`", default(field, schema["default"]), values(field, schema), meaning)


def default(field: str, value: object) -> str:
    if value == "":
        return "empty"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, float):
        return f"`{value:g}`"
    if isinstance(value, int) and field.endswith("bytes") and value % MIB == 0:
        return f"`{value}` ({value // MIB} MiB)"
    return f"`{value}`"


def values(field: str, schema: dict[str, Any]) -> str:
    """The unit and the limits, or the words that can be chosen."""
    choices = schema.get("enum") or choices_of(schema.get("pattern", ""))
    if schema.get("type") == "boolean":
        choices = ["true", "false"]
    if choices:
        return ", ".join(f"`{choice}`" for choice in choices)
    unit = next((unit for unit in UNITS if field.endswith(unit)), "")
    return ", ".join(part for part in (unit, limits(schema)) if part)


def choices_of(pattern: str) -> list[str]:
    """The words of a pattern that is nothing but a choice of words."""
    match = re.fullmatch(r"\^\(([A-Za-z|]+)\)\$", pattern)
    return match.group(1).split("|") if match else []


def limits(schema: dict[str, Any]) -> str:
    least, above, most = schema.get("minimum"), schema.get("exclusiveMinimum"), schema.get("maximum")
    if least is not None and most is not None:
        return f"{least:g} to {most:g}" if most < MIB else f"{least} to {most}"
    words = [f"{least:g} or more" if least is not None else "", f"above {above:g}" if above is not None else ""]
    return ", ".join(part for part in [*words, f"at most {most}" if most is not None else ""] if part)


def others() -> str:
    rows = [line(f"`{name}`", *other) for name, other in OTHER_VARIABLES.items()]
    return "\n".join(["## Other environment variables", "", *table("variable", "read by", "default", "meaning"), *rows])


def table(*heads: str) -> Iterator[str]:
    yield line(*heads)
    yield line(*["---"] * len(heads))


def line(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"


def with_tables(page: str) -> str:
    """The page with the tables of today."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{tables()}\n\n{END}{after}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, epilog="example: python docs/settings_tables.py --check")
    parser.add_argument("--check", action="store_true", help="change nothing; exit code 1 if the page is stale")
    parser.add_argument("--page", type=Path, default=PAGE, help="the page with the marks")
    options = parser.parse_args()
    old = options.page.read_text(encoding="utf-8")
    new = with_tables(old)
    if options.check:
        if new == old:
            return 0
        stale = sorted(set(new.splitlines()) ^ set(old.splitlines()))
        sys.stderr.write("\n".join([f"{options.page} is stale: `make settings` writes it anew", *stale, ""]))
        return 1
    options.page.write_text(new, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
