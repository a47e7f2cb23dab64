#!/usr/bin/env python3
"""The messages that docs/messages.md explains are messages that the sources have: every piece between the … of those in its
tables is looked for in what C++ makes of adjacent literals, and in the scripts. Argument: the project's directory."""
import pathlib
import re
import sys

root = pathlib.Path(sys.argv[1])
sources = ""
for folder in ("src", "platform", "tools", "include"):
    for path in sorted((root / folder).rglob("*")):
        if path.is_file() and path.suffix in ("", ".cpp", ".hpp", ".h"):
            # Names for what is printed in between, and breaks of literals, are no part of a message.
            text = re.sub(r'"\s*\n\s*"', "", path.read_text(errors="replace"))
            sources += re.sub(r"\\(.)", r"\1", text) + "\n"

foreign = {"Bad icount read"}  # printed by QEMU
missing = []
found = 0
for line in (root / "docs/messages.md").read_text().splitlines():
    if not line.startswith("|"):
        continue
    for column, cell in enumerate(line.split(" | ")):
        for message in re.findall(r"`([^`]+)`", cell):
            # In what is said of them, commands and names stand beside the messages of the same kind.
            told = column == 0 or (len(message.split()) > 3 and not message.startswith("escapement "))
            if not told or message in foreign:
                continue
            found += 1
            for piece in message.split("…"):
                if len(piece.strip(" .:;,'")) > 3 and piece.strip() not in sources:
                    missing.append(f"{message}\n    not in the sources: {piece.strip()}")
print("\n".join(missing), end="\n" if missing else "")
sys.exit(1 if missing or found < 200 else 0)
