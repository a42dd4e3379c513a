"""Prints a line for each Markdown file of a folder: its tables as read, and the HTML that is let through.

The rules are GitHub's as far as they matter here: CommonMark with tables and strikethrough, HTML let through.
"""

import json
import pathlib
import sys

from markdown_it import MarkdownIt

reader = MarkdownIt("commonmark").enable(["table", "strikethrough"])


def plain(token):
    return "".join(child.content if child.type in ("text", "text_special", "code_inline") else f"<{child.type}>" for child in token.children)


for path in sorted(pathlib.Path(sys.argv[1]).glob("*.md")):
    tokens = reader.parse(path.read_text())
    tables, html, headings, fences = [], [], [], []
    for place, token in enumerate(tokens):
        if token.type == "table_open":
            tables.append([])
        elif token.type == "tr_open":
            tables[-1].append([])
        elif token.type in ("th_open", "td_open"):
            tables[-1][-1].append(plain(tokens[place + 1]))
        elif token.type == "heading_open":
            headings.append(plain(tokens[place + 1]))
        elif token.type == "fence":
            fences.append(token.content)
        elif token.type == "html_block":
            html.append(token.content.strip())
        elif token.type == "inline":
            html.extend(child.content for child in token.children if child.type == "html_inline")
            html.extend(child.type for child in token.children if child.type in ("link_open", "image"))
    print(json.dumps({"name": path.stem, "tables": tables, "html": html, "headings": headings, "fences": fences}))
