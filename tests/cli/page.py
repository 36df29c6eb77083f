#!/usr/bin/env python3
"""Reads a report's page with the library's parsers and says what is wrong with it, else what is in
it: `page.py FILE` prints "figures N pictures N tables N sections N" and ends with 0."""
import re
import sys
import xml.etree.ElementTree as tree
from html.parser import HTMLParser

VOID = {"meta", "input", "br", "hr", "img", "link"}


class Page(HTMLParser):
    """Nesting as HTML has it, ids, and what would be loaded."""

    def __init__(self):
        super().__init__()
        self.open, self.ids, self.wanted, self.wrong = [], [], [], []
        self.counts = {"figure": 0, "svg": 0, "table": 0, "section": 0}

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        if tag not in VOID:
            self.open.append(tag)
        self.look(tag, given)

    def handle_startendtag(self, tag, attributes):
        self.look(tag, dict(attributes))

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append(f"</{tag}> at {self.getpos()} closes nothing")

    def look(self, tag, given):
        self.counts[tag] = self.counts.get(tag, 0) + 1
        if "id" in given:
            self.ids.append(given["id"])
        if tag == "script" or any(name.startswith("on") for name in given):
            self.wrong.append(f"<{tag}> at {self.getpos()} has a script")
        for name in ("src", "data", "action", "srcset", "poster"):
            if name in given:
                self.wrong.append(f"<{tag} {name}=...> at {self.getpos()} loads something")
        for name in ("href", "xlink:href"):
            if name in given and given[name].startswith("#"):
                self.wanted.append(given[name][1:])
            elif name in given:
                self.wrong.append(f"<{tag} {name}={given[name]}> leads out of the page")
        self.wanted += given.get("aria-labelledby", "").split()
        self.wanted += [given["for"]] if "for" in given else []


def local(element):
    return element.tag.rsplit("}", 1)[-1]


def look_at_table(table, wrong):
    kinds = [local(child) for child in table]
    if kinds != ["caption", "thead", "tbody"] or not "".join(table[0].itertext()).strip():
        wrong.append(f"a table has {kinds}")
        return
    columns = table[1][0]
    if any(local(cell) != "th" or cell.get("scope") != "col" for cell in columns):
        wrong.append("a head is none")
    for row in table[2]:
        if len(row) != len(columns) or row[0].get("scope") != "row":
            wrong.append(f"a row of {len(row)} cells under {len(columns)} heads")
        if any(not "".join(cell.itertext()).strip() for cell in row):
            wrong.append("an empty cell")


def look_at_picture(picture, wrong):
    names = [local(child) for child in picture][:2]
    if names != ["title", "desc"] or not picture[0].text or not picture[1].text:
        wrong.append("a picture without words")
    if picture.get("role") != "img" or not re.fullmatch(r"0 0 \d+ \d+", picture.get("viewBox", "")):
        wrong.append("a picture that does not scale")


def look_at_figure(figure, wrong):
    """Every switch switches something."""
    kinds = {group.get("class") for group in figure.iter() if local(group) == "g"}
    for switch in (part for part in figure if local(part) == "input"):
        kind = switch.get("class").replace("k", "s", 1).replace("reference", "printed")
        if kind not in kinds:
            wrong.append(f"the switch {switch.get('id')} switches nothing")


def main():
    with open(sys.argv[1], "rb") as file:
        text = file.read().decode("utf-8", "strict")
    page = Page()
    page.feed(text)
    page.close()
    wrong = page.wrong + [f"<{tag}> is not closed" for tag in page.open]
    wrong += [f"id {name} twice" for name in set(page.ids) if page.ids.count(name) > 1]
    wrong += [f"#{name} is not there" for name in set(page.wanted) - set(page.ids)]
    wrong += re.findall(r"@import[^;]*|url\((?!#)[^)]*\)", text)
    for element in tree.fromstring(text).iter():
        if local(element) == "table":
            look_at_table(element, wrong)
        elif local(element) == "figure":
            look_at_figure(element, wrong)
        elif local(element) == "svg":
            look_at_picture(element, wrong)
    for line in wrong:
        print(line)
    print(f"figures {page.counts['figure']} pictures {page.counts['svg']} "
          f"tables {page.counts['table']} sections {page.counts['section']}")
    return 1 if wrong else 0


sys.exit(main())
